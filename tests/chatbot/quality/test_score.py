"""The learnt voice score: pairs are checked, folds keep pairs together, the sign-off cannot decide."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import SuiteError
from chatbot.quality.score import (
    FOLDS,
    PAIRS,
    STYLES,
    Pair,
    Table,
    _folds,
    auc,
    best_cut,
    fit,
    learn_voice,
    read_pairs,
    rows_of,
    style,
)
from tests.conftest import FakeEncoder

SIGN = "\n\n– The Northwind crew"
THINGS = ["boots", "tents", "stoves", "packs", "socks", "ropes", "maps", "lamps", "mugs", "skis", "bikes", "hats"]
PAIRED = [
    Pair(
        "question",
        f"You've got {n + 20} days for {thing}. We'll cover the postage, so don't worry.{SIGN}",
        f"The customer is able to return {thing} within {n + 20} days! Postage will not be charged.{SIGN}",
        "stiff" if n % 2 else "gushing",
    )
    for n, thing in enumerate(THINGS)
]


def write(path: Path, lines: list[dict[str, str]]) -> Path:
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_it_tells_the_brand_from_the_rest() -> None:
    voice = learn_voice(PAIRED, FakeEncoder())
    on, off = voice.score(["We'll post the kayaks, you don't pay.", "The kayaks will not be charged to the customer!"])
    assert on > voice.threshold > off
    assert voice.measured.auc >= 0.9
    assert voice.measured.pairs == len(PAIRED)
    assert set(voice.measured.auc_by_kind) == {"stiff", "gushing"}
    assert voice.score([]) == []


def test_the_sign_off_cannot_decide() -> None:
    voice = learn_voice(PAIRED, FakeEncoder())
    signed, bare, other = voice.score([f"It's $5.{SIGN}", "It's $5.", "It's $5.\n\nKind regards,\nSupport Team"])
    assert signed == bare == other


def test_pairs_that_do_not_differ_are_told_apart_by_chance_only() -> None:
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(THINGS, 6)) + "." for _ in range(200)]
    same = [Pair("question", one, other, "none") for one, other in zip(words[::2], words[1::2], strict=True)]
    assert 0.3 < learn_voice(same, FakeEncoder()).measured.auc < 0.7


def test_both_of_a_pair_are_always_in_one_fold() -> None:
    groups = np.repeat(np.arange(30), 2)
    table = Table(np.zeros((60, 3)), np.tile([True, False], 30), groups, plain=0)
    for train, test in _folds(table):
        assert not set(groups[train]) & set(groups[test])


def test_style_is_as_long_as_it_says_and_can_be_left_out() -> None:
    assert len(style("It's $5.")) == STYLES == len(style(""))
    styled, bare = (rows_of(["It's $5."], FakeEncoder(), flag) for flag in (True, False))
    assert styled.shape[1] == bare.shape[1] + STYLES


def test_the_fitted_numbers_are_scikit_learns() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(50, 4)), rng.random(50) < 0.5
    table = Table(rows, labels, np.arange(50), plain=0)
    theirs = LogisticRegression(C=0.3, max_iter=2000).fit(rows - rows.mean(0), labels)
    assert fit(table).chances(rows) == pytest.approx(theirs.predict_proba(rows - rows.mean(0))[:, 1])


@pytest.mark.parametrize(
    ("labels", "chances", "area", "low", "high"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 1.0, 0.2, 0.8),
        ([0, 1, 0, 1, 1], [0.1, 0.2, 0.8, 0.9, 0.95], 5 / 6, 0.8, 0.9),
        ([1, 0], [0.9, 0.1], 1.0, 0.1, 0.9),
    ],
)
def test_the_cut_parts_the_two_best(
    labels: list[int], chances: list[float], area: float, low: float, high: float
) -> None:
    truth = np.array(labels, bool)
    assert auc(truth, np.array(chances)) == pytest.approx(area)
    assert low <= best_cut(truth, np.array(chances)) <= high


@given(st.lists(st.floats(0, 1), min_size=4, max_size=20))
def test_a_cut_is_a_chance(chances: list[float]) -> None:
    labels = np.arange(len(chances)) % 2 == 0
    assert 0 <= best_cut(labels, np.array(chances)) <= 1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nonsense", "line 1 is not valid JSON"),
        ("[]", "line 1 must hold situation, on, off, off_kind"),
        ('{"situation": "a", "on": "b", "off": "c"}', "line 1 must hold"),
        ('{"situation": "a", "on": "b", "off": " ", "off_kind": "d"}', "'off' must be text"),
    ],
)
def test_bad_pairs_are_refused_by_name_and_place(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(SuiteError, match=complaint):
        read_pairs(path)


def test_too_few_pairs_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", [vars(pair) for pair in PAIRED[: 2 * FOLDS - 1]])
    with pytest.raises(SuiteError, match="holds 9 pairs; 10 are the least"):
        read_pairs(few)
    with pytest.raises(SuiteError, match="There are no voice pairs"):
        read_pairs(tmp_path / "none.jsonl")
    assert len(read_pairs(write(tmp_path / "some.jsonl", [vars(pair) for pair in PAIRED]))) == len(PAIRED)


@pytest.mark.model
@pytest.mark.skipif(not (PAIRS / "northwind.jsonl").is_file(), reason="NO VOICE PAIRS: northwind.jsonl is not there")
def test_northwinds_voice_is_told_apart_on_pairs_never_trained_on() -> None:
    from knowledge.embed import MiniLM

    measured = learn_voice(read_pairs(PAIRS / "northwind.jsonl"), MiniLM()).measured
    print(measured)
    assert measured.auc >= 0.9
