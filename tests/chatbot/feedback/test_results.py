"""From records to results: every vote accounted for, small cells told as such, and what spoils an experiment named."""

import json
import warnings as python_warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.errors import FeedbackError
from chatbot.feedback import balance
from chatbot.feedback.ballot import FIXED_REASONS, Experiment
from chatbot.feedback.export import Account, records
from chatbot.feedback.gather import read
from chatbot.feedback.results import Results, results
from chatbot.feedback.store import Store
from chatbot.feedback.tabled import tables
from chatbot.feedback.tally import ANEW, SECOND, counted, ordered
from chatbot.feedback.wording import HOW_TO, verdict_lines, warnings
from chatbot.quality.stats import rate_of
from chatbot.settings import Settings
from tests.chatbot.feedback.cast import EXPERIMENT, PAIRS, a_record
from tests.chatbot.feedback.given import MODES, a_battle, a_side, a_vote, saved

FIRST = ordered(PAIRS[0])  # fine-tuned, base-prompted
CHOICES = ("tie", "both-bad", *MODES)


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """The interval of the ranking has tests of its own."""
    with patch("chatbot.feedback.ranking.RESAMPLES", 20):
        yield


def told(found: list[dict], experiments=(EXPERIMENT,), **other) -> Results:
    counts = sum(not one["excluded"] for one in found if one["kind"] == "vote")
    out = sum(bool(one["excluded"]) for one in found if one["kind"] == "vote")
    return results(found, Account(counts + out, counts, {"withdrawn": out} if out else {}), experiments, **other)


def table(found: Results, title: str) -> dict[str, tuple[str, ...]]:
    (one,) = [one for one in tables(found, FIXED_REASONS) if one.title == title]
    return {row[0]: row[1:] for row in one.rows}


@st.composite
def lots(draw) -> list[dict]:
    made = []
    for n in range(draw(st.integers(0, 40))):
        pair = PAIRS[draw(st.integers(0, 2))]
        choice = draw(st.sampled_from(["tie", "both-bad", *pair, *pair]))
        other = {"voter": f"v{draw(st.integers(0, 6))}", "situation": draw(st.sampled_from(["refund", "upset"]))}
        made.append(a_record(n, pair, choice, pair[draw(st.integers(0, 1))], **other))
    return made


@given(found=lots())
@settings(max_examples=40)
def test_every_vote_is_in_one_place_whatever_was_cast(found: list[dict]) -> None:
    made = told(found)
    assert made.decided + made.ties + made.both_bad.k + sum(made.aside.values()) == made.account.counted == len(found)
    assert sum(one.verdict.n for one in made.duels) == made.decided == made.side.n
    assert sum(one.ties for one in made.duels) == made.ties
    assert sum(one.both_bad.k for one in made.duels) == made.both_bad.k
    assert sum(cell.n for cells in made.situations.values() for cell in cells.values()) == made.decided
    assert [total for *_, total in made.days][-1:] == ([len(found)] if found else [])
    json.dumps(made.document(), allow_nan=False)
    assert all(one.rows and all(len(row) == len(one.heads) for row in one.rows) for one in tables(made, FIXED_REASONS))


@given(found=lots())
@settings(max_examples=25)
def test_an_experiment_that_names_the_modes_in_another_order_reads_the_same(found: list[dict]) -> None:
    turned = [
        {
            **one,
            **{
                f"{here}_{name}": one[f"{there}_{name}"]
                for here, there in (("first", "second"), ("second", "first"))
                for name in ("mode", "text", "good", "reasons", "finish", "arm")
            },
        }
        for one in found
    ]
    other = Experiment("e", "northwind", "demo", "salt", MODES[::-1], EXPERIMENT.created)
    assert told(turned, (other,)).document() == told(found).document()


def test_the_curve_ends_where_the_verdict_stands_and_is_never_too_long() -> None:
    made = told([a_record(n, PAIRS[0], MODES[n % 2]) for n in range(450)]).duels[-1]
    assert made.pair == FIRST
    assert len(made.curve) <= 200
    last = made.curve[-1]
    assert (last.n, last.rate, last.low, last.high) == (
        made.verdict.n, made.verdict.rate, made.verdict.low, made.verdict.high,
    )  # fmt: skip
    assert all(one.n < other.n for one, other in pairwise(made.curve))


def test_one_vote_on_a_pair_of_replies_is_weighed_and_one_given_anew_is_not() -> None:
    found = [
        a_record(0, winner="fine-tuned", battle="x", voter="ana"),
        a_record(1, winner="fine-tuned", battle="x", voter="ben"),
        a_record(2, winner="base-prompted", battle="y", voter="ana", excluded="withdrawn", withdrawn="2026-11-02"),
        a_record(3, winner="fine-tuned", battle="y", voter="ana"),
        a_record(4, winner="base-prompted", battle="y", voter="carl"),
        a_record(5, winner="tie", battle="z", voter="ana"),
        a_record(6, winner="fine-tuned", battle="z", voter="ben"),
    ]
    assert [one.aside for one in counted(found)] == ["", SECOND, ANEW, "", "", ""]
    made = told(found)
    assert (made.decided, made.ties, made.account.counted) == (3, 1, 6)
    assert made.aside == {SECOND: 1, ANEW: 1}
    assert "1 vote changed after the names were shown: not blind, so in no win rate." in warnings(made)
    assert made.taken_back == {"base-prompted": 1}


def test_what_is_added_later_leaves_the_choice_and_is_kept_apart_from_what_was_said_blind() -> None:
    said = {"first_good": True, "second_good": None, "first_reasons": ["too-long"]}
    more = {"first_good": False, "second_good": True, "first_reasons": ["too-long", "too-formal"]}
    gone = {"excluded": "replaced when remarks were added", "withdrawn": "2026-11-02"}
    found = [
        a_record(0, winner="fine-tuned", battle="x", voter="ana", **gone, **said),
        a_record(5, winner="fine-tuned", battle="x", voter="ana", **more),
        a_record(1, winner="base-prompted", battle="x", voter="ben"),
        a_record(6, winner="fine-tuned", battle="y", voter="carl", excluded="withdrawn", withdrawn="2026-11-02"),
    ]
    first, second = counted(found)
    assert (first.voter, first.at, first.aside, second.aside) == ("ana", found[0]["cast_at"], "", SECOND)
    assert first.good == {"base-prompted": True, "fine-tuned": None}
    assert first.late == {"base-prompted": None, "fine-tuned": True}
    made = told(found)
    assert (made.decided, made.late_reasons, made.taken_back) == (1, 1, {"fine-tuned": 1})
    assert made.said["base-prompted"].reasons == {"too-formal": 1, "too-long": 1}
    assert table(made, "Good enough to send?") == {
        "Base-prompted": ("1 of 1 (100%, 21–100%)", "–"), "Fine-tuned": ("–", "1 of 1 (100%, 21–100%)"),
    }  # fmt: skip
    assert not any("Taken back" in one for one in warnings(made))
    more = [{**found[-1], "battle": f"z{n}", "vote": f"z{n}"} for n in range(2)]
    assert any(
        one.startswith("Taken back or changed once the names were shown: 3 had preferred Fine-tuned.")
        for one in warnings(told([*found, *more]))
    )


def test_small_cells_are_told_as_such() -> None:
    found = [a_record(n, PAIRS[0], MODES[n % 2], situation="refund") for n in range(12)]
    found += [a_record(20 + n, PAIRS[0], "fine-tuned", situation="upset") for n in range(3)]
    found += [a_record(30, PAIRS[1], "both-bad", situation="upset")]
    made = told(found)
    assert made.situations["upset"][FIRST].low is None
    rows = table(made, "By situation")
    assert rows["refund"][2].startswith("6 of 12 for Fine-tuned (50%, ")
    assert rows["upset"] == ("no votes", "0 votes: too few to read, 1 both bad", "3 votes: too few to read")


def test_good_enough_and_reasons_are_counted_by_mode_and_both_bad_is_a_number_of_its_own() -> None:
    found = [
        a_record(n, PAIRS[0], "both-bad" if n < 3 else "fine-tuned", first_good=n % 2 == 0, second_good=True,
                 first_reasons=["too-long"], second_reasons=["rule-say-sorry-first"] if n else [])
        for n in range(10)
    ]  # fmt: skip
    made = told(found)
    assert made.both_bad == rate_of(3, 10)
    assert made.said["base-prompted"].good == rate_of(5, 10)
    assert made.said["fine-tuned"].good == rate_of(10, 10)
    assert made.said["base-prompted"].reasons == {"too-long": 10}
    assert table(made, "Why") == {"Too long": ("10", "0", "0"), "Say sorry first": ("0", "9", "0")}
    assert table(made, "Good enough to send?")["Fine-tuned"] == ("10 of 10 (100%, 72–100%)", "–")


def test_a_mode_that_is_cut_off_more_often_is_named() -> None:
    void = {
        "kind": "battle",
        "first_finish": "length",
        "void_reason": "base-prompted did not finish its reply (length)",
    }
    found = [a_record(n, PAIRS[0], "fine-tuned") for n in range(30)]
    found += [{**a_record(40 + n, PAIRS[0]), **void} for n in range(15)]
    made = told(found)
    assert made.uneven == ("base-prompted", "fine-tuned")
    assert made.endings["base-prompted"].unfinished == rate_of(15, 45)
    assert made.endings["base-prompted"].finishes == {"stop": 30, "length": 15}
    assert any("Base-prompted is judged by the replies it finished" in one for one in warnings(made))
    assert table(made, "Void pairs of replies") == {"Base-prompted did not finish its reply (length)": ("15",)}
    assert table(made, "Replies not finished")["Base-prompted"][1] == "15 cut off at the longest length"
    assert told(found[:30]).uneven is None


def test_a_ballot_that_draws_unevenly_is_found_and_a_sound_one_is_not() -> None:
    sound = [a_record(n, PAIRS[n % 3], PAIRS[n % 3][0], PAIRS[n % 3][n // 3 % 2]) for n in range(120)]
    assert not any(one.off for one in told(sound).plans)
    assert {one.p for one in told(sound).plans if one.of == "pairs"} == {1.0}
    pairs = [a_record(n, PAIRS[0 if n % 10 < 6 else 1 + n % 2], left="") for n in range(200)]
    assert {one.of for one in told(pairs).plans if one.off} == {"pairs", "sides"}
    one_side = [a_record(n, PAIRS[n % 3], PAIRS[n % 3][n % 2], PAIRS[n % 3][0]) for n in range(120)]
    made = told(one_side)
    assert {(one.what, one.of) for one in made.plans if one.off} == {("battles", "sides"), ("votes", "sides")}
    assert any("The sides of votes are not as planned" in one for one in warnings(made))
    assert all(one.p is None for one in told(sound[:6]).plans)


def test_the_deck_may_ask_a_pair_again_until_it_has_votes() -> None:
    """Of a mode that is cut off often the deck makes more battles, and as many votes: as planned."""
    deck = [a_record(n, PAIRS[n % 3], PAIRS[n % 3][0], PAIRS[n % 3][n // 3 % 2], stratum="refund") for n in range(120)]
    void = {
        "kind": "battle",
        "first_finish": "length",
        "void_reason": "base-prompted did not finish its reply (length)",
    }
    lost = [{**a_record(200 + n, PAIRS[0], left=PAIRS[0][n % 2], stratum="refund"), **void} for n in range(60)]
    assert not any(one.off for one in told([*deck, *lost]).plans)
    free = [{**one, "stratum": "free"} for one in (*deck, *lost)]
    assert {(one.what, one.of) for one in told(free).plans if one.off} == {("battles", "pairs")}


def test_the_chi_square_is_the_one_of_the_textbook() -> None:
    made = [("demo", ordered(PAIRS[n % 3])) for n in range(30)] + [("demo", FIRST)] * 9
    plan = balance.pairs_planned("votes", made, [EXPERIMENT])
    assert sorted(one.counted for one in plan.dues) == [10, 10, 19]
    assert plan.p == pytest.approx(0.12526, abs=1e-4)  # (9 + 9 + 36) / 13 on two degrees of freedom


def test_a_change_of_adapter_is_told() -> None:
    found = [a_record(n, PAIRS[0], second_arm="new" if n > 7 else "old", second_adapter="c" * 64) for n in range(12)]
    made = told(found)
    assert any(one.startswith("Fine-tuned changed while votes were collected: 2 versions") for one in warnings(made))
    assert [(one.arm, one.battles) for one in made.wrote if one.mode == "fine-tuned"] == [("old", 8), ("new", 4)]


def test_votes_of_one_or_few_voters_are_told() -> None:
    few = told([a_record(n, PAIRS[0], MODES[n % 2], voter="ana") for n in range(8)])
    assert "All votes are of 1 voter: they say what that one prefers, not what people prefer." in warnings(few)
    two = [a_record(n, PAIRS[0], MODES[n % 2], voter=("ana", "ben")[n % 2]) for n in range(8)]
    assert "All votes are of 2 voters: they say what these prefer, not what people prefer." in warnings(told(two))
    busy = [a_record(n, PAIRS[0], MODES[n % 2], voter="ana" if n < 8 else f"v{n}") for n in range(13)]
    assert "8 of 13 votes are of one voter." in warnings(told(busy))


def test_voters_agree_or_not_on_the_same_two_texts_whichever_battle_it_was() -> None:
    def votes(picks) -> list[dict]:
        same = {"question": "Q?", "first_text": "One.", "second_text": "Other."}
        made = []
        for item, answers in enumerate(picks):
            for voter, answer in enumerate(answers):
                texts = {**same, "first_text": f"One {item}."}
                made.append(a_record(len(made), PAIRS[0], answer, voter=f"v{voter}", **texts))
        return made

    alike = told(votes([("fine-tuned",) * 3, ("base-prompted",) * 3, ("tie",) * 3, ("both-bad",) * 3] * 2))
    assert alike.between_voters.same == rate_of(24, 24)
    assert alike.between_voters.alpha == pytest.approx(1)
    apart = told(votes([("fine-tuned", "base-prompted", "tie"), ("both-bad", "fine-tuned", "base-prompted")]))
    assert apart.between_voters.same == rate_of(0, 6)
    assert apart.between_voters.alpha < 0
    again = votes([("fine-tuned", "fine-tuned")])
    again.append({**again[0], "battle": "b9", "vote": "w9", "cast_at": "2026-11-30", "winner": "base-prompted"})
    assert told(again).between_voters.same == rate_of(1, 1)  # a voter's first vote on the two texts is theirs


def test_with_no_votes_it_says_how_to_collect_some() -> None:
    made = told([])
    assert verdict_lines(made) == [HOW_TO]
    assert warnings(made) == []
    assert tables(made, {}) == []
    assert told([], ()).duels == ()


def test_nothing_of_it_warns_on_the_screen(recwarn) -> None:
    with python_warnings.catch_warnings():
        python_warnings.simplefilter("error")
        for n in (1, 2, 21, 60):
            told([a_record(one, PAIRS[one % 3], PAIRS[one % 3][0], PAIRS[one % 3][0]) for one in range(n)])
    assert not recwarn.list


def test_the_records_of_these_tests_are_those_of_the_store(store: Store) -> None:
    store.cast(a_vote(saved(store, store.experiment("northwind", "demo", MODES), "ana")))
    (real,) = records(store)
    assert set(real) == set(a_record(0))
    assert {name: type(value) for name, value in real.items() if name not in ("seconds",)} == {
        name: type({**a_record(0), "first_good": True, "second_good": True}[name]) for name in real if name != "seconds"
    }


def test_a_brand_is_read_from_the_store_whole_or_one_experiment_of_it(store: Store, tmp_path: Path) -> None:
    demo, spring = (store.experiment("northwind", name, MODES) for name in ("demo", "spring"))
    for n in range(8):
        store.cast(a_vote(saved(store, demo, f"v{n}"), "left" if n % 2 else "tie"))
    gone = store.cast(a_vote(saved(store, spring, "ana")))
    store.withdraw(gone.id, "ana")
    store.cast(a_vote(saved(store, store.experiment("acme", "demo", MODES), "ana", brand="acme")))
    settings = Settings(home=tmp_path)
    whole = read(store, settings, "northwind").results
    assert (whole.account.cast, whole.account.counted, whole.account.excluded) == (9, 8, {"withdrawn": 1})
    assert whole.experiments == ("demo", "spring")
    assert whole.audit == ()
    one = read(store, settings, "northwind", "demo")
    assert (one.results.account.cast, len(one.records)) == (8, 8)
    assert one.labels["too-long"] == "Too long"
    with pytest.raises(FeedbackError, match=r"no experiment 'autumn'. Choose another; there are: demo, spring"):
        read(store, settings, "northwind", "autumn")
    assert read(store, settings, "acme").unchecked.startswith("There is no brand 'acme'"), "its votes can be read"
    with pytest.raises(FeedbackError, match="There is no brand 'nobody'"):
        read(store, settings, "nobody")


def test_votes_are_held_against_the_checks_of_tone_qa(store: Store, tmp_path: Path) -> None:
    experiment = store.experiment("northwind", "demo", MODES)
    for n in range(14):
        draw = store.draw(experiment, f"v{n}")
        texts = ("You have 60 days for that.", "You have 45 days for that.")
        sides = tuple(a_side(mode, text) for mode, text in zip(draw.pair, texts, strict=True))
        battle = a_battle(draw, "How many of the 60 days are left?", sides=sides, shared=())
        battle = replace(battle, shared=(*battle.shared, *a_battle(draw, "Passage: 60 days.").shared))
        store.save_battle(battle)
        honest = "left" if draw.left == draw.pair[0] else "right"
        vote = a_vote(battle, honest)
        store.cast(replace(vote, left_good=honest == "left", right_good=honest == "right"))
    made = read(store, Settings(home=tmp_path), "northwind").results
    assert made.checks["invented"].preferred == rate_of(14, 14)
    assert made.checks["invented"].sent.same == rate_of(28, 28)
    assert made.checks["on_voice"].preferred.n == 0  # both break the same rules: neither is told apart
    assert table(made, "Agreement")["Nothing invented"][0] == "14 of 14 (100%, 78–100%)"


def test_a_draw_that_the_salt_does_not_give_is_told(store: Store, tmp_path: Path) -> None:
    experiment = store.experiment("northwind", "demo", MODES)
    store.cast(a_vote(saved(store, experiment, "ana")))
    with store.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE draws SET left_mode = CASE left_mode WHEN first_mode THEN second_mode ELSE first_mode END"
        )
    made = read(store, Settings(home=tmp_path), "northwind").results
    assert len(made.audit) == 2  # not what was due, and not where the battle says it stood
    assert any(one.startswith("2 draws are not what the experiment's salt says") for one in warnings(made))
