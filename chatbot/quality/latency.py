"""How long a customer waits: a few questions asked live, each mode alone as one row.

The replies of an examination are written many at a time and share its time, so their seconds say nothing about this."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from chatbot.bot import Bot
from chatbot.engine.protocol import Decoding, End
from chatbot.mode import Mode
from chatbot.quality.suite import Case
from knowledge.filling import Tell

QUESTIONS = 3  # enough for a median that one cold start does not move


@dataclass(frozen=True)
class Latency:
    """Medians over `n` questions, in seconds."""

    n: int
    first_token_s: float
    total_s: float


def measure(
    bot: Bot, cases: Sequence[Case], modes: Sequence[Mode], decoding: Decoding, tell: Tell
) -> dict[str, Latency]:
    """mode -> how long its replies to `cases` took, asked one after the other. `tell` may raise to stop."""
    asked = [(case, mode) for case in cases for mode in modes]
    ends: dict[str, list[End]] = {mode.key: [] for mode in modes}
    for done, (case, mode) in enumerate(asked):
        tell(done, len(asked))
        turn = bot.reply(case.question, [mode], case.history, decoding=decoding)
        ends[mode.key] += [reply.end for reply in turn.replies]
    tell(len(asked), len(asked))
    return {key: _medians(found) for key, found in ends.items() if found}


def _medians(ends: Sequence[End]) -> Latency:
    first, total = median(end.first_token_s for end in ends), median(end.total_s for end in ends)
    return Latency(len(ends), round(first, 3), round(total, 3))
