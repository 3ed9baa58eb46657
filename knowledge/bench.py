"""How fast an index is built and searched, how much memory that takes, and how much of what an exact search would find.

    python -m knowledge.bench                      # 1,000 passages, every one of them embedded
    python -m knowledge.bench --passages 100000    # with made vectors, see Mixed

The passages are made of northwind's own sentences, in articles in a folder of their own; the questions are its
customers'. To embed 100,000 passages would take hours and measure the model, not the index."""

import argparse
import os
import random
import re
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from knowledge.article import read_articles
from knowledge.asked import read_asked
from knowledge.chunk import passages_of
from knowledge.embed import Embedder, MPNet, Vectors
from knowledge.filling import Contents, vectors_of
from knowledge.ingest import build_index
from knowledge.kept import Kept
from knowledge.passages import Passages
from knowledge.search import open_searcher
from knowledge.store import LINES, PASSAGES, Store
from knowledge.unanswered import read_unanswered

NORTHWIND = Path(__file__).resolve().parent / "northwind"
BRAND = "bench"
MADE = 5_000  # passages from which on their vectors are made
SENTENCES = 2_000  # real ones that everything is made of
ASKED, WARM = 300, 20  # questions, and those asked before the clock runs
NEAR = 20  # neighbours that a sentence is mixed with
NOISE = 0.5  # length of what is added to a mixed vector before it is brought back to length 1
TOP = 10  # found ones that are compared with exact search
BLOCK = 5_000  # vectors compared at once
RECIPE = re.compile(r"item (\d+)-(\d+)-(\d+)")


class Mixed:
    """Vectors of made sentences, without the model: each sentence bears its recipe, "item 12-7-345": the number of a
    real one, which of its NEAR neighbours, and a seed. Its vector lies at random between those two, NOISE beside; a
    text of several sentences has their middle. A single text without a recipe is a question and really embedded."""

    fingerprint = "mixed"

    def __init__(self, real: Vectors, model: Embedder):
        self._real, self._model = real, model
        self._near = np.argsort(-(real @ real.T), axis=1)[:, 1 : NEAR + 1]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32, each row of length 1."""
        if len(texts) == 1 and not RECIPE.search(texts[0]):
            return self._model.encode(texts)
        return np.stack([_unit(np.sum([self._mixed(*map(int, one)) for one in RECIPE.findall(t)], 0)) for t in texts])

    def _mixed(self, first: int, neighbour: int, seed: int) -> Vectors:
        rng = np.random.default_rng((first, neighbour, seed))
        share = rng.uniform(0.3, 0.7)
        mixed = share * self._real[first] + (1 - share) * self._real[self._near[first, neighbour]]
        return _unit(_unit(mixed) + NOISE * _unit(rng.normal(size=mixed.shape)))


class Timed:
    """An embedder that remembers how long it took last."""

    def __init__(self, embedder: Embedder):
        self.fingerprint, self._embedder, self.seconds = embedder.fingerprint, embedder, 0.0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the embedder does."""
        began = time.perf_counter()
        vectors = self._embedder.encode(texts)
        self.seconds = time.perf_counter() - began
        return vectors


@dataclass(frozen=True)
class Measured:
    """What came of it. Times of a search: median and 95th percentile, in ms."""

    passages: int
    lines: int
    build_s: float
    peak_mb: int  # the most memory that the process ever held, the model and Chroma's graphs in it
    before_mb: int  # the same before the build
    disk_mb: int
    open_s: float
    first_ms: float  # the first search reads Chroma's graphs from the disk
    search_ms: tuple[float, ...]
    index_ms: tuple[float, ...]  # without embedding the question
    cpu_ms: tuple[float, ...]  # of the processor alone, however busy it was with others
    recall: tuple[float, float]  # 0..1, of the TOP passages and of the TOP lines

    def table(self) -> str:
        """For people."""
        rows = {
            "passages, their lines": f"{self.passages:,}, {self.lines:,}",
            "build": f"{self.build_s:.0f} s, {self.passages / self.build_s:.0f} passages/s "
            f"({(self.passages + self.lines) / self.build_s:.0f} vectors/s)",
            "memory, peak of the process": f"{self.peak_mb:,} MB ({self.before_mb:,} MB before the build)",
            "disk": f"{self.disk_mb:,} MB",
            "opening; the first search": f"{self.open_s:.2f} s; {self.first_ms:.0f} ms",
            "search, p50 / p95": "{:.1f} / {:.1f} ms".format(*self.search_ms),
            "  of it all but embedding the question": "{:.1f} / {:.1f} ms".format(*self.index_ms),
            "  the same in processor time": "{:.1f} / {:.1f} ms".format(*self.cpu_ms),
            f"recall@{TOP} against exact search": "{:.3f} of passages, {:.3f} of lines".format(*self.recall),
        }
        return "\n".join(f"{name:<40} {value}" for name, value in rows.items())


def measure(passages: int, seed: int, folder: Path, model: Embedder) -> Measured:
    """Make `passages` passages in `folder`, build their index there and ask it ASKED questions."""
    sentences, questions = texts(seed)
    write_articles(folder / "articles", passages, sentences, seed)
    embedder = Timed(Mixed(model.encode(sentences), model) if passages >= MADE else model)
    model.encode(questions[:1])  # it is awake from here on
    before = _peak_mb()
    report = build_index(folder / "articles", BRAND, folder, embedder, _told)
    peak, began = _peak_mb(), time.perf_counter()
    searcher = open_searcher(BRAND, folder, embedder)
    opened = time.perf_counter() - began
    spent = []
    for question in questions:
        began, busy = time.perf_counter(), time.process_time()
        searcher.search(question, 5)
        took = time.perf_counter() - began
        spent.append((took, took - embedder.seconds, time.process_time() - busy))
    whole, index, cpu = (tuple(map(float, np.percentile(some, [50, 95]) * 1000)) for some in np.array(spent[WARM:]).T)
    contents = Contents(Passages(report.path), [], [])
    recall = recalls(contents, report.path, embedder, questions[WARM:])
    disk = sum(path.stat().st_size for path in (folder / BRAND).rglob("*") if path.is_file()) // 1_000_000
    return Measured(
        report.passages, contents.passages.lines, report.seconds, peak, before, disk, opened, spent[0][0] * 1000,
        whole, index, cpu, recall,
    )  # fmt: skip


def texts(seed: int) -> tuple[list[str], list[str]]:
    """SENTENCES real sentences, and ASKED questions with those asked before; none is both."""
    passages = [one for article in read_articles(NORTHWIND) for one in passages_of(article)]
    asked = read_asked(NORTHWIND, passages)
    lacking = read_unanswered(NORTHWIND, {one.article for one in passages})
    lines = [line for one in passages for line in one.lines]
    said = list(dict.fromkeys([*(one.text for one in asked), *(one.text for one in lacking)]))
    random.Random(seed).shuffle(said)
    real = [*lines, *said[ASKED + WARM :]][:SENTENCES]
    return [re.sub(r"[.!?]+(\s|$)", r"\1", one) for one in real], said[
        : ASKED + WARM
    ]  # one sentence, whatever it holds


def write_articles(folder: Path, passages: int, sentences: Sequence[str], seed: int) -> None:
    """Articles of five sections, each a passage of two or three sentences with their recipes."""
    folder.mkdir(parents=True)
    rng = random.Random(seed)

    def section() -> str:
        numbers = [rng.randrange(len(sentences)) for _ in range(rng.choice((2, 3)))]
        recipes = [f"{n}-{rng.randrange(NEAR)}-{rng.randrange(100_000)}" for n in numbers]
        said = [f"{sentences[n]} (item {recipe})." for n, recipe in zip(numbers, recipes, strict=True)]
        return f"## {' '.join(rng.choice(sentences).split()[:4])}\n\n{' '.join(one.capitalize() for one in said)}\n"

    for first in range(0, passages, 5):
        sections = "\n".join(section() for _ in range(min(5, passages - first)))
        path = folder / f"article-{first // 5:06}.md"
        path.write_text(f"---\ntitle: Chapter {first // 5}\n---\n\n{sections}", encoding="utf-8")


def recalls(contents: Contents, folder: Path, embedder: Embedder, questions: Sequence[str]) -> tuple[float, float]:
    """The share of an exact search's TOP that the index finds: of passages, of lines."""
    asked = np.concatenate([embedder.encode([question]) for question in questions])
    kept, store = Kept(folder.parent, embedder.fingerprint), Store(folder, BRAND)
    passages = [[name for name, _ in store.nearest(one, TOP * 5)[:TOP]] for one in asked]
    lines = [[f"{name}~{n}" for name, n in list(store.nearest_lines(one, TOP * 15))[:TOP]] for one in asked]
    return _recall(passages, _exact(contents, PASSAGES, kept, asked)), _recall(
        lines, _exact(contents, LINES, kept, asked)
    )


def _recall(found: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]) -> float:
    return float(np.mean([len({*some} & {*best}) / len(best) for some, best in zip(found, wanted, strict=True)]))


def _exact(contents: Contents, part: str, kept: Kept, asked: Vectors) -> list[list[str]]:
    """The TOP ids for each of `asked` (q, d), BLOCK vectors at a time."""
    best: list[list[tuple[float, str]]] = [[] for _ in asked]
    for names, vectors in _blocks(contents, part, kept):
        for row, cosines in enumerate(asked @ vectors.T):
            top = np.argsort(-cosines)[:TOP]
            best[row] = sorted([*best[row], *((-float(cosines[n]), names[n]) for n in top)])[:TOP]
    return [[name for _, name in some] for some in best]


def _blocks(contents: Contents, part: str, kept: Kept) -> Iterator[tuple[list[str], Vectors]]:
    pieces = contents.pieces(part)
    while some := list(islice(pieces, BLOCK)):
        yield [piece.row.id for piece in some], vectors_of(some, kept)


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _told(done: int, total: int) -> None:
    print(f"\r{done:,} of {total:,}", end="\n" if done == total else "", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m knowledge.bench", description="Build, search and compare.")
    parser.add_argument("--passages", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="where to build; default: a folder that is deleted")
    parser.add_argument(
        "--models", type=Path, required=True, help="TRIPTYCH_HOME's models/, as `triptych setup` fills it"
    )
    given = parser.parse_args()
    how = "each embedded by all-mpnet-base-v2"
    if given.passages >= MADE:
        how = "MADE: random mixtures of two near real sentences' vectors, with noise; no passage is embedded"
    print(f"Vectors of the passages: {how}. Questions: {ASKED} of northwind's customers, really embedded.")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the beginning, seed {given.seed}")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print(measure(given.passages, given.seed, Path(folder), MPNet(given.models)).table())


if __name__ == "__main__":
    main()
