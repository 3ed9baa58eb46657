"""Find the lines a question is about: vectors and words, fused; nothing when nothing is about it.

A line's score is the cosine of the question to the line and the ways in which customers ask for it (their
middle: asked.jsonl), plus that to the nearest such way, a part of that to the whole passage, and BM25 over the
line and those ways; the sentences that ask count once more beside the whole message. What each is worth stands in
knowledge/found.py and adapters/LOG.md. Whether a line is about the question at all is decided on raw cosines and term
coverage of the whole message, never on the fused score."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from knowledge.answerable import NEAREST, Judge, Judgement
from knowledge.chunk import Passage, Place
from knowledge.embed import Embedder
from knowledge.errors import IndexMissing, KnowledgeError
from knowledge.found import Found, Said, beside, dense, fused, said
from knowledge.ingest import current_index, judge_of, pointed
from knowledge.nearline import CLOSEST, closest
from knowledge.passages import DAMAGED, Passages
from knowledge.rerank import Reranker
from knowledge.store import Store
from knowledge.words import Words, counted, stems_of

POOL = 50  # candidates from each side
SURE = 0.48  # cosine, of passage or best line, from which it is about the question whatever its words: all of 54
# answerable held-in questions reach it (the least likely .50), of 37 off-topic and small-talk messages 2
LIKELY = 0.28  # cosine from which it is, if it also shares the question's words:
COVERED = 0.45  # the idf-weighted share of the question's stems that it holds
RERANKED = 10  # lines that a reranker puts in order


@dataclass(frozen=True)
class Reordered:
    """That a reranker had its say."""

    by: str  # its name
    before: int  # the line's rank without it


@dataclass(frozen=True)
class Hit:
    """A found line. `score` is what people are shown: the best of its cosines, 0..1. Ranks count from 1."""

    passage: Passage  # that the line stands in
    text: str  # the line
    score: float
    cosine: float  # of the passage
    line: float  # the cosine of the line; 0 when it is not near
    coverage: float  # 0..1, of the passage
    dense_rank: int | None  # of the passage
    lexical_rank: int | None  # of the line
    best: float = 0.0  # the best cosine of the passage's lines
    dense: float = 0.0  # what its cosines count together, with those to the sentences that ask
    lexical: float = 0.0  # 0..1, BM25 as a share of the question's best, with that of the sentences that ask
    reordered: Reordered | None = None

    @property
    def cited(self) -> str:
        """The line with its heading path: what a model is given."""
        return self.passage.cite(self.text)

    @property
    def fused(self) -> float:
        """What lines are ordered by."""
        return float(fused(self.dense, self.lexical))


class Searcher:
    """Searches the index in use; notices a newer one and reads that from then on."""

    def __init__(self, brand: str, root: Path, embedder: Embedder, reranker: Reranker | None = None, server: str = ""):
        self._brand, self._root, self._server = brand, root, server
        self._embedder, self._reranker = embedder, reranker
        self._lock = threading.Lock()
        self._index = self._opened()

    def search(self, question: str, k: int = 3, only: Sequence[str] = (), behind: str = "") -> tuple[Hit, ...]:
        """At most `k` lines about `question`, best first; () when none is.

        `only` names the articles to look in, all of them if empty. `behind` is a follow-up behind the message that it
        follows: a line then counts by what it is worth to both. Raises KnowledgeError for a name that none has.
        """
        index = self._newest()
        chosen = _chosen(only, index.articles)
        if not question.strip() or k < 1:
            return ()
        asked = [said(one, self._embedder) for one in (behind, question) if one.strip()]
        if self._reranker is None:
            return index.search(asked, k, chosen)
        return reordered(behind or question, index.search(asked, max(k, RERANKED), chosen), self._reranker)[:k]

    def look(self, question: str, only: Sequence[str] = ()) -> tuple[Hit, ...]:
        """Every line near `question` in meaning or words, whether or not it is about it; best first, not reranked."""
        index = self._newest()
        chosen = _chosen(only, index.articles)
        if not question.strip():
            return ()
        return index.look(said(question, self._embedder), chosen)

    @property
    def articles(self) -> tuple[str, ...]:
        """Names of all articles in the index, sorted."""
        return self._newest().articles

    def judge(self, question: str) -> Judgement:
        """Do the articles answer `question` at all?"""
        return self._newest().judge(question, self._embedder.encode([question])[0])

    @property
    def place(self) -> str:
        """Where the index in use is, for people."""
        folder = self._newest().folder
        return f"vectors on {self._server}, words in {folder}" if self._server else str(folder)

    @property
    def index(self) -> str:
        """Name of the index in use: another one with every change to articles and lists."""
        return self._newest().folder.name

    @property
    def learnt(self) -> Judge | None:
        """What the lists taught of answered and unanswered questions; None where there were too few."""
        return self._newest().learnt

    def _newest(self) -> "_Index":
        with self._lock:
            if pointed(self._root / self._brand) == self._index.folder:  # its manifest need not be read again
                return self._index
            folder = current_index(self._root, self._brand, self._server)
            if folder is not None:
                self._index = _Index(folder, self._brand, self._server)
            return self._index

    def _opened(self) -> "_Index":
        folder = current_index(self._root, self._brand, self._server)
        if folder is None:
            raise IndexMissing(f"The articles of {self._brand} are not indexed yet. Run `triptych setup`.")
        return _Index(folder, self._brand, self._server)


def open_searcher(
    brand: str, root: Path, embedder: Embedder, reranker: Reranker | None = None, server: str = ""
) -> Searcher:
    """The brand's searcher; `server` is the Chroma server that holds the vectors, if they are not in `root`.

    Raises IndexMissing when there is no whole index, StoreDown when the server does not answer.
    """
    return Searcher(brand, root, embedder, reranker, server)


class _Index:
    """One folder: texts and words on the disk, vectors in Chroma."""

    def __init__(self, folder: Path, brand: str, server: str):
        self.folder = folder
        try:
            self._passages, self._words, self.learnt = Passages(folder), Words(folder), judge_of(folder)
        except DAMAGED as error:
            raise KnowledgeError(
                f"The knowledge index in {folder} is damaged ({error}). Run `triptych setup` to build it again."
            ) from error
        self._store = Store(folder, brand, server)
        asked = self._store.asked()
        self._asked, self._phrasings = set(asked), len(asked)
        self.articles = tuple(sorted(self._passages.articles))

    def search(self, asked: Sequence[Said], k: int, only: Collection[str]) -> tuple[Hit, ...]:
        """`asked`: one question or more; a line must be about one of them, and counts by all."""
        founds = [self._found(one, only) for one in asked]
        # beyond the dense pool, and below LIKELY, no line passes
        places = {place for found in founds for place in (*found.lines, *found.asked) if found.near(place[0]) >= LIKELY}
        read = (filter(passes, (self._hit(place, found) for found in founds)) for place in self._order(places, founds))
        return tuple(islice((hit for hits in read for hit in islice(hits, 1)), k))

    def look(self, question: Said, only: Collection[str]) -> tuple[Hit, ...]:
        found = self._found(question, only)
        return tuple(
            self._hit(place, found) for place in self._order({*found.lines, *found.asked, *found.words}, [found])
        )

    def _order(self, places: Collection[Place], founds: Sequence[Found]) -> list[Place]:
        """Best first."""
        worth = {place: sum(fused(self._dense(place, one), one.lexical(place)) for one in founds) for place in places}
        return sorted(places, key=lambda place: (-worth[place], place))

    def judge(self, question: str, vector: Any) -> Judgement:
        if self.learnt is None:
            return Judgement()
        answered, unanswered, twin = self._store.nearest_questions(vector, NEAREST)
        near = max(float(answered[0]), float(unanswered[0]))
        line = self._fit(stems_of(question), vector)
        return Judgement(self.learnt.chance(vector, answered, unanswered, twin, line), self.learnt.least, near)

    def _fit(self, stems: list[str], vector: Any) -> tuple[float, float, float]:
        """How well the nearest line fits: the signs of knowledge.nearline."""
        place, cosine, document = self._store.nearest_line(vector)
        asked = closest(self._store.asked_for(place, vector, CLOSEST), cosine)
        return cosine, asked, self._words.of_lines.share(stems, counted(document))

    def _found(self, message: Said, only: Collection[str]) -> Found:
        vector = message.vector
        among = self._passages.of(only)
        where = {"passage": {"$in": among}} if only else None
        dense = self._store.nearest(vector, min(POOL, len(among or self._passages)), only)
        lines = self._store.nearest_lines(vector, min(3 * POOL, self._passages.lines), where)
        asked = self._store.nearest_asked(vector, min(3 * POOL, self._phrasings), where)
        stems = stems_of(message.text)
        best = dict.fromkeys((name for name, _ in dense), 0.0)
        for (name, _), cosine in lines.items():
            best[name] = max(best.get(name, 0.0), cosine)
        ranks = {name: rank for rank, (name, _) in enumerate(dense, 1)}
        words = self._lexical(stems, only)
        word_ranks = {place: rank for rank, place in enumerate(words, 1)}
        least, most = min(asked.values(), default=0.0), max(words.values(), default=1.0)
        aside = self._found(message.aside, only) if message.aside else None
        return Found(stems, dict(dense), ranks, lines, best, asked, words, word_ranks, least, most, aside)

    def _dense(self, place: Place, found: Found) -> float:
        whole = self._alone(place, found)
        return whole if found.aside is None else beside(whole, self._alone(place, found.aside))

    def _alone(self, place: Place, found: Found) -> float:
        line = found.lines.get(place, 0.0)
        # a phrasing beyond the pool is farther away than all of it; a line without phrasings speaks for itself
        least = found.least if place in self._asked else 1.0
        return dense(line, found.cosines.get(place[0], 0.0), found.asked.get(place, min(line, least)))

    def _hit(self, place: Place, found: Found) -> Hit:
        passage, line = self._passages[place[0]], found.lines.get(place, 0.0)
        cosine, best = found.cosines.get(passage.id, 0.0), found.best.get(passage.id, 0.0)
        coverage = self._words.of_passages.share(found.stems, counted(passage.cited))
        score = max(0.0, min(1.0, max(cosine, line, found.asked.get(place, 0.0))))
        ranks = found.ranks.get(passage.id), found.word_ranks.get(place)
        said = self._dense(place, found), found.lexical(place)
        return Hit(passage, passage.lines[place[1]], score, cosine, line, coverage, *ranks, best, *said)

    def _lexical(self, asked: list[str], only: Collection[str]) -> dict[Place, float]:
        """BM25 scores by line, best first; of the articles `only`, if any are named."""
        allowed = self._passages.lines_of(only) if only else None
        found = self._words.lexicon.best(asked, min(3 * POOL, self._passages.lines), allowed)
        return {self._passages.place(number): score for number, score in found}


def passes(hit: Hit) -> str:
    """Why the line's passage is about the question at all: "close", or "words" in common; "" if it is not."""
    if max(hit.cosine, hit.best) >= SURE:
        return "close"
    return "words" if hit.cosine >= LIKELY and hit.coverage >= COVERED else ""


def reordered(question: str, hits: Sequence[Hit], reranker: Reranker) -> tuple[Hit, ...]:
    """The first RERANKED of `hits` as `reranker` likes them, each with its rank from before; then the others."""
    first = hits[:RERANKED]
    scores = reranker.scores(question, [hit.cited for hit in first])
    order = sorted(range(len(first)), key=lambda place: -scores[place])
    moved = (replace(first[place], reordered=Reordered(reranker.name, place + 1)) for place in order)
    return (*moved, *hits[RERANKED:])


def _chosen(only: Sequence[str], known: Sequence[str]) -> frozenset[str]:
    """`only` as the index names them: "returns.md" is "returns". Raises KnowledgeError for one it does not hold."""
    if not only:
        return frozenset()
    names = frozenset(name.strip().removesuffix(".md") for name in only)
    if unknown := sorted(names - set(known)):
        raise KnowledgeError(f"There is no article {unknown[0]!r} in the index. It holds: {', '.join(known)}.")
    return names
