"""Texts go through in a stream: few of them in memory, each embedded once, the progress told."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge import filling
from knowledge.article import parse_article
from knowledge.filling import AT_ONCE, Piece, _embedded, _Progress, vectors_of
from knowledge.kept import Kept
from knowledge.passages import Passages, write_passages
from knowledge.store import PASSAGES, Row
from tests.conftest import FakeEncoder


class Watched:
    """Counts how many pieces went in and have not come out."""

    def __init__(self) -> None:
        self.inside = self.most = 0

    def pieces(self, texts: list[list[str]]) -> Iterator[Piece]:
        for number, some in enumerate(texts):
            self.inside += 1
            self.most = max(self.most, self.inside)
            yield Piece(PASSAGES, Row(str(number), some[0], {}), some, len(some))


def through(watched: Watched, texts: list[list[str]], kept: Kept) -> tuple[list[str], list[tuple[int, int]]]:
    told: list[tuple[int, int]] = []
    progress = _Progress(sum(map(len, texts)), lambda done, total: told.append((done, total)))
    found = []
    for piece in _embedded(watched.pieces(texts), kept, FakeEncoder(), progress):
        watched.inside -= 1
        found.append(piece.row.id)
    progress.end()
    return found, told


@pytest.mark.parametrize("new", [0, 1, AT_ONCE - 1, 400])
def test_pieces_come_out_in_order_and_few_are_held(tmp_path: Path, monkeypatch, new: int) -> None:
    monkeypatch.setattr(filling, "MOST_WAITING", 50)
    kept = Kept(tmp_path, "fake")
    known = [f"known {n}" for n in range(400)]
    kept.add(known, FakeEncoder().encode(known))
    texts = [[f"new {n}"] for n in range(new)] + [[text] for text in known] + [["new 0", "last"]]
    watched = Watched()
    found, told = through(watched, texts, kept)
    assert found == [str(n) for n in range(len(texts))]
    assert watched.most <= 50
    total = sum(map(len, texts))
    assert told[-1] == (total, total)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_a_text_that_comes_again_is_embedded_once(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "fake")
    through(Watched(), [["a boot", "a tent"], ["a tent"], ["a boot"]] * 20, kept)
    assert len(kept) == 2
    (middle,) = vectors_of([Piece(PASSAGES, Row("1", "x", {}), ["a boot", "a tent"], 2)], kept)
    both = FakeEncoder().encode(["a boot", "a tent"]).mean(0)
    np.testing.assert_allclose(middle, both / np.linalg.norm(both), atol=1e-6)


def test_articles_are_read_one_by_one_and_passages_found_again(tmp_path: Path) -> None:
    alive: list[str] = []

    def articles() -> Iterator[object]:
        for name in ("boots", "tents", "ümläute"):
            assert len(list((tmp_path).glob("ids.json"))) == 0, "the list of all comes last"
            alive.append(name)
            yield parse_article(name, f"---\ntitle: {name}\n---\n## A\nOne of {name}. Two.\n\n## B\n- x\n- y")

    write_passages(tmp_path, articles())  # type: ignore[arg-type]
    found = Passages(tmp_path)
    assert list(found) == [f"{name}#{part}" for name in alive for part in "ab"]
    assert found["ümläute#a"].text == "One of ümläute. Two."
    assert list(found.articles) == alive
    assert found.of(["tents"]) == ["tents#a", "tents#b"]
    assert found.lines == sum(len(one.lines) for one in found.values()) == 12
    assert [found.place(n) for n in (0, 1, 2, 11)] == [("boots#a", 0), ("boots#a", 1), ("boots#b", 0), ("ümläute#b", 1)]
    assert found.lines_of(["tents"]).tolist() == [False] * 4 + [True] * 4 + [False] * 4
