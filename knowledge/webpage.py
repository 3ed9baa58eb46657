"""A web page's main text as markdown: headings, lists and tables, without menus, footers and cookie notes."""

import re

from knowledge.errors import DocumentError

LEAST_WORDS = 5  # fewer are a menu's leftovers
HEADED_ITEM = re.compile(r"(?m)^(\s*[-*] +)#+ +")  # a heading inside a list's item is its first words
AROUND = [
    "//nav | //footer | //aside | //dialog",
    "//form[not(.//p or .//h1 or .//h2)]",  # some sites wrap a whole page in one
    "//*[@role='navigation' or @role='contentinfo' or @role='dialog' or @role='alertdialog']",
    *(
        "//*[not(self::html or self::body or self::main or self::article or .//main or .//article or .//h1)]"
        f"[contains(translate(concat(@id,' ',@class),'CEIKNOST','ceiknost'),'{word}')]"
        for word in ("cookie", "consent")
    ),
]


def read_page(name: str, text: str) -> tuple[str, str]:
    """(title, markdown). Raises DocumentError where nothing is left without the menus."""
    try:
        import trafilatura
    except ImportError as error:
        raise DocumentError(
            f"{name} cannot be read: the package trafilatura is not whole ({str(error).splitlines()[0]}). "
            "Run `make demo` again."
        ) from error
    if "<html" not in text.lower() and re.search(r"</?[a-zA-Z]", text):
        text = f"<html><body>{text}</body></html>"  # a piece of a page is read as a page
    found = trafilatura.extract(
        text,
        output_format="markdown",
        include_comments=False,
        include_formatting=True,
        include_tables=True,
        favor_recall=True,  # help pages are short: without it a page of two paragraphs loses its headings
        prune_xpath=AROUND,
    )
    if not found or len(found.split()) < LEAST_WORDS:
        raise DocumentError(
            f"{name} has no main text: beside menus and footers nothing is left, or a script writes it. "
            "Save the page as text or PDF and import that."
        )
    return trafilatura.extract_metadata(text).title or "", HEADED_ITEM.sub(r"\1", found)
