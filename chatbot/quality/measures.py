"""How long replies take and how hard they are to read, per mode. Plain arithmetic on finished outcomes.

Not textstat: it needs a dictionary that it downloads when first used, and pyphen, which comes under the GPL, the LGPL
or the MPL. The Automated Readability Index (Senter and Smith 1967) counts letters instead of syllables."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np

from chatbot.quality.marks import Outcome
from chatbot.quality.stats import modes_in


@dataclass(frozen=True)
class Spread:
    """The middle and the slow end of some seconds."""

    median: float
    p90: float


@dataclass(frozen=True)
class Latency:
    """Of one mode, in seconds. Replies written in one batch share its time."""

    first_token_s: Spread
    total_s: Spread


@dataclass(frozen=True)
class Readability:
    """Medians over the replies of one mode."""

    words: float  # per reply
    words_per_sentence: float
    grade: float  # Automated Readability Index: US school grade that reads it with ease


def latency(outcomes: Sequence[Outcome]) -> dict[str, Latency]:
    """mode -> how long its replies took."""
    return {
        mode: Latency(_spread([o.first_token_s for o in mine]), _spread([o.total_s for o in mine]))
        for mode, mine in _by_mode(outcomes).items()
    }


def readability(outcomes: Sequence[Outcome]) -> dict[str, Readability]:
    """mode -> how its replies read; modes without a single word are left out."""
    found = {mode: [_read(one.text) for one in mine if _words(one.text)] for mode, mine in _by_mode(outcomes).items()}
    return {
        mode: Readability(*(round(median(column), 1) for column in zip(*rows, strict=True)))
        for mode, rows in found.items()
        if rows
    }


def measures_document(outcomes: Sequence[Outcome]) -> dict[str, dict[str, object]]:
    """{"latency": {mode: ...}, "readability": {mode: ...}} for the JSON document."""
    return {
        "latency": {mode: asdict(one) for mode, one in latency(outcomes).items()},
        "readability": {mode: asdict(one) for mode, one in readability(outcomes).items()},
    }


def _by_mode(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    return {mode: [one for one in outcomes if one.mode == mode] for mode in modes_in(outcomes)}


def _spread(seconds: Sequence[float]) -> Spread:
    return Spread(*(round(float(value), 3) for value in np.percentile(seconds, [50, 90])))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:['’.,:-]\w+)*", text)


def _read(text: str) -> tuple[float, float, float]:
    """Words, words per sentence, and the index, of one text with at least one word."""
    words = _words(text)
    sentences = max(1, len([part for part in re.split(r"[.!?]+(?:\s|$)|\n\s*\n", text) if _words(part)]))
    letters = sum(sign.isalnum() for word in words for sign in word)
    grade = 4.71 * letters / len(words) + 0.5 * len(words) / sentences - 21.43
    return len(words), len(words) / sentences, max(0.0, grade)
