"""Approved wording: where a mistake costs and the articles have no line for it, the situation's file holds the reply.

The same for every mode, and shown as such: on these turns no lever is at work. Knows neither engines nor prompts."""

import hashlib
from collections.abc import Iterator

from chatbot.engine.protocol import End
from chatbot.situation import Situation


def wording(situation: Situation, question: str) -> str:
    """One of the situation's wordings, the same one whenever `question` is asked; "" if it has none."""
    if not situation.approved:
        return ""
    draw = hashlib.blake2b(question.encode(), digest_size=8).digest()
    return situation.approved[int.from_bytes(draw, "big") % len(situation.approved)]


class Spoken:
    """A run that is over before it began: every row says `text`. See engine.protocol.Run."""

    waiting = 0

    def __init__(self, text: str, rows: int):
        self._columns = iter([(text,) * rows])
        self.ends: tuple[End | None, ...] = (spoken_end(),) * rows

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return self._columns

    def stop(self) -> None:
        """There is nothing to stop."""


def spoken_end() -> End:
    """How such a reply ended: nothing was read or written for it."""
    return End("approved", tokens_in=0, tokens_out=0, first_token_s=0.0, total_s=0.0)
