"""Lessons: the prompts of a live turn, neutral and full by turns, and other figures from pass to pass."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.examples import Example
from chatbot.lessons import drawn, further, passes

POTS = ("Pots › Price: A pot costs $18.40.", "Pots › Weight: A pot weighs 640 g.")
LIDS = ("Lids › Price: A lid costs $7.30.",)


def example(situation: str, context: tuple[str, ...], said: str, reply: str) -> Example:
    return Example(situation, None, context, (("user", said), ("assistant", reply)), "line")


EXAMPLES = [
    example("refund", POTS, "price of a pot?", "It's $18.40."),
    example("refund", POTS, "how heavy", "640 g."),
    example("unknown", POTS, "who designed it", "I don't know."),
    example("refund", LIDS, "and a lid", "It's $7.30."),
]


@pytest.fixture
def taught(bot):
    situations = {one.key: one for one in bot.situations}
    return lambda epochs: passes(EXAMPLES, bot.voice, situations, epochs, 5), situations, bot.voice


def test_one_lesson_in_three_is_told_in_the_full_prompt_and_another_one_in_the_next_pass(taught) -> None:
    told = taught[0](3)
    full = [[bool("How we write" in one.chat[0][1]) for one in lessons] for lessons in told]
    assert full == [[False, True, False, False], [True, False, False, True], [False, False, True, False]]


def test_from_the_second_pass_on_the_figures_are_other_ones(taught) -> None:
    first, second, third = taught[0](3)
    assert first[0].reply == "It's $18.40."
    assert len({lessons[0].reply for lessons in (first, second, third)}) == 3
    for lessons in (second, third):
        price = lessons[0].reply.removeprefix("It's ")
        assert price.rstrip(".") in lessons[0].chat[-1][1]


def test_two_of_three_near_misses_are_told_under_the_guidance_for_a_question(taught) -> None:
    _, situations, voice = taught
    near = [EXAMPLES[2]] * 3
    heads = [lessons[n].chat[0][1] for n, lessons in zip((1, 0, 2), passes(near, voice, situations, 3, 5), strict=True)]
    kinds = [situations["question"].guidance in head for head in heads]
    assert sorted(kinds) == [False, True, True], "a line beside it means that the program took it for a question"
    assert situations["unknown"].guidance in heads[kinds.index(False)]


def test_where_there_is_nothing_to_look_up_an_example_is_told_both_ways_in_every_pass(taught) -> None:
    _, situations, voice = taught
    manner = [
        example("human", (), "a person please", "Call us."),
        example("unknown", (), "who designed it", "No idea."),
    ]
    for lessons in passes(manner, voice, situations, 2, 5):
        full = sorted((one.reply, "How we write" in one.chat[0][1]) for one in lessons)
        assert full[:2] == [("Call us.", False), ("Call us.", True)]
        assert len(full) == 3, "not knowing is told one way"


def test_of_very_many_examples_with_lines_half_are_told_in_a_pass_and_the_others_in_the_next(
    taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.lessons.ENOUGH", 4)
    _, situations, voice = taught
    assert [len(lessons) for lessons in taught[0](1)] == [4], "a single pass tells all"
    told = [{one.chat[-1][1].split("Customer: ")[-1] for one in lessons} for lessons in taught[0](2)]
    assert [len(some) for some in told] == [2, 2]
    assert told[0] | told[1] == {one.turns[0][1] for one in EXAMPLES}
    more = [*EXAMPLES, example("human", (), "a person please", "Call us.")]
    assert [len(some) for some in passes(more, voice, situations, 2, 5)] == [4, 4], "what has no lines is always told"


def full(lessons) -> list[bool]:
    return ["How we write" in one.chat[0][1] for one in lessons]


def test_a_training_that_goes_on_tells_each_once_and_every_second_with_other_figures(taught) -> None:
    _, situations, voice = taught
    manner = [example("human", (), "a person please", f"Call {n}.") for n in range(4)]
    told = further([*EXAMPLES, *manner], voice, situations, 5)
    assert full(told) == [True, False, False, True, False, True, False, True]
    assert told[0].reply == "It's $18.40."
    price = told[3].reply.removeprefix("It's ").rstrip(".")
    assert price != "$7.30"
    assert price in told[3].chat[-1][1]
    assert [one.reply for one in told[4:]] == [f"Call {n}." for n in range(4)]


def test_of_too_many_examples_the_last_of_every_kind_are_drawn_by_the_root_of_their_number(taught) -> None:
    _, situations, _ = taught
    many = [example("refund", POTS[:1], f"pot {n}", "It's $18.40.") for n in range(64)]
    some = [example("refund", (), f"money {n}", "Call us.") for n in range(16)]
    rare = [example("upset", LIDS, "lid!", "I'm sorry.")]
    found = drawn([*many, *some, *rare], situations, 25)
    assert found == [*many[-16:], *some[-8:], *rare]
    assert drawn([*many, *some, *rare], situations, 81) == [*many, *some, *rare]


def test_what_has_approved_wording_is_told_by_half_of_that(taught) -> None:
    _, situations, _ = taught
    approved = {**situations, "refund": replace(situations["refund"], approved=("Call us.",))}
    told = [example(key, LIDS, f"lid {n}", "It's $7.30.") for key in ("refund", "upset") for n in range(30)]
    assert [one.situation for one in drawn(told, approved, 30)] == ["refund"] * 10 + ["upset"] * 20


@given(st.lists(st.sampled_from(["refund", "upset", "unknown"]), max_size=60), st.integers(0, 70))
def test_a_draw_keeps_the_order_and_the_bound(kinds: list[str], most: int) -> None:
    examples = [example(key, POTS[: n % 3], f"q {n}", "a") for n, key in enumerate(kinds)]
    bare = {key: SimpleNamespace(approved=()) for key in ("refund", "upset", "unknown")}
    found = drawn(examples, bare, most)  # type: ignore[arg-type]
    places = [int(one.turns[0][1][2:]) for one in found]
    assert places == sorted(places)
    assert len(found) == min(most, len(examples))
