"""The line that stands nearest to a question, and three signs of how well it fits: what the judge looks at beside
other questions (answerable.py).

The signs: the cosine of the question to the middle of the line and its phrasings, the mean cosine of its nearest
phrasings, and the share of the question's words that line and phrasings hold. To learn from, each answered question is
looked at as if it had not been written: its line's middle, phrasings and words are what is left without it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.asked import Asked
from knowledge.chunk import Place
from knowledge.embed import Vectors
from knowledge.words import Coverage, counted, each_stemmed, stemmed

CLOSEST = 3  # phrasings of the line whose mean counts
NOBODY = -1  # the place of a question that is no phrasing
BLOCK = 500  # questions whose cosines are worked out at once,
LINES = 20_000  # with so many lines

Rows = NDArray[np.intp]
NONE: Rows = np.zeros(0, np.intp)


class Lines:
    """All lines (m of them) with their phrasings: `documents` as knowledge.asked makes them, `middles` (m, d). Neither
    need be in memory; `coverage` is that of the documents, if somebody has it already."""

    def __init__(
        self,
        documents: Mapping[Place, str],
        middles: Vectors,
        asked: Sequence[Asked],
        vectors: Vectors,
        coverage: Coverage | None = None,
    ):
        self._places = list(documents)
        number = {at: n for n, at in enumerate(self._places)}
        self._documents, self._middles, self._asked = documents, middles, vectors
        self._phrased = asked
        self._of = np.array([number[one.passage, one.line] for one in asked], int)  # (n,): each phrasing's line
        lines, starts = np.unique(np.sort(self._of), return_index=True)
        rows = np.split(np.argsort(self._of, kind="stable"), starts[1:]) if asked else []
        self._phrasings = dict(zip(lines.tolist(), rows, strict=True))  # of each line that has any
        self._coverage = coverage or Coverage(each_stemmed(documents.values()))

    def signs(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        """(n, 3): the signs of questions that stand in no document, from their vectors (n, d)."""
        return self._signs(texts, vectors, None)

    def left_out(self) -> Vectors:
        """(n, 3): the signs of the phrasings themselves, each as if it were not there."""
        return self._signs([one.text for one in self._phrased], self._asked, self._without_itself())

    def _without_itself(self) -> Vectors:
        """(n, d): the middle of each phrasing's line without it.

        A middle m is the sum of the line's own vector and its phrasings' at length 1. How long the sum was follows
        from the line's own vector having length 1 too: |length x m - phrasings| = 1. Of the two solutions the one in
        which the line lies on its middle's side of the origin.
        """
        lines, its = np.unique(self._of, return_inverse=True)  # those asked for; each phrasing's among them
        middles, sums = self._middles[lines], np.stack([self._asked[self._phrasings[n]].sum(axis=0) for n in lines])
        along = (middles * sums).sum(axis=1)
        length = along + np.sqrt(np.maximum(along**2 - (sums**2).sum(axis=1) + 1, 0))
        left = (length[:, None] * middles)[its] - self._asked
        return np.asarray(left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-9), np.float32)

    def _signs(self, texts: Sequence[str], vectors: Vectors, own: Vectors | None) -> Vectors:
        stems, found = stemmed(list(texts)), []
        for start in range(0, len(texts), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(texts)))
            nearest, cosines = self._nearest(vectors[rows], rows, own)
            for row, line, cosine in zip(rows.tolist(), nearest.tolist(), cosines.tolist(), strict=True):
                without = row if own is not None and self._of[row] == line else NOBODY
                found.append(self._of_line(vectors[row], stems[row], line, cosine, without))
        return np.array(found, np.float32).reshape(-1, 3)

    def _nearest(self, vectors: Vectors, rows: Rows, own: Vectors | None) -> tuple[Rows, Vectors]:
        """The lines (b,) nearest to `vectors` (b, d) and their cosines (b,), the lines of phrasings `rows` as `own`."""
        nearest, best = np.zeros(len(rows), int), np.full(len(rows), -np.inf, np.float32)
        for start in range(0, len(self._places), LINES):
            cosines = vectors @ self._middles[start : start + LINES].T
            if own is not None:
                here = np.flatnonzero((start <= self._of[rows]) & (self._of[rows] < start + LINES))
                cosines[here, self._of[rows[here]] - start] = (vectors[here] * own[rows[here]]).sum(axis=1)
            farther = cosines.max(axis=1) > best
            nearest[farther] = start + cosines.argmax(axis=1)[farther]
            best = np.maximum(best, cosines.max(axis=1))
        return nearest, best

    def _of_line(self, vector: Vectors, stems: Sequence[str], line: int, cosine: float, without: int) -> list[float]:
        rows = self._phrasings.get(line, NONE)
        others = rows[rows != without]
        held = counted(self._documents[self._places[line]])
        its_own = without != NOBODY and not self._phrased[without].told  # no document holds what is told
        left = held - Counter(stems) if its_own else held
        return [cosine, closest(self._asked[others] @ vector, cosine), self._coverage.share(stems, left)]


def closest(cosines: Vectors, otherwise: float) -> float:
    """The mean of the CLOSEST of a line's phrasings, `otherwise` where it has none."""
    return float(np.sort(cosines)[-CLOSEST:].mean()) if len(cosines) else otherwise
