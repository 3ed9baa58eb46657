"""A build that is killed goes on where it was, and what comes of it is the index that one go would have made."""

import os
import signal
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from knowledge import ingest
from knowledge.errors import KnowledgeError
from knowledge.ingest import build_index, current_index
from knowledge.kept import Kept
from knowledge.search import open_searcher
from knowledge.store import LINES, PASSAGES, Store
from tests.knowledge.test_ingest import write

ROOT = Path(__file__).resolve().parents[2]
MANY = 1_600  # passages, of a line each: more than Chroma holds back before it writes a graph
WORDS = ("boot", "tent", "stove", "rope", "lamp", "sock", "map", "mug", "pole", "tarp", "bag")
QUESTIONS = [f"What does the {word} of row {n} cost?" for n, word in enumerate(WORDS * 2)]


class Spread:
    """Each word a direction of its own: no two texts are equally near to a question. Counts what it embeds."""

    fingerprint = "spread"

    def __init__(self) -> None:
        self.count = 0

    def encode(self, texts):
        self.count += len(texts)
        vectors = np.stack([sum(map(self.direction, one.lower().split())) for one in texts])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    @staticmethod
    @cache
    def direction(word: str) -> np.ndarray:
        return np.random.default_rng(zlib.crc32(word.encode())).normal(size=64)


def text(n: int) -> str:
    return f"The {WORDS[n % 11]} of row {n * 7919 % 1009} on shelf {n * 31 % 97} costs {n} dollars."


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    for shelf in range(0, MANY, 400):
        write(folder, f"shelf-{shelf:04}", "\n\n".join(f"## Thing {n}\n{text(n)}" for n in range(shelf, shelf + 400)))
    return folder


@pytest.fixture(scope="module")
def whole(articles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index that one go makes."""
    root = tmp_path_factory.mktemp("whole")
    build_index(articles, "acme", root, Spread())
    return root


def killed(articles: Path, root: Path, part: str, stored: int) -> None:
    """Build in another process, and kill that while it writes the rows after the first `stored` of `part`. As long as
    it lives no other one writes."""
    code = (
        "import sys; from pathlib import Path; from tests.knowledge.test_killed_builds import Spread\n"
        "from knowledge import ingest, store\n"
        "plain = store.Store.add\n"
        "def told(self, part, *rest):\n"
        "    print(part, self.count(part), flush=True)\n"
        "    plain(self, part, *rest)\n"
        "store.Store.add = told\n"
        "ingest.build_index(Path(sys.argv[1]), 'acme', Path(sys.argv[2]), Spread())\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(articles), str(root)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout
    child.stdout.readline()
    with pytest.raises(KnowledgeError, match=r"Another program is building the index in .* Wait for it"):
        build_index(articles, "acme", root, Spread())
    for line in child.stdout:
        if line.split() == [part, str(stored)]:
            os.kill(child.pid, signal.SIGKILL)
            break
    child.stdout.close()
    assert child.wait(60) == -signal.SIGKILL


def rows(root: Path) -> tuple[list[object], dict[str, np.ndarray]]:
    store = Store(current_index(root, "acme"), "acme")
    passages, vectors = store.everything()
    return passages, store.known() | {one.id: vector for one, vector in zip(passages, vectors, strict=True)}


@pytest.mark.parametrize(("part", "stored"), [(PASSAGES, 500), (LINES, 1500)])
def test_killed_while_writing_it_goes_on_and_becomes_the_same_index(
    articles: Path, whole: Path, tmp_path: Path, monkeypatch, part: str, stored: int
) -> None:
    monkeypatch.setattr(ingest, "LOCK_WAIT", 0.01)
    killed(articles, tmp_path, part, stored)
    assert current_index(tmp_path, "acme") is None, "readers see no half"
    paid = len(Kept(tmp_path / "acme", "spread"))
    assert paid >= min(stored, MANY)
    (half,) = (path for path in (tmp_path / "acme").iterdir() if path.is_dir())
    encoder, told = Spread(), []
    report = build_index(articles, "acme", tmp_path, encoder, lambda done, total: told.append((done, total)))
    assert report.path == half, "it went on with what was there"
    assert encoder.count == MANY - paid, "a passage of one line is one text with it; none is embedded twice"
    assert told[-1] == (2 * MANY, 2 * MANY)
    (passages, vectors), (wanted, wanted_vectors) = rows(tmp_path), rows(whole)
    assert passages == wanted
    assert list(vectors) == list(wanted_vectors)
    np.testing.assert_array_equal(np.stack([*vectors.values()]), np.stack([*wanted_vectors.values()]))
    one, other = (open_searcher("acme", root, Spread()) for root in (tmp_path, whole))
    for question in QUESTIONS:
        assert one.search(question, 5) == other.search(question, 5) != ()
