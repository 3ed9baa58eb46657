"""An index is filled: its texts are read one by one, embedded in batches and written as they come.

Killed, it goes on where it was: a vector that is kept is not computed again, a row that is stored is passed over.
Knows nothing about folders, locks and who reads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from knowledge.answerable import LEAST_EACH, Judge, learn
from knowledge.asked import Asked, Documents
from knowledge.embed import Embedder, Vectors
from knowledge.kept import Kept
from knowledge.nearline import Lines
from knowledge.passages import Passages
from knowledge.store import (
    ASKED,
    BATCH,
    LINES,
    PARTS,
    PASSAGES,
    UNANSWERED,
    Row,
    Store,
    row_of,
    row_of_asked,
    row_of_line,
)
from knowledge.unanswered import Unanswered
from knowledge.words import Words

AT_ONCE = 256  # texts embedded in one go. They are read in batches of like length: of 32 in the order of the lists, a
# question of five words would wait for a story of sixty
TOLD = 32  # texts between two words of progress
MOST_WAITING = 10_000  # pieces in memory while so many are gathered

Tell = Callable[[int, int], None]  # (done, in all): passages, questions, replies, ...; may raise to stop


class Piece(NamedTuple):
    """A row to be, the texts whose middle its vector is, and how many of `Contents.total` they are."""

    part: str
    row: Row
    texts: Sequence[str]
    worth: int


@dataclass(frozen=True)
class Contents:
    """What an index is made of. Its texts are read from the disk whenever they are needed."""

    passages: Passages
    asked: Sequence[Asked]
    unanswered: Sequence[Unanswered]

    @cached_property
    def documents(self) -> Documents:
        """Every line with its phrasings."""
        return Documents(self.passages, self.asked)

    @property
    def sizes(self) -> dict[str, int]:
        """How many rows each part has."""
        counts = len(self.passages), self.passages.lines, len(self.asked), len(self.unanswered)
        return dict(zip(PARTS, counts, strict=True))

    def pieces(self, part: str) -> Iterator[Piece]:
        """All pieces of one part, in an order that is always the same."""
        if part == PASSAGES:
            yield from (Piece(part, row_of(one), [one.cited], 1) for one in self.passages.values())
        elif part == LINES:
            for place, text in self.documents.items():
                texts = self.documents.texts(place)
                yield Piece(part, row_of_line(place, text), texts, len(texts))
        elif part == ASKED:  # each of them was embedded with its line
            for n, one in enumerate(self.asked):
                yield Piece(part, row_of_asked(n, (one.passage, one.line), one.text), [one.text], 0)
        elif part == UNANSWERED:
            for n, lacking in enumerate(self.unanswered):
                facts = {"article": lacking.article, "missing": lacking.missing}
                yield Piece(part, Row(str(n), lacking.text, facts), [lacking.text], 1)


def fill(store: Store, contents: Contents, kept: Kept, embedder: Embedder, tell: Tell) -> int:
    """Bring `store` to hold all of `contents`. Returns how many passages had to be embedded."""
    progress = _Progress(sum(contents.sizes.values()), tell)
    ready = _embedded(_missing(store, contents, progress), kept, embedder, progress)
    for part, pieces in groupby(ready, key=lambda piece: piece.part):
        while some := list(islice(pieces, BATCH)):
            store.add(part, [piece.row for piece in some], vectors_of(some, kept))
    progress.end()
    return progress.embedded


def vectors_of(pieces: Sequence[Piece], kept: Kept) -> Vectors:
    """(n, d): each in the middle of its texts, which are all kept."""
    found = kept.of([text for piece in pieces for text in piece.texts])
    ends = np.cumsum([len(piece.texts) for piece in pieces])
    middles = [np.mean(some, axis=0) for some in np.split(found, ends[:-1])]
    return np.stack([middle / max(float(np.linalg.norm(middle)), 1e-9) for middle in middles])


def learnt(folder: Path, contents: Contents, kept: Kept) -> Judge | None:
    """What the two lists of questions teach, all vectors being kept; `folder` has room for those of the lines."""
    if min(len(contents.asked), len(contents.unanswered)) < LEAST_EACH:
        return None
    of_asked, of_unanswered = (vectors_of(list(contents.pieces(part)), kept) for part in (ASKED, UNANSWERED))
    beside = folder / ".middles.npy"
    middles = np.lib.format.open_memmap(beside, "w+", np.float32, (contents.passages.lines, of_asked.shape[1]))
    pieces, start = contents.pieces(LINES), 0
    while some := list(islice(pieces, BATCH)):
        middles[start : start + len(some)] = vectors_of(some, kept)
        start += len(some)
    lines = Lines(contents.documents, middles, contents.asked, of_asked, Words(folder).of_lines)
    near = lines.left_out(), lines.signs([one.text for one in contents.unanswered], of_unanswered)
    beside.unlink()
    return learn(of_asked, of_unanswered, [(one.passage, one.line) for one in contents.asked], near)


class _Progress:
    """How far a filling is, told now and then."""

    def __init__(self, total: int, tell: Tell):
        self.embedded = 0  # passages
        self._done, self._told, self._total, self._tell = 0, 0, total, tell

    def add(self, worth: int) -> None:
        self._done += worth
        if self._done >= self._told + TOLD:
            self.end()

    def end(self) -> None:
        if self._done > self._told:
            self._told = self._done
            self._tell(self._done, self._total)


def _missing(store: Store, contents: Contents, progress: _Progress) -> Iterator[Piece]:
    """The pieces from the first batch on that is not whole in the store."""
    for part in PARTS:
        whole = store.count(part) // BATCH * BATCH
        for number, piece in enumerate(contents.pieces(part)):
            if number < whole:
                progress.add(piece.worth)
            else:
                yield piece


def _embedded(pieces: Iterable[Piece], kept: Kept, embedder: Embedder, progress: _Progress) -> Iterator[Piece]:
    """The same pieces, each as soon as all its texts are kept."""
    waiting: deque[Piece] = deque()
    fresh: dict[str, None] = {}
    for piece in pieces:
        waiting.append(piece)
        unknown = [text for text in piece.texts if text not in kept]
        progress.embedded += bool(unknown) and piece.part == PASSAGES
        fresh.update(dict.fromkeys(unknown))
        while len(fresh) >= AT_ONCE or (fresh and len(waiting) >= MOST_WAITING):
            _embed(fresh, kept, embedder)
        yield from _settled(waiting, kept, progress)
    _embed(fresh, kept, embedder)
    yield from _settled(waiting, kept, progress)


def _embed(fresh: dict[str, None], kept: Kept, embedder: Embedder) -> None:
    """Embed the first AT_ONCE of `fresh` and take them out of it."""
    if some := list(islice(fresh, AT_ONCE)):
        kept.add(some, embedder.encode(some))
        for text in some:
            del fresh[text]


def _settled(waiting: deque[Piece], kept: Kept, progress: _Progress) -> Iterator[Piece]:
    while waiting and all(text in kept for text in waiting[0].texts):
        progress.add(waiting[0].worth)
        yield waiting.popleft()
