"""What was embedded once is kept: whole rows after a kill, of one embedder alone, and not for ever."""

import json
from pathlib import Path

import numpy as np
import pytest

from knowledge import kept as kept_module
from knowledge.kept import Kept
from tests.conftest import FakeEncoder

TEXTS = ["a boot", "a tent", "a stove"]
VECTORS = FakeEncoder().encode(TEXTS)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    Kept(tmp_path, "fake").add(TEXTS, VECTORS)
    return tmp_path


def file(place: Path, kind: str) -> Path:
    (found,) = place.glob(f"vectors-*.{kind}")
    return found


def test_vectors_are_found_by_their_texts(place: Path) -> None:
    kept = Kept(place, "fake")
    assert len(kept) == 3
    assert "a tent" in kept
    assert "a tents" not in kept
    np.testing.assert_array_equal(kept.of(["a stove", "a boot", "a stove"]), VECTORS[[2, 0, 2]])
    assert kept.of([]).shape == (0, 256)


@pytest.mark.parametrize("cut", [("keys", 5), ("keys", 16), ("rows", 7), ("rows", 1024)])
def test_of_a_batch_that_a_kill_cut_short_the_whole_rows_count(place: Path, cut: tuple[str, int]) -> None:
    path = file(place, cut[0])
    path.write_bytes(path.read_bytes()[: -cut[1]])
    kept = Kept(place, "fake")
    assert [text in kept for text in TEXTS] == [True, True, False]
    kept.add(["a rope", "a stove"], FakeEncoder().encode(["a rope", "a stove"]))
    again = Kept(place, "fake")
    np.testing.assert_array_equal(again.of([*TEXTS, "a rope"]), FakeEncoder().encode([*TEXTS, "a rope"]))


def test_rows_without_keys_do_not_count(place: Path) -> None:
    with file(place, "rows").open("ab") as rows:  # vectors are written first
        rows.write(b"\x00" * 3000)
    kept = Kept(place, "fake")
    kept.add(["a rope"], FakeEncoder().encode(["a rope"]))
    np.testing.assert_array_equal(Kept(place, "fake").of(["a rope"]), FakeEncoder().encode(["a rope"]))


def test_another_embedder_begins_anew(place: Path) -> None:
    other = Kept(place, "other")
    assert len(other) == 0
    other.add(["a boot"], np.ones((1, 4), np.float32))
    assert len(list(place.glob("vectors-*"))) == 2, "the first one's are gone"
    assert Kept(place, "other").of(["a boot"]).tolist() == [[1, 1, 1, 1]]
    assert len(Kept(place, "fake")) == 0


@pytest.mark.parametrize("damage", ["no json", "[]", '{"of": "fake", "width": 0, "stem": "x"}', '{"of": "fake"}'])
def test_a_damaged_list_means_embedding_again(place: Path, damage: str) -> None:
    (place / kept_module.POINTER).write_text(damage)
    kept = Kept(place, "fake")
    assert len(kept) == 0
    kept.add(TEXTS, VECTORS)
    assert len(Kept(place, "fake")) == 3


def test_what_is_no_longer_used_goes_once_it_is_most_of_it(place: Path, monkeypatch) -> None:
    monkeypatch.setattr(kept_module, "SPARE", 0)
    monkeypatch.setattr(kept_module, "BATCH", 1)
    kept = Kept(place, "fake")
    kept.drop_all_but(["a tent", "a stove"], 2)
    assert len(kept) == 3, "a third is not worth it"
    kept.drop_all_but(["a tent", "a tent", "not kept"], 1)
    for one in (kept, Kept(place, "fake")):
        assert len(one) == 1
        np.testing.assert_array_equal(one.of(["a tent"]), VECTORS[[1]])
    assert len(list(place.glob("vectors-*"))) == 2
    assert json.loads((place / kept_module.POINTER).read_text())["width"] == 256
