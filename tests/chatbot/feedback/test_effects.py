"""Planted effects are found again; what cannot be told is a sentence."""

import numpy as np
import pytest

from chatbot.feedback.balance import left_votes, side_bias
from chatbot.feedback.effects import LEAST_VOTES, each_voter_once, effects, fitted, separated, voters
from chatbot.feedback.tally import counted, deciding, ordered
from tests.chatbot.feedback.cast import PAIRS, a_record, people
from tests.chatbot.feedback.given import MODES

SIXTY = float(np.log(0.6 / 0.4))


def test_a_left_bias_of_sixty_percent_is_found_and_modes_that_are_alike_stay_alike() -> None:
    found = [effects(people(2000, left=SIXTY, voters=200, seed=seed)) for seed in range(6)]
    assert np.mean([one.left.value for one in found]) == pytest.approx(0.6, abs=0.015)
    assert sum(one.left.low < 0.6 < one.left.high for one in found) >= 4
    assert all(one.left.low > 0.53 for one in found)
    modes = [share for one in found for share in one.adjusted.values()]
    assert sum(one.low < 0.5 < one.high for one in modes) >= len(modes) - 3
    assert np.mean([one.value for one in modes]) == pytest.approx(0.5, abs=0.02)


def test_a_taste_for_length_is_found_and_taken_off_the_modes() -> None:
    found = effects(people(3000, strength=(0.0, 0.0, 0.8), longer=0.7, voters=300, seed=1))
    assert found.longer.value == pytest.approx(1 / (1 + np.exp(-0.7)), abs=0.03)
    combined = found.adjusted[ordered(("combined", "base-prompted"))]
    assert combined.low < 1 / (1 + np.exp(-0.8)) < combined.high
    assert combined.low > 0.6


def test_swapping_the_sides_turns_the_left_and_leaves_the_modes() -> None:
    """Mirror the screen: the same votes with left and right changed."""
    votes = people(400, strength=(0.0, 0.3, 0.6), left=0.5, voters=30, seed=2)
    mirror = [type(one)(**{**vars(one), "left": next(mode for mode in one.pair if mode != one.left)}) for one in votes]
    found, turned = effects(votes), effects(mirror)
    assert turned.left.value == pytest.approx(1 - found.left.value, abs=1e-6)
    assert turned.longer.value == pytest.approx(found.longer.value, abs=1e-6)
    for pair, one in found.adjusted.items():
        assert turned.adjusted[pair].value == pytest.approx(one.value, abs=1e-6)


def test_voters_with_tastes_of_their_own_make_votes_worth_less() -> None:
    alike = effects(people(1500, voters=30, seed=4))
    apart = effects(people(1500, voters=30, seed=4, swing=1.5))
    assert apart.worth < 0.5 * alike.worth
    pair = ordered(PAIRS[0])
    assert apart.adjusted[pair].high - apart.adjusted[pair].low > alike.adjusted[pair].high - alike.adjusted[pair].low


def test_clustered_errors_are_those_of_the_textbook() -> None:
    """Liang and Zeger's sandwich, by hand: G/(G-1) (n-1)/(n-k) H^-1 S H^-1."""
    votes = deciding(people(200, (0.0, 0.5, 1.0), left=0.3, voters=25, seed=6))
    design = np.array([[1.0, float(np.log2(one.words[one.left]))] for one in votes])
    won, groups = np.array([float(one.left_won) for one in votes]), [one.voter for one in votes]
    fit = fitted(design, won, groups)
    chance = 1 / (1 + np.exp(-design @ fit.values))
    bread = np.linalg.inv((design * (chance * (1 - chance))[:, None]).T @ design)
    scores = design * (won - chance)[:, None]
    sums = np.array([scores[[voter == group for voter in groups]].sum(0) for group in sorted(set(groups))])
    n, many, columns = len(votes), len(set(groups)), 2
    meat = many / (many - 1) * (n - 1) / (n - columns) * sums.T @ sums
    assert fit.errors == pytest.approx(np.sqrt(np.diag(bread @ meat @ bread)), rel=1e-4)


def test_two_hundred_votes_that_all_go_left_warn_of_side_bias_and_adjust_nothing() -> None:
    random = np.random.default_rng(0)
    made = []
    for n in range(200):
        pair = PAIRS[n % 3]
        left = pair[int(random.integers(2))]
        made.append(a_record(n, pair, left, left, voter=f"v{n % 20}"))
    votes = counted(made)
    side = side_bias(left_votes(votes))
    assert (side.state, side.wins, side.n) == ("first", 200, 200)
    assert side.low > 0.9
    found = effects(votes)
    assert found.left is None
    assert not found.adjusted
    assert found.why[-1] == "Every vote went left: the side explains all, and nothing can be adjusted."


def test_few_votes_are_a_sentence() -> None:
    found = effects(people(LEAST_VOTES - 1))
    assert found.why == ("19 votes prefer one of two: nothing is adjusted before there are 20.",)
    assert effects([]).n == 0


def test_a_pair_that_is_one_sided_is_left_out_and_the_others_are_adjusted() -> None:
    others = [one for one in people(300, voters=30, seed=8) if one.pair != ordered(PAIRS[0])]
    sure = counted([a_record(1000 + n, PAIRS[0], "fine-tuned", MODES[n % 2], voter=f"v{n}") for n in range(12)])
    found = effects([*others, *sure])
    assert set(found.adjusted) == {ordered(pair) for pair in PAIRS[1:]}
    assert found.left is not None
    assert "All 12 votes on fine-tuned and base-prompted prefer fine-tuned: that is not adjusted." in found.why


def test_few_voters_get_numbers_and_no_interval() -> None:
    found = effects(people(300, left=SIXTY, voters=6))
    assert found.left.low is None
    assert found.worth is None
    assert found.why[0].startswith("6 voters: adjusted numbers get an interval from 15 voters on")


def test_replies_of_one_length_say_nothing_of_length() -> None:
    made = [a_record(n, PAIRS[0], MODES[n * 7 % 3 % 2], MODES[n % 2], voter=f"v{n % 20}") for n in range(60)]
    same = {"first_text": "Just as long.", "second_text": "Of one length."}
    found = effects(counted([{**one, **same} for one in made]))
    assert found.longer is None
    assert found.left is not None


def test_a_mode_that_always_stands_left_cannot_be_told_from_the_side() -> None:
    votes = counted([a_record(n, PAIRS[0], MODES[n % 3 % 2], MODES[0], voter=f"v{n % 20}") for n in range(60)])
    assert effects(votes).why == ("Modes stood on one side always: side and mode cannot be told apart.",)


def test_separation_is_found_exactly() -> None:
    design = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0], [1.0, 4.0]])
    assert separated(design, np.array([0.0, 0.0, 1.0, 1.0]))
    assert separated(np.vstack([design, [1.0, 2.5], [1.0, 2.5]]), np.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0]))  # quasi
    assert not separated(design, np.array([0.0, 1.0, 0.0, 1.0]))
    assert not separated(design, np.array([1.0, 0.0, 0.0, 1.0]))


def test_each_voter_has_one_voice_and_the_busy_are_told() -> None:
    winners = ["fine-tuned"] * 9 + ["base-prompted", "base-prompted"]
    votes = counted([a_record(n, PAIRS[0], won, voter=f"v{max(n, 8)}") for n, won in enumerate(winners)])
    assert each_voter_once(votes, ordered(PAIRS[0])) == pytest.approx(1 / 3)
    assert each_voter_once(votes, ordered(PAIRS[1])) is None
    found = voters(votes)
    assert (found.voters, found.votes, found.again, found.by_them, found.most) == (3, 11, 1, 9, 9)
