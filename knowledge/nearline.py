"""The line that stands nearest to a question, and three signs of how well it fits: what the judge looks at beside
other questions (answerable.py).

The signs: the cosine of the question to the middle of the line and its phrasings, the mean cosine of its nearest
phrasings, and the share of the question's words that line and phrasings hold. To learn from, each answered question is
looked at as if it had not been written: its line's middle, phrasings and words are what is left without it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from knowledge.asked import Asked
from knowledge.embed import Vectors
from knowledge.store import Place
from knowledge.words import Coverage, stemmed

CLOSEST = 3  # phrasings of the line whose mean counts
NOBODY = -1  # the place of a question that is no phrasing
BLOCK = 500  # questions whose cosines are worked out at once


class Lines:
    """All lines (m of them) with their phrasings: `documents` as knowledge.asked makes them, `middles` (m, d)."""

    def __init__(self, documents: Mapping[Place, str], middles: Vectors, asked: Sequence[Asked], vectors: Vectors):
        place = {at: number for number, at in enumerate(documents)}
        self._middles, self._asked, self._texts = middles, vectors, [one.text for one in asked]
        self._of = np.array([place[one.passage, one.line] for one in asked], int)  # (n,): each phrasing's line
        self._phrasings = [np.flatnonzero(self._of == number) for number in range(len(documents))]
        self._stems = [Counter(stems) for stems in stemmed(list(documents.values()))]
        self._coverage = Coverage(self._stems)

    def signs(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        """(n, 3): the signs of questions that stand in no document, from their vectors (n, d)."""
        return self._signs(texts, vectors, None)

    def left_out(self) -> Vectors:
        """(n, 3): the signs of the phrasings themselves, each as if it were not there."""
        return self._signs(self._texts, self._asked, self._without_itself())

    def _without_itself(self) -> Vectors:
        """(n, d): the middle of each phrasing's line without it.

        A middle m is the sum of the line's own vector and its phrasings' at length 1. How long the sum was follows
        from the line's own vector having length 1 too: |length x m - phrasings| = 1. Of the two solutions the one in
        which the line lies on its middle's side of the origin.
        """
        sums = np.stack([self._asked[rows].sum(axis=0) for rows in self._phrasings])
        along = (self._middles * sums).sum(axis=1)
        length = along + np.sqrt(np.maximum(along**2 - (sums**2).sum(axis=1) + 1, 0))
        left = (length[:, None] * self._middles)[self._of] - self._asked
        return np.asarray(left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-9), np.float32)

    def _signs(self, texts: Sequence[str], vectors: Vectors, own: Vectors | None) -> Vectors:
        stems, found = stemmed(list(texts)), []
        for start in range(0, len(texts), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(texts)))
            middles = vectors[rows] @ self._middles.T
            if own is not None:
                middles[np.arange(len(rows)), self._of[rows]] = (vectors[rows] * own[rows]).sum(axis=1)
            nearest = middles.argmax(axis=1)
            for row, line, cosine in zip(rows.tolist(), nearest.tolist(), middles.max(axis=1).tolist(), strict=True):
                without = row if own is not None and self._of[row] == line else NOBODY
                found.append(self._of_line(vectors[row], stems[row], line, cosine, without))
        return np.array(found, np.float32).reshape(-1, 3)

    def _of_line(self, vector: Vectors, stems: Sequence[str], line: int, cosine: float, without: int) -> list[float]:
        others = self._phrasings[line][self._phrasings[line] != without]
        left = self._stems[line] if without == NOBODY else self._stems[line] - Counter(stems)
        return [cosine, closest(self._asked[others] @ vector, cosine), self._coverage.share(stems, left)]


def closest(cosines: Vectors, otherwise: float) -> float:
    """The mean of the CLOSEST of a line's phrasings, `otherwise` where it has none."""
    return float(np.sort(cosines)[-CLOSEST:].mean()) if len(cosines) else otherwise
