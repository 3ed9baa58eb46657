"""Everything a user may be shown, on one page.

    AdapterError            adapters/errors.py: base model, adapter, training
      BaseModelError        missing, damaged, or not a chat model
      ExampleError          a bad training example, by file and line
      TrainingStopped       the user stopped it
    KnowledgeError          knowledge/errors.py: articles and their index
      ArticleError          an article that cannot be read
      DocumentError         a document that cannot become an article
      IndexMissing          not built yet
      StoreDown             the Chroma server does not answer
    ChatError               this file
      SettingError          a setting that cannot be
      BrandError            a brand that is not there, or not whole
      PromptError           a prompt file with a hole or a fault in it
      TurnError             a question that cannot be answered as asked
      SuiteError            an examination file with a fault in it
        RunStopped          the user stopped an examination
      EngineError           the writer failed in the middle of a reply
      FeedbackError         a vote, thumb or mark that could not be stored or read
        AlreadyVoted        this voter's vote on this pair is there already

The pages and the command line catch `SHOWN` and print the sentence; anything else is a bug.
"""

from adapters.errors import AdapterError
from knowledge.errors import KnowledgeError


class ChatError(Exception):
    """A sentence for the user: the thing, the place and the way out."""


class SettingError(ChatError):
    """A setting that cannot be."""


class BrandError(ChatError):
    """A brand that is not there, or not whole."""


class PromptError(ChatError):
    """A prompt file with a hole or a fault in it."""


class TurnError(ChatError):
    """A question that cannot be answered as asked."""


class SuiteError(ChatError):
    """An examination file, rule file or baseline with a fault in it; names file and place."""


class RunStopped(SuiteError):
    """The user stopped an examination; what was answered is kept."""


class EngineError(ChatError):
    """The writer failed in the middle of a reply."""


class FeedbackError(ChatError):
    """The store of feedback refused something; says what was not stored and the way out."""


class AlreadyVoted(FeedbackError):
    """This voter's vote on this pair is there already; it can be taken back."""


SHOWN = (ChatError, AdapterError, KnowledgeError)
