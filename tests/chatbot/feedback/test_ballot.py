"""Who meets whom and on which side: balanced, independent, and recomputable by whoever has the salt."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.feedback.ballot import (
    Arm,
    Card,
    Draw,
    Experiment,
    audit,
    block_order,
    card_at,
    cell,
    left_of,
    pair_at,
    reasons,
    thinnest,
    void_reason,
)
from tests.chatbot.feedback.given import MODES, a_side

EXPERIMENT = Experiment("e1", "northwind", "demo", "0123456789abcdef", MODES, "2026-11-26T00:00:00Z")
PAIRS = EXPERIMENT.pairs
FIRST = ["finecomb", "basecomb", "basefine", "finecomb", "basefine", "basecomb"]
LEFTS = "bbbfbbbfbbffffff"
SALTS = st.text(st.characters(codec="ascii"), max_size=64)


def drawn(number: int, voter: str = "ana", counts=None) -> Draw:
    stratum, pair = "free", pair_at(EXPERIMENT.salt, "free", number, PAIRS)
    if counts is not None:
        stratum, pair = thinnest(EXPERIMENT.salt, ["refund", "upset"], PAIRS, counts)
    left = left_of(EXPERIMENT.salt, EXPERIMENT.id, voter, number, pair)
    return Draw(f"b{number}", EXPERIMENT.id, voter, number, stratum, number, pair, left, counts)


@given(salt=SALTS, stratum=st.text(max_size=9), block=st.integers(0, 10**6), arms=st.integers(2, 5))
def test_every_block_holds_every_pair_once(salt: str, stratum: str, block: int, arms: int) -> None:
    pairs = tuple(combinations([f"m{n}" for n in range(arms)], 2))
    order = block_order(salt, stratum, block, pairs)
    assert sorted(order) == sorted(pairs)
    numbers = range(block * len(pairs), (block + 1) * len(pairs))
    assert tuple(pair_at(salt, stratum, n, pairs) for n in numbers) == order


def test_another_salt_stratum_or_block_is_another_order() -> None:
    base = [block_order("salt", "free", n, PAIRS) for n in range(40)]
    assert len(set(base)) == 6, "all orders of three pairs come up"
    assert base != [block_order("other", "free", n, PAIRS) for n in range(40)]
    assert base != [block_order("salt", "refund", n, PAIRS) for n in range(40)]


def test_the_side_is_a_fair_coin_that_knows_nothing_of_the_pairs_place() -> None:
    sides = Counter()
    for n in range(6000):
        pair = pair_at("salt", "free", n, PAIRS)
        sides[pair, left_of("salt", "e", f"voter-{n % 37}", n // 37, pair)] += 1
    for pair in PAIRS:
        assert sides[pair, pair[0]] + sides[pair, pair[1]] == 2000
        # 4.5 standard deviations of 2000 fair coins: the salt is fixed, so this holds or it does not
        assert abs(sides[pair, pair[0]] - 1000) < 100


def test_the_draw_is_what_it_was_in_the_first_release() -> None:
    """A change of these would make stored battles fail the audit."""
    assert [
        pair_at("salt", "free", n, PAIRS)[0][:4] + pair_at("salt", "free", n, PAIRS)[1][:4] for n in range(6)
    ] == FIRST
    assert "".join(left_of("salt", "e", "ana", n, PAIRS[0])[0] for n in range(16)) == LEFTS


@given(
    counts=st.dictionaries(st.sampled_from([cell(s, p) for s in ("refund", "upset") for p in PAIRS]), st.integers(0, 9))
)
def test_the_thinnest_cell_is_filled_first(counts: dict[str, int]) -> None:
    situation, pair = thinnest("salt", ["upset", "refund"], PAIRS, counts)
    assert counts.get(cell(situation, pair), 0) == min(
        counts.get(cell(s, p), 0) for s in ("refund", "upset") for p in PAIRS
    )
    assert (situation, pair) == thinnest("salt", ["refund", "upset"], PAIRS, counts)


def test_the_deck_ends_even() -> None:
    counts = dict.fromkeys([cell(s, p) for s in ("refund", "upset") for p in PAIRS], 0)
    for _ in range(30):
        counts[cell(*thinnest("salt", ["refund", "upset"], PAIRS, counts))] += 1
    assert set(counts.values()) == {5}


def test_every_card_comes_once_before_any_comes_again() -> None:
    cards = [Card("refund", f"q{n}") for n in range(4)] + [Card("upset", "u")]
    first = [card_at("salt", cards, "refund", n).question for n in range(4)]
    assert sorted(first) == ["q0", "q1", "q2", "q3"]
    assert sorted(card_at("salt", cards, "refund", n).question for n in range(4, 8)) == sorted(first)
    with pytest.raises(ValueError, match="legal"):
        card_at("salt", cards, "legal", 0)


def test_the_audit_passes_what_was_drawn_and_names_what_was_not() -> None:
    counts = dict.fromkeys([cell(s, p) for s in ("refund", "upset") for p in PAIRS], 2)
    draws = [*(drawn(n) for n in range(30)), drawn(30, "ben", counts)]
    assert audit(EXPERIMENT, draws, {draw.id: draw.left for draw in draws}) == ()
    flipped = replace(draws[0], left=draws[0].right)
    other = replace(draws[1], pair=draws[2].pair, left=left_of(EXPERIMENT.salt, "e1", "ana", 1, draws[2].pair))
    steered = replace(draws[30], counts={**counts, cell("refund", PAIRS[0]): 0, cell("upset", PAIRS[0]): 0})
    wrong = next(pair for pair in PAIRS if pair != thinnest(EXPERIMENT.salt, ["refund", "upset"], PAIRS, counts)[1])
    steered = replace(draws[30], pair=wrong, left=left_of(EXPERIMENT.salt, "e1", "ben", 30, wrong))
    for bad, said in (
        (flipped, "was not due on the left"),
        (other, "not the one that was due"),
        (steered, "not the one"),
    ):
        assert said in audit(EXPERIMENT, [bad])[0]
    assert "stood on the left" in audit(EXPERIMENT, [draws[3]], {draws[3].id: draws[3].right})[0]
    assert audit(replace(EXPERIMENT, salt="another"), draws), "another salt does not explain these draws"


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        ((a_side("combined"), a_side("fine-tuned")), ""),
        ((a_side("combined"), a_side("fine-tuned", finish="length")), "fine-tuned did not finish its reply (length)"),
        ((a_side("combined", finish="deadline"), a_side("fine-tuned")), "combined did not finish its reply (deadline)"),
        ((a_side("combined", finish="failed"), a_side("fine-tuned")), "combined did not finish its reply (failed)"),
        ((a_side("combined", " \n"), a_side("fine-tuned")), "combined wrote nothing"),
        ((a_side("combined", "Same. "), a_side("fine-tuned", " Same.")), "both replies are the same text"),
        (
            (a_side("combined", "A", "approved"), a_side("fine-tuned", "A", "approved")),
            "approved wording: the same text on both sides",
        ),
    ],
)
def test_a_pair_that_cannot_be_judged_is_void_and_says_why(sides, said: str) -> None:
    assert void_reason(sides) == said


def test_an_arm_is_the_same_for_every_question_and_another_with_another_lever() -> None:
    arm = Arm("combined", "a", "b", "v", "p1")
    assert arm.id == replace(arm, prompt_hash="p2").id
    assert (
        len(
            {
                one.id
                for one in (arm, replace(arm, adapter="a2"), replace(arm, base="b2"), replace(arm, prompt_version="v2"))
            }
        )
        == 4
    )


def test_reasons_are_the_fixed_ones_and_the_brands_rules(bot) -> None:
    found = reasons(bot.voice)
    assert {"too-formal", "no-empathy", "wrong-fact", "off-vocabulary", "too-long", "promised-too-much"} <= set(found)
    assert found["rule-use-contractions"] == "Use contractions"
    assert len(found) == 9 + len(bot.voice.rules)
