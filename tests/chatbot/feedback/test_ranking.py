"""Bradley-Terry by evalica against choix, on few votes and many; whole voters are drawn anew."""

import numpy as np
import pytest
from evalica import Winner
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.feedback.ranking import LEAST_VOTERS, ranking, rows_of, scored, strengths, tallied
from chatbot.feedback.tally import counted
from tests.chatbot.feedback.cast import PAIRS, a_record, people
from tests.chatbot.feedback.given import MODES

TALLIES = st.lists(st.integers(0, 12), min_size=9, max_size=9).map(lambda counts: np.array(counts, dtype=float))


def by_choix(tally: np.ndarray, prior: int) -> np.ndarray:
    """The same votes for choix, which knows no ties: each vote twice, a tie as one win for each."""
    import choix

    data: list[tuple[int, int]] = []
    for (first, second, outcome), n in zip(rows_of(3), tally, strict=True):
        n = int(n) + prior * (outcome is Winner.Draw)
        wins = {Winner.X: [(first, second)] * 2, Winner.Y: [(second, first)] * 2}
        data += wins.get(outcome, [(first, second), (second, first)]) * n
    found = np.exp(choix.opt_pairwise(3, data, alpha=1e-9, tol=1e-12))
    return found / found.sum()


@given(tally=TALLIES)
@settings(max_examples=40)
def test_choix_finds_the_same_strengths_with_few_votes(tally: np.ndarray) -> None:
    assert strengths(tally, 3) == pytest.approx(by_choix(tally, 1), abs=1e-4)


def test_choix_finds_the_same_strengths_with_many_votes_and_no_ties_added() -> None:
    tally = np.array([30, 50, 10, 20, 80, 5, 40, 60, 20], dtype=float)
    assert strengths(tally, 3, prior=0) == pytest.approx(by_choix(tally, 0), abs=1e-5)


@given(tally=TALLIES)
@settings(max_examples=40)
def test_scores_are_chances_that_mirror_when_every_vote_is_turned(tally: np.ndarray) -> None:
    turned = tally.reshape(3, 3)[:, [1, 0, 2]].reshape(9)
    found = scored(tally, 3)
    assert found.sum() == pytest.approx(1.5)
    assert scored(turned, 3) == pytest.approx(1 - found, abs=1e-4)


def test_a_mode_that_never_lost_stands_first_and_is_not_certain_to() -> None:
    votes = counted([a_record(n, PAIRS[n % 3], max(PAIRS[n % 3], key=MODES.index)) for n in range(9)])
    best, middle, worst = ranking(votes, MODES)
    assert (best.mode, middle.mode, worst.mode) == ("combined", "fine-tuned", "base-prompted")
    assert 0.7 < best.score < 0.95
    assert middle.score == pytest.approx(0.5)


def test_a_tie_is_half_a_win_and_both_bad_is_none() -> None:
    ties = [a_record(n, PAIRS[0], "tie") for n in range(4)]
    bad = [a_record(n, PAIRS[0], "both-bad") for n in range(4, 8)]
    assert [one.score for one in ranking(counted(ties), MODES)] == pytest.approx([0.5, 0.5])
    assert ranking(counted(bad), MODES) == []
    one = a_record(9, PAIRS[0], "fine-tuned")
    assert ranking(counted([*ties, *bad, one]), MODES) == ranking(counted([*ties, one]), MODES)


def test_voters_are_drawn_anew_not_votes() -> None:
    """A hundred votes of which one voter gave ninety say little more than that voter: the interval knows."""
    winners = ["combined"] * 70 + ["base-prompted"] * 30
    pair = (MODES[0], MODES[2])
    apart = counted([a_record(n, pair, won, voter=f"v{n}") for n, won in enumerate(winners)])
    bound = counted([a_record(n, pair, won, voter=f"v{n // 10}") for n, won in enumerate(winners)])
    free, few = ranking(apart, MODES, seed=1)[0], ranking(bound, MODES, seed=1)[0]
    assert free.score == few.score
    assert few.high - few.low > 1.5 * (free.high - free.low)
    assert free.low == pytest.approx(0.60, abs=0.04)


def test_the_same_seed_gives_the_same_interval_and_it_holds_the_score() -> None:
    votes = people(90, (0.0, 0.4, 0.9), voters=20, seed=3)
    assert ranking(votes, MODES, 5) == ranking(votes, MODES, 5)
    for one in ranking(votes, MODES, 5):
        assert one.low <= one.score <= one.high
    assert sum(one.leads for one in ranking(votes, MODES, 5)) == pytest.approx(1)


def test_with_few_voters_there_is_no_interval() -> None:
    votes = counted([a_record(n, PAIRS[0], MODES[n % 2], voter=f"v{n % (LEAST_VOTERS - 1)}") for n in range(20)])
    assert {(one.low, one.high, one.leads) for one in ranking(votes, MODES)} == {(None, None, None)}


def test_a_tally_holds_every_vote_once() -> None:
    votes = people(60, voters=4)
    assert sum(tally.sum() for tally in tallied(votes, MODES).values()) == 60
