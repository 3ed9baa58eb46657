"""Agreement on judges whose habits are known."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.quality.agreement import (
    agreement,
    agreement_document,
    between_reviewers,
    people_and_checks,
    split_items,
    with_themselves,
)
from chatbot.quality.marks import CHECKS, Mark
from chatbot.quality.review import Review, Verdict
from tests.chatbot.quality.fakes import an_outcome


def votes(*said: bool | None) -> dict[tuple[str, str], bool]:
    return {(f"c{n}", "combined"): one for n, one in enumerate(said) if one is not None}


def reviews(reviewer: str, said: list[bool], again: bool = False) -> list[Review]:
    """Verdicts that say the same to both questions."""
    return [Review(reviewer, n, f"c{n}", "combined", again, Verdict(one, one)) for n, one in enumerate(said)]


def test_kappa_and_alpha_by_hand() -> None:
    one = votes(*[True] * 25, *[True] * 10, *[False] * 15)
    other = votes(*[True] * 20, *[False] * 5, *[True] * 10, *[False] * 15)
    found = agreement([one, other])
    assert (found.same.k, found.same.n) == (45, 50)
    assert found.kappa == pytest.approx((0.9 - (0.7 * 0.6 + 0.3 * 0.4)) / (1 - 0.54))
    assert found.low <= found.alpha <= found.high
    # Krippendorff (2018): 1 - (n - 1) * o_01 / (n_0 * n_1) of the pooled verdicts
    assert found.alpha == pytest.approx(1 - 99 * 5 / (35 * 65))


def test_judges_who_say_the_same_of_everything_tell_nothing() -> None:
    found = agreement([votes(True, True, True), votes(True, True, True)])
    assert (found.same.rate, found.kappa, found.alpha, found.low, found.high) == (1, None, None, None, None)
    nothing = agreement([votes(True, None), votes(None, False)])
    assert (nothing.same.n, nothing.kappa, nothing.alpha) == (0, None, None)
    assert agreement([]).same.n == 0


def test_perfect_and_opposite() -> None:
    some = votes(*[True, False] * 20)
    found = agreement([some, dict(some)])
    assert (found.kappa, found.alpha) == (1, 1)
    assert agreement([some, {key: not one for key, one in some.items()}]).kappa == -1


@given(st.lists(st.lists(st.sampled_from([True, False, None]), min_size=6, max_size=6), max_size=4))
@settings(deadline=None, max_examples=60)
def test_any_votes_give_numbers_within_their_bounds(table: list[list[bool | None]]) -> None:
    found = agreement([votes(*row) for row in table])
    assert found.kappa is None or -1 <= found.kappa <= 1
    assert found.alpha is None or -1 <= found.alpha <= 1
    json.dumps(found.document(), allow_nan=False)


def test_the_interval_holds_the_truth_of_guessers_most_of_the_time() -> None:
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = agreement([votes(*(bool(one) for one in rng.random(80) < 0.6)) for _ in range(2)], seed)
        held += found.low <= 0 <= found.high
    assert held >= 34


def test_reviewers_who_saw_different_replies_are_compared_on_the_shared_ones() -> None:
    found = between_reviewers(reviews("ana", [True, False, True, False]) + reviews("ben", [True, False]))
    assert (found.same.k, found.same.n) == (2, 2)


def test_repeats_count_for_self_consistency_alone() -> None:
    both = reviews("ana", [True, True, False]) + reviews("ana", [True, False], again=True)
    assert with_themselves(both)["ana"].same.document()["rate"] == 0.5
    assert between_reviewers(both + reviews("ben", [True, True, False])).same.n == 3
    assert with_themselves(reviews("ben", [True]))["ben"].same.n == 0


def test_each_check_is_held_against_the_majority() -> None:
    said = [True] * 10 + [False] * 10
    people = reviews("ana", said) + reviews("ben", said) + reviews("eve", [not one for one in said])
    marks = [Mark(one) if n else Mark(None) for n, one in enumerate(said)]
    outcomes = [an_outcome(f"c{n}", marks=dict.fromkeys(CHECKS, mark)) for n, mark in enumerate(marks)]
    found = people_and_checks(people, outcomes)
    assert set(found) == set(CHECKS)
    assert (found["on_voice"].kappa, found["on_voice"].same.n) == (1, 19)
    tied = people_and_checks(people + reviews("zoe", [not one for one in said]), outcomes)
    assert tied["on_voice"].same.n == 0


def test_what_reviewers_are_split_on_is_listed() -> None:
    assert split_items(reviews("ana", [True, True]) + reviews("ben", [True, False])) == [("c1", "combined")]


def test_the_document_is_plain_data() -> None:
    people = reviews("ana", [True, False, True]) + reviews("ben", [True, False, False])
    made = agreement_document(people, [an_outcome("c0"), an_outcome("c1")])
    assert json.loads(json.dumps(made, allow_nan=False))["between_reviewers"]["send"]["same"]["n"] == 3


def test_a_judge_who_has_only_begun_hardly_moves_the_kappa_of_the_others() -> None:
    said = [True, False] * 20
    beginner = {("c0", "combined"): True, ("c1", "combined"): True}
    found = agreement([votes(*said), votes(*said), beginner])
    assert found.kappa == pytest.approx(40 / 44)
