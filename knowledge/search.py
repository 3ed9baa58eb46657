"""Find the passages a question is about: vectors and words, fused; nothing when nothing is about it.

A passage's score is its cosine to the question, plus that of its best line, plus a little of BM25:
on the suite's answerable cases that puts all facts into three passages in 87 of 100, reciprocal rank
fusion of passages and BM25 (Cormack et al. 2009) in 81 (adapters/LOG.md). Whether a passage is about
the question at all is decided on raw cosines and term coverage, never on the fused score."""

import logging
import math
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bm25s
import Stemmer

from knowledge.chunk import Passage
from knowledge.embed import Embedder
from knowledge.errors import IndexMissing
from knowledge.ingest import current_index
from knowledge.store import Store

POOL = 50  # candidates from each side
LEXICAL = 0.2  # what the best BM25 score counts beside two cosines
SURE = 0.36  # cosine, of passage or line, from which it is about the question whatever its words: all of 61
# answerable held-in questions reach it, 7 of 72 off-topic messages do
LIKELY = 0.28  # cosine from which it is, if it also shares the question's words:
COVERED = 0.45  # the idf-weighted share of the question's stems that it holds


@dataclass(frozen=True)
class Hit:
    """A found passage. `score` is what people are shown: the cosine, 0..1. Ranks count from 1."""

    passage: Passage
    score: float
    cosine: float
    line: float  # the cosine of its best line; 0 when none of them is near
    coverage: float  # 0..1
    dense_rank: int | None
    lexical_rank: int | None


class Searcher:
    """Searches the index in use; notices a newer one and reads that from then on."""

    def __init__(self, brand: str, root: Path, embedder: Embedder):
        self._brand, self._root, self._embedder = brand, root, embedder
        self._lock = threading.Lock()
        self._index = self._opened()

    def search(self, question: str, k: int = 3) -> tuple[Hit, ...]:
        """At most `k` passages about `question`, best first; () when none is."""
        if not question.strip() or k < 1:
            return ()
        index = self._newest()
        vector = self._embedder.encode([question])[0]  # (d,)
        return index.search(question, vector, k)

    def _newest(self) -> "_Index":
        with self._lock:
            folder = current_index(self._root, self._brand)
            if folder is not None and folder != self._index.folder:
                self._index = _Index(folder, self._brand)
            return self._index

    def _opened(self) -> "_Index":
        folder = current_index(self._root, self._brand)
        if folder is None:
            raise IndexMissing(f"The articles of {self._brand} are not indexed yet. Run `triptych setup`.")
        return _Index(folder, self._brand)


def open_searcher(brand: str, root: Path, embedder: Embedder) -> Searcher:
    """The brand's searcher. Raises IndexMissing when there is no whole index."""
    return Searcher(brand, root, embedder)


class _Index:
    """One folder, read once: passages and BM25 in memory, vectors in Chroma."""

    def __init__(self, folder: Path, brand: str):
        self.folder = folder
        self._store = Store(folder, brand)
        passages, _ = self._store.everything()
        self._passages = {one.id: one for one in passages}
        self._order = [one.id for one in passages]
        self._lines = sum(len(one.lines) for one in passages)
        stemmed = _tokens([one.cited for one in passages])
        self._stems = {one.id: set(stems) for one, stems in zip(passages, stemmed, strict=True)}
        self._idf = _idf(list(self._stems.values()))
        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG and talks into --json runs
        self._bm25 = bm25s.BM25()
        self._bm25.index(stemmed, show_progress=False)

    def search(self, question: str, vector: Any, k: int) -> tuple[Hit, ...]:
        dense = self._store.nearest(vector, min(POOL, len(self._order)))
        cosines, lines = dict(dense), self._store.nearest_lines(vector, min(3 * POOL, self._lines))
        asked = stems_of(question)
        lexical = self._lexical(asked)
        dense_ranks = {name: rank for rank, (name, _) in enumerate(dense, 1)}
        lexical_ranks = {name: rank for rank, name in enumerate(lexical, 1)}
        best = max(lexical.values(), default=1.0)
        # beyond the dense pool a cosine is below every threshold
        fused = {
            name: cosines[name] + lines.get(name, 0.0) + LEXICAL * lexical.get(name, 0.0) / best for name in cosines
        }
        hits = (
            self._hit(name, cosines, lines.get(name, 0.0), asked, dense_ranks.get(name), lexical_ranks.get(name))
            for name in sorted(fused, key=lambda name: -fused[name])
        )
        return tuple(hit for hit in hits if about(hit))[:k]

    def _hit(
        self,
        name: str,
        cosines: dict[str, float],
        line: float,
        asked: list[str],
        dense: int | None,
        lexical: int | None,
    ) -> Hit:
        cosine = cosines[name]
        coverage = _coverage(asked, self._stems[name], self._idf, len(self._order))
        return Hit(self._passages[name], max(0.0, min(1.0, cosine)), cosine, line, coverage, dense, lexical)

    def _lexical(self, asked: list[str]) -> dict[str, float]:
        """BM25 scores by passage, best first."""
        known = [stem for stem in asked if stem in self._idf]
        if not known:
            return {}
        found, scores = self._bm25.retrieve([known], k=min(POOL, len(self._order)), show_progress=False)
        return {self._order[i]: float(score) for i, score in zip(found[0], scores[0], strict=True) if score > 0}


def about(hit: Hit) -> bool:
    """Is this passage about the question at all?"""
    return max(hit.cosine, hit.line) >= SURE or (hit.cosine >= LIKELY and hit.coverage >= COVERED)


def stems_of(text: str) -> list[str]:
    """English stems of the content words, lower case."""
    return list(_tokens([text])[0])


def _tokens(texts: list[str]) -> list[list[str]]:
    stemmer = Stemmer.Stemmer("english")  # not safe to share between threads, cheap to make
    made = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
    return [list(tokens) for tokens in made]


def _idf(documents: Sequence[set[str]]) -> dict[str, float]:
    frequency = Counter(stem for stems in documents for stem in stems)
    return {stem: _weight(count, len(documents)) for stem, count in frequency.items()}


def _weight(count: int, documents: int) -> float:
    return math.log(1 + (documents - count + 0.5) / (count + 0.5))


def _coverage(asked: Sequence[str], stems: set[str], idf: dict[str, float], documents: int) -> float:
    weights = {stem: idf.get(stem, _weight(0, documents)) for stem in asked}
    total = sum(weights.values())
    return sum(weight for stem, weight in weights.items() if stem in stems) / total if total else 0.0
