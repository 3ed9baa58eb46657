"""All that was decided before a word was written, and what was written then."""

from dataclasses import dataclass

from chatbot.cite import Citation
from chatbot.engine.protocol import Decoding, End, Row
from chatbot.message import Message
from chatbot.mode import Mode
from chatbot.situation import Verdict
from knowledge.search import Hit


@dataclass(frozen=True)
class Brief:
    """One frozen request: the same for every mode but for `rows[i]`, which is `modes[i]`'s own."""

    question: str
    brand: str
    history: tuple[Message, ...]
    verdict: Verdict  # which situation, how sure, why
    hits: tuple[Hit, ...]  # the passages all modes were given, best first
    modes: tuple[Mode, ...]
    rows: tuple[Row, ...]
    prompts: tuple[str, ...]  # the exact text each row's model saw
    decoding: Decoding
    prompt_version: str = ""  # of the prompt files, see chatbot.guide
    approved: str = ""  # the reply in every mode, from the situation's file; "" where the model writes


@dataclass(frozen=True)
class Reply:
    """What one mode wrote, how it ended, and what of it no source supports."""

    mode: Mode
    text: str
    end: End
    unsupported: tuple[str, ...]
    citations: tuple[Citation, ...] = ()  # which of the brief's passages its sentences lean on


@dataclass(frozen=True)
class Turn:
    """A whole turn: saved as it is, or not at all."""

    brief: Brief
    replies: tuple[Reply, ...]
