"""What can go wrong with the company's articles and their index."""


class KnowledgeError(Exception):
    """A sentence for the user: the thing, the place and the way out."""


class ArticleError(KnowledgeError):
    """An article that cannot be read; names the file."""


class IndexMissing(KnowledgeError):
    """No index has been built for this brand yet."""


class StoreDown(KnowledgeError):
    """The Chroma server of TRIPTYCH_CHROMA_URL does not answer."""


class DocumentError(KnowledgeError):
    """A document that cannot become an article; names it and the way out."""
