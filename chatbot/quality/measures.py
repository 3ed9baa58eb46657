"""What is measured beside the marks: how hard replies are to read, how long they take, how alike they are.

Not textstat: it needs a dictionary that it downloads when first used, and pyphen, which comes under the GPL, the LGPL
or the MPL. The Automated Readability Index (Senter and Smith 1967) counts letters instead of syllables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from chatbot.quality.consistency import Consistency, consistency_of
from chatbot.quality.latency import Latency
from chatbot.quality.marks import Outcome
from chatbot.quality.stats import modes_in


@dataclass(frozen=True)
class Measures:
    """By mode; empty where it was not measured. Neither can be worked out from the outcomes of one run."""

    latency: Mapping[str, Latency] = field(default_factory=dict)
    consistency: Mapping[str, Consistency] = field(default_factory=dict)


@dataclass(frozen=True)
class Readability:
    """Medians over the replies of one mode."""

    words: float  # per reply
    words_per_sentence: float
    grade: float  # Automated Readability Index: US school grade that reads it with ease


def readability(outcomes: Sequence[Outcome]) -> dict[str, Readability]:
    """mode -> how its replies read; modes without a single word are left out."""
    found = {mode: [_read(one.text) for one in mine if _words(one.text)] for mode, mine in _by_mode(outcomes).items()}
    return {
        mode: Readability(*(round(median(column), 1) for column in zip(*rows, strict=True)))
        for mode, rows in found.items()
        if rows
    }


def measures_document(outcomes: Sequence[Outcome], measures: Measures) -> dict[str, dict[str, Any]]:
    """{"latency": {mode: ...}, "readability": {mode: ...}, "consistency": {mode: ...}} for the JSON document."""
    return {
        "latency": {mode: asdict(one) for mode, one in measures.latency.items()},
        "readability": {mode: asdict(one) for mode, one in readability(outcomes).items()},
        "consistency": {mode: one.document() for mode, one in measures.consistency.items()},
    }


def measures_of(document: Mapping[str, Any]) -> Measures:
    """What `measures_document` made, read back. Raises KeyError or TypeError when it is not that."""
    return Measures(
        {mode: Latency(**one) for mode, one in document["latency"].items()},
        {mode: consistency_of(one) for mode, one in document["consistency"].items()},
    )


def _by_mode(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    return {mode: [one for one in outcomes if one.mode == mode] for mode in modes_in(outcomes)}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+(?:['’.,:-]\w+)*", text)


def _read(text: str) -> tuple[float, float, float]:
    """Words, words per sentence, and the index, of one text with at least one word."""
    words = _words(text)
    sentences = max(1, len([part for part in re.split(r"[.!?]+(?:\s|$)|\n\s*\n", text) if _words(part)]))
    letters = sum(sign.isalnum() for word in words for sign in word)
    grade = 4.71 * letters / len(words) + 0.5 * len(words) / sentences - 21.43
    return len(words), len(words) / sentences, max(0.0, grade)
