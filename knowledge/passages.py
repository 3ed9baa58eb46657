"""All passages of an index in one file: written article by article, read in order, or one by its id.

Holds ids and places in memory, never the texts. Knows nothing about vectors or Chroma."""

import json
import mmap
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.article import Article
from knowledge.chunk import Passage, Place, passages_of

TEXTS = "passages.jsonl"  # a passage a line
STARTS = "starts.npy"  # (n + 1,) int64, where in TEXTS each of them begins, and the end
LINES = "lines.npy"  # (m, 2) int32: of every line its passage's row, and its place in Passage.lines
IDS = "ids.json"  # {"ids": all of them in order, "articles": {name: how many of them are its}}; written last
SPOILT = (EOFError, ValueError, KeyError, TypeError)  # what is raised where a file of an index is not whole
DAMAGED = (OSError, *SPOILT)  # or is not there
RECENT = 64  # passages that stay in memory


def write_passages(folder: Path, articles: Iterable[Article]) -> None:
    """Write the passages of `articles`, read one by one, to `folder`."""
    ids: list[str] = []
    counts: dict[str, int] = {}
    starts, lines = [0], []
    with (folder / TEXTS).open("wb") as file:
        for article in articles:
            made = passages_of(article)
            counts[article.name] = len(made)
            for one in made:
                lines += [(len(ids), n) for n in range(len(one.lines))]
                ids.append(one.id)
                starts.append(starts[-1] + file.write(json.dumps(asdict(one)).encode() + b"\n"))
    np.save(folder / STARTS, np.array(starts, np.int64))
    np.save(folder / LINES, np.array(lines, np.int32).reshape(-1, 2))
    (folder / IDS).write_text(json.dumps({"ids": ids, "articles": counts}), encoding="utf-8")


def written(folder: Path) -> bool:
    """Are the passages of this folder whole?"""
    return (folder / IDS).is_file()


class Passages(Mapping[str, Passage]):
    """The passages in `folder` by their ids, in reading order. Raises DAMAGED."""

    def __init__(self, folder: Path):
        found = json.loads((folder / IDS).read_text(encoding="utf-8"))
        self._ids: list[str] = found["ids"]
        ends = accumulate(found["articles"].values())
        self._articles = {
            name: range(end - n, end) for (name, n), end in zip(found["articles"].items(), ends, strict=True)
        }
        self._starts, self._lines = np.load(folder / STARTS), np.load(folder / LINES)
        with (folder / TEXTS).open("rb") as file:
            self._texts = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, name: str) -> Passage:
        row = self._rows[name]
        return _parsed(self._texts[self._starts[row] : self._starts[row + 1]])

    @property
    def articles(self) -> Collection[str]:
        """The names of the articles."""
        return self._articles.keys()

    def of(self, articles: Iterable[str]) -> list[str]:
        """The ids of all passages of some articles."""
        return [self._ids[row] for name in articles for row in self._articles[name]]

    def lines_of(self, articles: Iterable[str]) -> NDArray[np.bool_]:
        """(m,): is each of all lines in one of these articles?"""
        chosen = np.zeros(len(self._ids), bool)
        for name in articles:
            rows = self._articles[name]
            chosen[rows.start : rows.stop] = True
        return np.asarray(chosen[self._lines[:, 0]])

    @property
    def lines(self) -> int:
        """How many lines all passages have."""
        return len(self._lines)

    def place(self, line: int) -> Place:
        """Where line number `line` of all lines stands."""
        row, n = self._lines[line]
        return self._ids[row], int(n)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self._ids)}


@lru_cache(maxsize=RECENT)
def _parsed(line: bytes) -> Passage:
    return Passage(**json.loads(line))
