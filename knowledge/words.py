"""Words without their endings, how much of a question's words a text holds, and BM25. The door of bm25s."""

import logging
import math
from collections import Counter
from collections.abc import Container, Iterable, Sequence

import bm25s
import numpy as np
import Stemmer


def stems_of(text: str) -> list[str]:
    """English stems of the content words, lower case."""
    return stemmed([text])[0]


def stemmed(texts: list[str]) -> list[list[str]]:
    """`stems_of` each text."""
    stemmer = Stemmer.Stemmer("english")  # not safe to share between threads, cheap to make
    made = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
    return [list(tokens) for tokens in made]


class Coverage:
    """How rare each stem is among `documents` (their stems), and how much of a question a text covers."""

    def __init__(self, documents: Iterable[Iterable[str]]):
        frequency: Counter[str] = Counter()
        self._documents = 0
        for stems in documents:
            frequency.update(set(stems))
            self._documents += 1
        self._idf = {stem: self._weight(count) for stem, count in frequency.items()}

    def share(self, asked: Sequence[str], stems: Container[str]) -> float:
        """0..1: the part of the question's stems `asked`, each weighted by its idf, that is among `stems`."""
        weights = {stem: self._idf.get(stem, self._weight(0)) for stem in asked}
        total = sum(weights.values())
        return sum(weight for stem, weight in weights.items() if stem in stems) / total if total else 0.0

    def _weight(self, count: int) -> float:
        return math.log(1 + (self._documents - count + 0.5) / (count + 0.5))


class Lexicon:
    """BM25 over `documents` (their stems), which are numbered as they come."""

    def __init__(self, documents: Sequence[Sequence[str]]):
        self._known = {stem for stems in documents for stem in stems}
        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG and talks into --json runs
        self._bm25 = bm25s.BM25()
        self._bm25.index([list(stems) for stems in documents], show_progress=False)

    def best(self, asked: Sequence[str], n: int, allowed: Sequence[bool] | None = None) -> list[tuple[int, float]]:
        """At most `n` documents that hold any of the stems `asked`, each with its score, best first; of the `allowed`
        ones, one bool a document, where that is said. `n` is at most how many there are."""
        known = [stem for stem in asked if stem in self._known]
        if not known:
            return []
        mask = None if allowed is None else np.asarray(allowed, np.float32)
        found, scores = self._bm25.retrieve([known], k=n, show_progress=False, weight_mask=mask)
        return [(int(i), float(score)) for i, score in zip(found[0], scores[0], strict=True) if score > 0]
