"""The same question again and again: what counts as the same answer, and how far the voice swings."""

import pytest

from chatbot.engine.protocol import Decoding
from chatbot.message import Message
from chatbot.quality.consistency import consistency, consistency_of, said, sampled
from chatbot.quality.marks import Mark
from chatbot.quality.suite import Case
from tests.chatbot.quality.fakes import an_outcome


def a_case(name: str = "c1", must: tuple[str, ...] = ("45 days", "/free|no cost/"), answerable: bool = True) -> Case:
    return Case(name, "How long?", (Message("user", "Hi"),), "refund", must, (), answerable, None, ())


def replies(*texts: str, case: str = "c1", scores: tuple[float | None, ...] = ()):
    """One run per text."""
    scores = scores or (0.5,) * len(texts)
    return [[an_outcome(case, text=text, voice_score=score)] for text, score in zip(texts, scores, strict=True)]


def test_other_words_with_the_same_facts_are_the_same_answer() -> None:
    runs = replies("45 days, and it is free.", "No cost, you have 45 DAYS.", "Free for 45 days!")
    found = consistency([a_case()], runs)["combined"]
    assert (found.same.k, found.same.n) == (1, 1)


def test_a_fact_that_comes_and_goes_is_not() -> None:
    found = consistency([a_case()], replies("45 days, free.", "45 days."))["combined"]
    assert (found.same.k, found.same.n) == (0, 1)
    assert found.same.high < 1, "with its interval"


@pytest.mark.parametrize(("marks", "same"), [((True, True), 1), ((True, False), 0), ((False, False), 1)])
def test_without_an_answer_the_hand_over_counts(marks: tuple[bool, ...], same: int) -> None:
    runs = [[an_outcome("c1", marks={"abstained": Mark(one)})] for one in marks]
    assert consistency([a_case(answerable=False)], runs)["combined"].same.k == same


def test_small_talk_says_nothing_about_facts() -> None:
    runs = [[an_outcome("c1", marks={"abstained": Mark(None)}, voice_score=n / 10)] for n in (4, 6)]
    found = consistency([a_case(answerable=False)], runs)["combined"]
    assert (found.same.n, found.same.rate) == (0, None)
    assert found.scored == 1
    assert said(a_case(must=()), an_outcome("c1")) is None


def test_the_swing_is_the_mean_deviation_over_the_cases() -> None:
    steady, swinging = replies("a", "b", case="c1"), replies("a", "b", case="c2", scores=(0.2, 0.8))
    runs = [one + other for one, other in zip(steady, swinging, strict=True)]
    found = consistency([a_case("c1"), a_case("c2")], runs)["combined"]
    assert found.spread == pytest.approx((0 + 0.6 / 2**0.5) / 2, abs=1e-4)
    assert consistency([a_case()], replies("a", "b", scores=(None, None)))["combined"].spread is None


def test_each_mode_stands_alone_and_comes_back_from_json() -> None:
    runs = [
        [an_outcome("c1", "fine-tuned", text="45 days, free."), an_outcome("c1", "combined", text=text)]
        for text in ("45 days", "none")
    ]
    found = consistency([a_case()], runs)
    assert {mode: one.same.k for mode, one in found.items()} == {"fine-tuned": 1, "combined": 0}
    assert {mode: consistency_of(one.document()) for mode, one in found.items()} == found


def test_the_runs_differ_in_the_seed_alone() -> None:
    made = sampled(Decoding(max_new_tokens=77))
    assert [one.seed for one in made] == [1, 2, 3, 4, 5]
    assert {(one.max_new_tokens, one.temperature, one.top_p) for one in made} == {(77, 0.7, 0.95)}
