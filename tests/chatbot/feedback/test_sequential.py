"""Verdicts that may be looked at after every vote: what holds of every count, and what holds of two thousand runs."""

import json
import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.feedback.sequential import ALPHA, follow, interval, line, log_e, threshold
from tests.chatbot.feedback import prove, simulate

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
ALPHAS = st.sampled_from([ALPHA, ALPHA / 3, 0.2])


def shuffled(wins: int, n: int, seed: int = 0) -> list[bool]:
    votes = [True] * wins + [False] * (n - wins)
    random.Random(seed).shuffle(votes)
    return votes


@given(counts=COUNTS, alpha=ALPHAS)
def test_the_interval_holds_what_was_seen_and_mirrors_when_the_two_change_names(counts, alpha) -> None:
    wins, n = counts
    low, high = interval(wins, n, alpha)
    assert 0 <= low <= (wins / n if n else 0.5) <= high <= 1
    assert interval(n - wins, n, alpha) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(counts=COUNTS, alpha=ALPHAS)
def test_more_wins_move_both_ends_up_and_a_stricter_look_is_wider(counts, alpha) -> None:
    wins, n = counts
    low, high = interval(wins, n, alpha)
    if wins < n:
        more = interval(wins + 1, n, alpha)
        assert more[0] >= low - 1e-9
        assert more[1] >= high - 1e-9
    wider = interval(wins, n, alpha / 2)
    assert wider[0] <= low + 1e-9
    assert wider[1] >= high - 1e-9


@given(counts=COUNTS, alpha=ALPHAS)
def test_the_interval_leaves_out_one_half_exactly_where_the_bet_has_won(counts, alpha) -> None:
    wins, n = counts
    low, high = interval(wins, n, alpha)
    payoff = float(log_e(wins, n)) + math.log(alpha)
    if abs(payoff) > 1e-9:
        assert (low > 0.5 or high < 0.5) == (payoff > 0)


@given(votes=st.lists(st.booleans(), max_size=120), alpha=ALPHAS)
def test_the_verdict_mirrors_and_p_never_rises(votes: list[bool], alpha: float) -> None:
    found, other = follow(votes, alpha), follow([not vote for vote in votes], alpha)
    mirrored = {"first": "second", "second": "first"}
    assert other.state == mirrored.get(found.state, found.state)
    assert (other.called_at, other.settles, other.n - other.wins) == (found.called_at, found.settles, found.wins)
    assert other.p == pytest.approx(found.p)
    ps = [follow(votes[:n], alpha).p for n in range(len(votes) + 1)]
    assert all(later <= earlier for earlier, later in pairwise(ps))
    assert (found.p <= alpha) == (found.called_at is not None)


@given(n=st.integers(1, 300), alpha=ALPHAS)
def test_the_threshold_is_the_least_that_calls(n: int, alpha: float) -> None:
    least = threshold(n, alpha)
    calls = [wins for wins in range(n + 1) if 2 * wins > n and float(log_e(wins, n)) >= -math.log(alpha)]
    assert least == (min(calls) if calls else None)


@given(votes=st.lists(st.booleans(), max_size=150), alpha=ALPHAS)
def test_what_would_settle_it_is_within_reach_and_does(votes: list[bool], alpha: float) -> None:
    found = follow(votes, alpha)
    if found.settles is None:
        return
    wins, total = found.settles
    ahead = max(found.wins, found.n - found.wins)
    assert found.n < total
    assert wins - ahead <= total - found.n
    more = [2 * found.wins >= found.n] * (wins - ahead) + [2 * found.wins < found.n] * (total - found.n - wins + ahead)
    assert follow([*votes, *more], alpha).called_at is not None


def test_the_numbers_that_are_told_beforehand() -> None:
    assert [threshold(n) for n in (10, 11, 20, 30, 40, 100, 200)] == [None, 11, 17, 24, 30, 66, 122]
    assert [threshold(n, ALPHA / 3) for n in (13, 14, 20, 30, 40, 100)] == [None, 14, 18, 25, 31, 67]
    assert interval(70, 100) == pytest.approx((0.547, 0.828), abs=0.001)


@pytest.mark.parametrize(
    ("wins", "n", "said"),
    [
        (0, 0, "No vote yet that prefers one of the two."),
        (1, 1, "1 vote, 1 for A: too early to call; 14 of 15 would settle it."),
        (9, 12, "12 votes, 9 for A: too early to call; 17 of 20 would settle it."),
        (3, 12, "12 votes, 9 for B: too early to call; 17 of 20 would settle it."),
        (6, 12, "12 votes, 6 for each: too early to call; 24 of 30 would settle it."),
        (30, 50, "50 votes, 30 for A: not settled; 54 of 80 would settle it."),
        (17, 20, "A is preferred to B: 17 of 20 votes, 85% (between 51% and 99%)."),
        (3, 20, "B is preferred to A: 17 of 20 votes, 85% (between 51% and 99%)."),
        (500, 1000, "1000 votes: no difference worth having. A wins between 45% and 55%."),
    ],
)
def test_the_plain_line(wins: int, n: int, said: str) -> None:
    assert line(follow(shuffled(wins, n, 3)), "A", "B") == said


def test_a_winner_stays_called_and_a_change_of_mind_is_told() -> None:
    votes = [True] * 15 + [False, True] * 20
    found = follow(votes)
    assert (found.state, found.called_at) == ("first", 11)
    weak = follow([True] * 11 + [False] * 12)
    assert weak.state == "first"
    assert line(weak, "A", "B").endswith("It was called after 11 votes; the votes since have weakened it.")


def test_what_cannot_be_counted_is_refused() -> None:
    for wins, n, alpha in ((3, 2, 0.05), (-1, 2, 0.05), (1, 2, 0.0)):
        with pytest.raises(ValueError, match="cannot be"):
            interval(wins, n, alpha)


def test_two_thousand_experiments_call_no_false_winner_too_often_and_find_a_true_one() -> None:
    found = {one.what: one for one in simulate.every()}
    json.dumps(prove.told(found.values()))
    for one in found.values():
        noise = 4 * math.sqrt(one.exact * (1 - one.exact) / one.runs)
        assert abs(one.called - one.exact) < noise, one
        assert one.kept, one
    assert sum(one.most == ALPHA for one in found.values()) == 4
    true = found["70% prefer one, one pair"]
    assert true.wrong < 0.005


def test_the_fast_count_is_the_one_of_the_product() -> None:
    outcomes = simulate.votes_of(0.65, 60, 9, runs=60)
    at, first = simulate.called(outcomes, ALPHA)
    for row, n, won in zip(outcomes, at, first, strict=True):
        found = follow(row.tolist())
        assert (found.called_at or 0, found.state == "first") == (int(n), bool(won))
    assert np.count_nonzero(at) > 10
