"""Which passage supports which sentence of a reply: decided by code, alike for every mode. No model is asked to cite.

A sentence leans on the passage that holds most of its content words, half of them at least, and every figure, link and
name in it (guard.py), and says yes where that says yes and no where it says no. A greeting leans on none.
It points to where a reader should look; it does not prove that the sentence is right. Knows nothing about models."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatbot.guard import unsupported
from knowledge.words import stemmed

HALF = 0.5  # of a sentence's content words must stand in the passage
FEWEST = 2  # of them
SENTENCE = re.compile(r"[^\n]+?(?:[.!?][\"'”’)]*(?=\s|$)|(?=\n|$))")

DENIAL = re.compile(r"\b(?:no|not|never|neither|nor|none|cannot|without)\b|n['’]t\b", re.IGNORECASE)


@dataclass(frozen=True)
class Citation:
    """`reply[start:end]` is a sentence that passage number `passage` (0, 1, ...) supports."""

    start: int
    end: int
    passage: int


def citations(reply: str, passages: Sequence[str], known: Sequence[str] = ()) -> tuple[Citation, ...]:
    """Each sentence of `reply` that one of `passages` supports, in their order.

    `known`: what else a figure or link may come from without being made up, such as the question and the contact.
    """
    if not passages:
        return ()
    found = [(match.start(), match.end(), match[0]) for match in SENTENCE.finditer(reply)]
    stems = stemmed([text for _, _, text in found] + list(passages))
    held = [set(some) for some in stems[len(found) :]]
    made = []
    for (start, end, text), its in zip(found, stems, strict=False):
        best = _best(set(its), held)
        if best is None or unsupported(text, [passages[best], *known]):
            continue
        if _denies(text) == _denies(_closest(passages[best], set(its))):
            made.append(Citation(start, end, best))
    return tuple(made)


def _closest(passage: str, stems: set[str]) -> str:
    """The sentence of `passage` with most of `stems`."""
    said = re.split(r"(?<=[.!?;])\s+", passage)
    held = stemmed(said)
    return max(zip(said, held, strict=True), key=lambda one: len(stems & set(one[1])))[0]


def _denies(text: str) -> bool:
    return DENIAL.search(text) is not None


def _best(stems: set[str], held: Sequence[set[str]]) -> int | None:
    shared = [len(stems & its) for its in held]
    best = max(range(len(held)), key=lambda n: shared[n])
    return best if shared[best] >= FEWEST and shared[best] >= HALF * len(stems) else None
