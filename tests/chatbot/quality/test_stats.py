"""Rates, intervals, paired tests and the number of cases a claim needs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from chatbot.quality.marks import CHECKS, Mark
from chatbot.quality.measures import readability
from chatbot.quality.stats import (
    by_mode,
    by_situation,
    held,
    holm,
    modes_in,
    modes_paired,
    needs_n,
    paired,
    power,
    rate,
    rate_of,
)
from tests.chatbot.quality.fakes import a_run, a_suite, an_outcome, marked

PASSED = st.lists(st.sampled_from([True, False, None]), max_size=60)


@given(n=st.integers(1, 400), data=st.data())
@settings(deadline=None)
def test_an_interval_holds_its_rate_and_stays_within_0_and_1(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    found = rate_of(k, n)
    assert 0 <= found.low <= found.rate <= found.high <= 1
    wider = rate_of(k, n) if n < 2 else rate_of(k // 2, n // 2)
    assert wider.high - wider.low >= (found.high - found.low) * 0.5
    assert found.document() == {
        "n": n, "rate": round(k / n, 4), "low": round(found.low, 4), "high": round(found.high, 4),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("k", "n", "low", "high"), [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)]
)
def test_wilsons_interval_is_the_published_one(k: int, n: int, low: float, high: float) -> None:
    found = rate_of(k, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_of_no_cases_nothing_is_known() -> None:
    assert rate_of(0, 0).document() == {"n": 0, "rate": None, "low": None, "high": None}


@given(PASSED)
@settings(deadline=None)
def test_marks_that_do_not_apply_are_not_counted(passed: list[bool | None]) -> None:
    found = rate(marked(passed), "grounded")
    assert found.n == 0, "only on_brand_and_right was marked"
    found = rate(marked(passed), "on_brand_and_right")
    assert (found.k, found.n) == (passed.count(True), len(passed) - passed.count(None))


def test_invented_is_the_share_that_did_invent() -> None:
    assert rate(marked([True, True, True, False], "invented"), "invented").rate == 0.25


def test_by_mode_by_situation_and_held_in_and_out_cover_each_case_once() -> None:
    outcomes = [one for mode in ("combined", "base-prompted") for one in a_run(a_suite(40, 1), 2, mode)]
    assert list(by_mode(outcomes)) == modes_in(outcomes) == ["base-prompted", "combined"]
    assert by_mode(outcomes)["combined"]["on_voice"].n == 40
    assert set(by_mode(outcomes)["combined"]) == set(CHECKS)
    split = by_situation(outcomes)
    assert sum(split[name]["combined"]["on_voice"].n for name in split) == 40
    assert len(held(outcomes, out=True)) + len(held(outcomes, out=False)) == len(outcomes)


@given(st.lists(st.tuples(*[st.sampled_from([True, False, None])] * 2), max_size=80))
@settings(deadline=None)
def test_paired_is_mcnemar_on_the_discordant_pairs(pairs: list[tuple[bool | None, bool | None]]) -> None:
    before, after = [b for b, _ in pairs], [a for _, a in pairs]
    found, turned = paired(before, after), paired(after, before)
    assert (found.losses, found.gains) == (turned.gains, turned.losses)
    assert found.p == pytest.approx(turned.p)
    assert 0 < found.p_worse <= 1
    assert found.n == sum(b is not None and a is not None for b, a in pairs)
    assert found.drop == pytest.approx(-turned.drop)
    if found.losses + found.gains:
        assert found.p == pytest.approx(binomtest(found.losses, found.losses + found.gains).pvalue)


def test_paired_by_hand() -> None:
    found = paired([True] * 8 + [False] * 2, [False] * 8 + [True] * 2)
    assert (found.losses, found.gains, found.drop, found.churn) == (8, 2, 0.6, 0.4)
    assert found.p == pytest.approx(112 / 1024)
    assert found.p_worse == pytest.approx(56 / 1024)
    with pytest.raises(ValueError, match="not the same cases"):
        paired([True], [])


def test_modes_are_paired_on_the_cases_both_answered() -> None:
    outcomes = marked([True, True, False, True]) + marked([True, False, False], mode="fine-tuned")
    found = modes_paired(outcomes, "on_brand_and_right", "combined", "fine-tuned")
    assert (found.n, found.gains, found.losses) == (3, 1, 0)


def test_holm_by_hand() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({}) == {}


@given(st.dictionaries(st.text(), st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_never_lowers(p: dict[str, float]) -> None:
    adjusted = holm(p)
    assert list(adjusted) == list(p)
    assert all(p[name] <= adjusted[name] <= 1 for name in p)
    ordered = sorted(p, key=lambda name: p[name])
    assert [adjusted[name] for name in ordered] == sorted(adjusted.values())


def test_power_is_what_a_simulation_finds() -> None:
    import numpy as np

    rng, n, drop, churn, alpha = np.random.default_rng(0), 120, 0.15, 0.2, 0.02
    losses, gains, _ = rng.multinomial(n, [drop + churn / 2, churn / 2, 1 - drop - churn], 1500).T
    caught = [binomtest(a, a + b, alternative="greater").pvalue <= alpha for a, b in zip(losses, gains, strict=True)]
    assert np.mean(caught) == pytest.approx(power(n, drop, churn, alpha), abs=0.035)


@given(st.floats(0.05, 0.9), st.floats(0, 0.5))
@settings(deadline=None, max_examples=40)
def test_the_needed_number_is_enough_and_smaller_drops_need_more(drop: float, churn: float) -> None:
    n = needs_n(drop, churn)
    assert power(n, drop, churn, 0.02) >= 0.8
    assert needs_n(drop / 2, churn) > n
    assert needs_n(drop, churn, wanted=0.95) >= n


def test_a_drop_of_nothing_cannot_be_looked_for() -> None:
    with pytest.raises(ValueError, match="above 0"):
        needs_n(0)


def test_reading_ease() -> None:
    found = readability([an_outcome(text="We mend boots. They last. Send them in.")])["combined"]
    assert (found.words, found.words_per_sentence) == (8, 2.7)
    hard = an_outcome(text="Notwithstanding aforementioned considerations, reimbursement necessitates documentation.")
    assert readability([hard])["combined"].grade > found.grade
    assert readability([an_outcome(text=" ")]) == {}


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for found in readability([an_outcome(text=text, marks={"on_voice": Mark(True)})]).values():
        assert found.grade >= 0
        assert found.words >= 1
