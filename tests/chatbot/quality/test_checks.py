"""The six checks as tables: what passes, what fails, where a check does not apply, and which words are marked."""

from dataclasses import replace
from pathlib import Path

import pytest

from chatbot.brand import find_brand
from chatbot.message import Message
from chatbot.quality.checks import EXPLAINED, Examiner, grounded, hands_over, open_examiner
from chatbot.quality.marks import CHECKS, Mark
from chatbot.quality.rules import Rulebook
from chatbot.quality.score import Pair, learn_voice
from chatbot.quality.suite import Case
from chatbot.voice import read_voice
from tests.conftest import FakeEncoder

SIGN = "\n\n– The Northwind crew"
PASSAGES = ("Returns › How long: Boots can be returned within 45 days of delivery.", "Tents: The Ridge 2 is $310.")
CONTACT = "help@northwind.example or 555-0142, Monday to Friday, 8 am to 6 pm"


@pytest.fixture(scope="module")
def examiner(tmp_path_factory: pytest.TempPathFactory) -> Examiner:
    brand = find_brand("northwind", tmp_path_factory.mktemp("home"))
    return open_examiner(brand, read_voice(brand.prompts / "voice.md"), None)


def a_case(situation: str = "refund", question: str = "How long for boots?", **other) -> Case:
    given = {"history": (), "must": ("45 days",), "must_not": (), "answerable": True, "article": None, "tags": ()}
    return Case(id="c1", question=question, situation=situation, **{**given, **other})


def no_answer(situation: str = "unknown", **other) -> Case:
    return a_case(situation, "Who runs the place?", **{"must": (), "answerable": False, **other})


def marks(examiner: Examiner, case: Case, body: str) -> dict[str, Mark]:
    return examiner.mark(case, body + SIGN, PASSAGES)


def test_every_check_is_there_in_order_and_explained(examiner: Examiner) -> None:
    assert tuple(marks(examiner, a_case(), "You've got 45 days.")) == CHECKS == tuple(EXPLAINED)
    assert all(sentence.endswith(".") for sentence in EXPLAINED.values())


def test_a_good_reply_passes_all_that_apply(examiner: Examiner) -> None:
    found = marks(examiner, a_case(), "You've got 45 days for boots. Start it whenever you like.")
    assert {name: one.passed for name, one in found.items()} == {
        "on_voice": True, "grounded": True, "invented": True, "abstained": None, "situation_ok": True,
        "on_brand_and_right": True,
    }  # fmt: skip


def test_a_broken_rule_is_off_voice_and_its_words_are_marked(examiner: Examiner) -> None:
    found = marks(examiner, a_case(), "You've got 45 days! Unfortunately no more.")
    assert found["on_voice"].passed is False
    assert set(found["on_voice"].words) == {"!", "Unfortunately"}
    assert found["on_brand_and_right"].passed is False
    assert found["on_brand_and_right"].why == (f"Failed: {EXPLAINED['on_voice']}",)


def test_a_low_voice_score_is_off_voice() -> None:
    pairs = [
        Pair("question", f"You've got {n} days, don't rush.", f"The customer must return it in {n} days!", "x")
        for n in range(12)
    ]
    judge = Examiner(Rulebook(()), Rulebook(()), CONTACT, "", learn_voice(pairs, FakeEncoder()))
    high, low = judge.scores(["You've got 45 days, don't rush.", "The customer must return it in 45 days!"])
    assert judge.mark(a_case(), "x", (), high)["on_voice"].passed is True
    failed = judge.mark(a_case(), "x", (), low)["on_voice"]
    assert failed.passed is False
    assert "voice score" in failed.why[0]
    assert judge.mark(a_case(), "You've got 45 days, don't rush.", ())["on_voice"].passed is True  # worked out here


@pytest.mark.parametrize(
    ("must", "must_not", "body", "passed", "words"),
    [
        (("45 days",), (), "You've got 45 days.", True, ()),
        (("/45 (days|sleeps)/",), (), "You've got 45 Days.", True, ()),
        (("45 days", "label"), (), "You've got 45 days.", False, ()),
        (("45 days",), ("60 days",), "You've got 45 days, not 60 days.", False, ("60 days",)),
        ((), (), "Anything.", True, ()),
    ],
)
def test_grounded(examiner: Examiner, must: tuple, must_not: tuple, body: str, passed: bool, words: tuple) -> None:
    found = marks(examiner, a_case(must=must, must_not=must_not), body)["grounded"]
    assert (found.passed, found.words) == (passed, words)
    assert bool(found.why) is not passed


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("You've got 45 days.", ()),
        ("You've got 60 days.", ("60",)),
        ("The Ridge 2 is $310.", ()),
        ("The Basecamp 45 is $310.", ("Basecamp 45",)),
        ("Write to help@northwind.example or call 555-0142.", ()),
        ("Write to ceo@northwind.example.", ("ceo@northwind.example",)),
        ("Your 77 boots are fine.", ()),  # the history said so
    ],
)
def test_invented(examiner: Examiner, body: str, words: tuple[str, ...]) -> None:
    case = a_case(history=(Message("user", "I have 77 boots"), Message("assistant", "So many.")))
    found = examiner.mark(case, body + SIGN, PASSAGES)["invented"]
    assert (found.passed, found.words) == (not words, words)


@pytest.mark.parametrize(
    ("situation", "body", "passed"),
    [
        ("unknown", "I don't know who runs it. Write to help@northwind.example.", True),
        ("unknown", "I don't know who runs it.", True),
        ("unknown", "The crew can tell you: write to help@northwind.example.", True),
        ("unknown", "John Smith runs it. Write to help@northwind.example for more.", False),
        ("unknown", "I don't know, but we've got 300 stores.", False),  # invented
        ("unknown", "Yes, and I don't know more.", False),
        ("unknown", "John Smith runs it.", False),
        ("legal", "This needs a person. Write to help@northwind.example.", True),
        ("legal", "You'll see us in court.", False),
        ("human", "Call 555-0142.", True),
        ("upset", "I'm sorry it leaked. Call 555-0142 and a person helps.", True),
        ("upset", "I'm sorry it leaked. We've sent a new one.", False),
        ("off-topic", "Poems are off our map, sorry.", None),
        ("small-talk", "Hi there.", None),
    ],
)
def test_abstained(examiner: Examiner, situation: str, body: str, passed: bool | None) -> None:
    found = marks(examiner, no_answer(situation), body)
    assert found["abstained"].passed is passed
    assert found["grounded"].passed is None


def test_what_must_not_be_said_counts_where_there_is_no_answer(examiner: Examiner) -> None:
    said = "I don't know, ask John at help@northwind.example."
    assert marks(examiner, no_answer(must_not=("John",)), said)["abstained"].words == ("John",)
    poem = marks(examiner, no_answer("off-topic", must_not=("roses",)), "Roses aren't our gear.")
    assert poem["situation_ok"].passed is False
    assert poem["situation_ok"].words == ("Roses",)


@pytest.mark.parametrize(
    ("situation", "must", "body", "passed"),
    [
        ("upset", (), "I'm sorry. You've got 45 days.", True),
        ("upset", (), "You've got 45 days. Sorry.", False),
        ("refund", ("45 days",), "Boots are made for walking. You've got 45 days.", False),
        ("refund", ("45 days",), "Yes, 45 days.", True),
        ("legal", (), "It's our fault, and one of us will read help@northwind.example.", False),
    ],
)
def test_situation_ok(examiner: Examiner, situation: str, must: tuple[str, ...], body: str, passed: bool) -> None:
    assert marks(examiner, a_case(situation, must=must), body)["situation_ok"].passed is passed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Write to help@northwind.example.", True),
        ("Write to data@northwind.example.", True),
        ("Call 555-0142.", True),
        ("Write to help@elsewhere.example.", False),
        ("Call 555-9999.", False),
        ("Call us.", False),
    ],
)
def test_a_hand_over_names_the_contact(text: str, found: bool) -> None:
    assert hands_over(text, CONTACT) is found


def test_a_brand_without_rule_files_breaks_no_rule(tmp_path: Path) -> None:
    brand = find_brand("northwind", tmp_path)
    bare = replace(brand, key="other", prompts=tmp_path, examples=tmp_path, articles=tmp_path)
    judge = open_examiner(bare, read_voice(brand.prompts / "voice.md"), FakeEncoder())
    assert judge.score is None
    assert judge.mark(a_case(), "You've got 45 days!!!", PASSAGES)["on_voice"].passed is True


@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        ("northwind.example/returns", "northwind.example/returns"),
        (r"/\b(5|five)[ -]years?\b/", "5 or five years"),
        (r"/northwind\.example\/pricematch\b/", "northwind.example/pricematch"),
        (r"/\$ ?65(?![.,]?\d)/", "$ 65"),
    ],
)
def test_a_missing_fact_is_told_without_its_pattern(fact: str, shown: str) -> None:
    made = grounded(a_case(must=(fact,)), "Nothing of the kind.")
    assert made.why == (f"This fact is missing: {shown}.",)
