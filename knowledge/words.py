"""Words without their endings: how much of a question's words a text holds, and which lines hold them best. The only
door of bm25s."""

import json
import logging
import math
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import bm25s
import numpy as np
import Stemmer
from numpy.typing import ArrayLike

BATCH = 1000  # texts stemmed at once
RECENT = 2000  # texts whose stems are remembered
FOLDER = "words"  # beside an index's passages
COUNTS = "counts.json"  # in FOLDER, beside what bm25s keeps there
Stems = TypeVar("Stems", bound=Iterable[str])


def stems_of(text: str) -> list[str]:
    """English stems of the content words, lower case."""
    return stemmed([text])[0]


@lru_cache(maxsize=RECENT)
def counted(text: str) -> Counter[str]:
    """How often each of `stems_of` the text stands in it. Remembered: not to be changed."""
    return Counter(stems_of(text))


def stemmed(texts: list[str]) -> list[list[str]]:
    """`stems_of` each text."""
    stemmer = Stemmer.Stemmer("english")  # not safe to share between threads, cheap to make
    made = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)
    return [list(tokens) for tokens in made]


def each_stemmed(texts: Iterable[str]) -> Iterator[list[str]]:
    """`stems_of` each text, with BATCH of them in memory."""
    rest = iter(texts)
    while some := list(islice(rest, BATCH)):
        yield from stemmed(some)


class Coverage:
    """How rare each stem is among documents, and how much of a question a text covers."""

    def __init__(self, documents: Iterable[Iterable[str]] = ()):
        """`documents` are their stems."""
        self._frequency: Counter[str] = Counter()
        self._documents = 0
        for _ in self.counting(documents):
            pass

    def counting(self, documents: Iterable[Stems]) -> Iterator[Stems]:
        """The same documents, each counted in as it passes."""
        for stems in documents:
            self._frequency.update(set(stems))
            self._documents += 1
            yield stems

    def share(self, asked: Sequence[str], stems: Container[str]) -> float:
        """0..1: the part of the question's stems `asked`, each weighted by its idf, that is among `stems`."""
        weights = {stem: self._weight(self._frequency[stem]) for stem in asked}
        total = sum(weights.values())
        return sum(weight for stem, weight in weights.items() if stem in stems) / total if total else 0.0

    def document(self) -> dict[str, object]:
        """For a file; `Coverage.kept(document)` is the same again."""
        return {"documents": self._documents, "frequency": self._frequency}

    @classmethod
    def kept(cls, document: Mapping[str, Any]) -> "Coverage":
        """What `document()` gave."""
        made = cls()
        made._documents, made._frequency = int(document["documents"]), Counter(document["frequency"])
        return made

    def _weight(self, count: int) -> float:
        return math.log(1 + (self._documents - count + 0.5) / (count + 0.5))


class Lexicon:
    """BM25 over `documents` (their stems), which are numbered as they come."""

    def __init__(self, documents: Iterable[Sequence[str]]):
        _quiet()
        vocabulary: dict[str, int] = {"": 0}  # so that documents of stop words alone have one, too
        rows = [[vocabulary.setdefault(stem, len(vocabulary)) for stem in stems] for stems in documents]
        self._bm25 = bm25s.BM25()
        self._bm25.index((rows, vocabulary), show_progress=False)

    def best(self, asked: Sequence[str], n: int, allowed: ArrayLike | None = None) -> list[tuple[int, float]]:
        """At most `n` documents that hold any of the stems `asked`, each with its score, best first; of the `allowed`
        ones, one bool a document, where that is said. `n` is at most how many there are."""
        known = [stem for stem in asked if stem in self._bm25.vocab_dict]
        if not known:
            return []
        mask = None if allowed is None else np.asarray(allowed, np.float32)
        found, scores = self._bm25.retrieve([known], k=n, show_progress=False, weight_mask=mask)
        return [(int(i), float(score)) for i, score in zip(found[0], scores[0], strict=True) if score > 0]

    def save(self, folder: Path) -> None:
        """Write it to `folder`, for `kept`."""
        self._bm25.save(folder, show_progress=False)

    @classmethod
    def kept(cls, folder: Path) -> "Lexicon":
        """What was saved, memory-mapped. Raises OSError and ValueError where it is missing or damaged."""
        _quiet()
        made = cls.__new__(cls)
        made._bm25 = bm25s.BM25.load(folder, mmap=True)
        return made


class Words:
    """The words of an index: BM25 over its lines, coverage of its lines and passages. Written once, then read alone."""

    def __init__(self, folder: Path):
        """Raises OSError and ValueError where its files are missing or damaged."""
        self.lexicon = Lexicon.kept(folder / FOLDER)
        counts = json.loads((folder / FOLDER / COUNTS).read_text(encoding="utf-8"))
        self.of_lines, self.of_passages = Coverage.kept(counts["lines"]), Coverage.kept(counts["passages"])


def write_words(folder: Path, passages: Iterable[str], lines: Iterable[str]) -> None:
    """The words of `passages` and of `lines` (their documents), read one by one, for Words(folder)."""
    of_passages, of_lines = Coverage(each_stemmed(passages)), Coverage()
    Lexicon(of_lines.counting(each_stemmed(lines))).save(folder / FOLDER)
    counts = {"passages": of_passages.document(), "lines": of_lines.document()}
    (folder / FOLDER / COUNTS).write_text(json.dumps(counts), encoding="utf-8")


def _quiet() -> None:
    logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG and talks into --json runs
