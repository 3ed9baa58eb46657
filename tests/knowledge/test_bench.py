"""The bench measures what it says: on few passages, with a fake model."""

from pathlib import Path

import numpy as np
import pytest

from knowledge import bench
from knowledge.bench import ASKED, WARM, Mixed, measure, texts
from tests.conftest import FakeEncoder


def test_a_made_vector_lies_between_two_real_ones_and_beside_them() -> None:
    real = FakeEncoder().encode([f"word{n} and word{n % 7}" for n in range(40)])
    mixed = Mixed(real, FakeEncoder())
    one, same, other = mixed.encode(["a (item 3-0-5).", "b (item 3-0-5).", "c (item 3-0-6)."])
    np.testing.assert_array_equal(one, same)
    assert 0.5 < one @ real[3] < 1
    assert one @ other < 0.999
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    both = mixed.encode(["c (item 3-0-5). d (item 9-1-1).", "x (item 9-1-1)."])
    assert both[0] @ one == pytest.approx(both[0] @ both[1], abs=1e-5), "in the middle"
    np.testing.assert_array_equal(mixed.encode(["a question"]), FakeEncoder().encode(["a question"]))


def test_the_same_seed_gives_the_same_sentences_and_no_question_is_one(monkeypatch) -> None:
    sentences, questions = texts(3)
    assert (sentences, questions) == texts(3) != texts(4)
    assert len(questions) == ASKED + WARM
    assert not {*sentences} & {*questions}


@pytest.mark.parametrize("made", [1_000, 10])
def test_a_small_index_is_measured_and_finds_all_that_an_exact_search_does(
    tmp_path: Path, monkeypatch, capsys, made: int
) -> None:
    monkeypatch.setattr(bench, "MADE", made)
    monkeypatch.setattr(bench, "SENTENCES", 100)
    monkeypatch.setattr(bench, "ASKED", 20)
    found = measure(60, 0, tmp_path, FakeEncoder())
    assert found.passages >= 60
    assert found.lines > found.passages
    assert found.recall[0] > 0.9, "equally near ones may change places"
    assert found.recall[1] > 0.9
    assert 0 < found.index_ms[0] <= found.search_ms[0] <= found.search_ms[1]
    assert found.peak_mb >= found.before_mb > 0
    assert "recall@10 against exact search" in found.table()
