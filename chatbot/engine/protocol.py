"""The seam to whatever writes the replies: rows in, columns of text out.

A row is one chat and the tone that writes it. A column is one piece of text per row, in row
order, "" where a row has nothing new. Knows nothing about support, modes or Streamlit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from chatbot.message import Message

Finish = Literal["stop", "length", "deadline", "cancelled", "approved"]


@dataclass(frozen=True)
class Row:
    """One chat to continue, and the tone (adapter name) that writes it; None is the bare base."""

    messages: tuple[Message, ...]
    tone: str | None = None


@dataclass(frozen=True)
class Decoding:
    """How the words are chosen; the same for every row of a run."""

    max_new_tokens: int = 160
    temperature: float = 0.0  # 0 is greedy: always the likeliest token
    top_p: float = 1.0  # 0..1, the nucleus kept when sampling
    seed: int = 0
    no_repeat: int = 8  # tokens: a phrase this long is not written twice in one reply, but for a word's rest; 0 is off
    deadline_s: float = 120.0  # seconds of writing, then each open row ends as "deadline"


@dataclass(frozen=True)
class End:
    """How one row ended. Seconds count from the moment the worker took the run up."""

    finish: Finish
    tokens_in: int
    tokens_out: int
    first_token_s: float
    total_s: float


class Run(Protocol):
    """A run in progress. Iterate it once, from any thread; iterating again goes on where it stood."""

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Yield columns until every row has ended. Raises EngineError if the writer failed."""

    @property
    def waiting(self) -> int:
        """How many runs are before this one in the queue; 0 when it is being written."""

    @property
    def ends(self) -> tuple[End | None, ...]:
        """One per row; None while it is still being written."""

    def stop(self) -> None:
        """Ask for an early end: open rows end as "cancelled" with what they have."""


class Engine(Protocol):
    """Owns a model and writes for everybody, one run at a time."""

    def write(self, rows: Sequence[Row], decoding: Decoding) -> Run:
        """Queue the rows as one batch. Returns at once."""

    def prompt_text(self, row: Row) -> str:
        """The exact text the model is given for this row."""

    def close(self) -> None:
        """Stop the worker; runs in progress end as "cancelled"."""
