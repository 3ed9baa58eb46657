"""Lessons: the prompts of a live turn, neutral and full by turns, and other figures from pass to pass."""

import pytest

from adapters.examples import Example
from chatbot.lessons import both_ways, passes

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


def test_examples_with_the_same_passages_are_told_in_the_same_way_and_the_ways_change_places(taught) -> None:
    first, second = taught[0](2)
    lengths = [[len(one.chat[0][1]) for one in lessons] for lessons in (first, second)]
    short, long = min(lengths[0]), max(lengths[0])
    assert short < long, "the full prompt has the voice guide in it"
    assert [[n == long for n in row] for row in lengths] == [[False] * 3 + [True], [True] * 3 + [False]]


def test_from_the_second_pass_on_the_figures_are_other_ones(taught) -> None:
    first, second, third = taught[0](3)
    assert first[0].reply == "It's $18.40."
    assert len({lessons[0].reply for lessons in (first, second, third)}) == 3
    for lessons in (second, third):
        price = lessons[0].reply.removeprefix("It's ")
        assert price.rstrip(".") in lessons[0].chat[-1][1]


def test_a_near_miss_is_told_under_the_guidance_of_its_neighbours(taught) -> None:
    make, situations, voice = taught
    told = make(2)[1]
    assert told[2].chat[0] == told[0].chat[0], "the program takes it for the same situation"
    unasked = both_ways(EXAMPLES[2:3], voice, situations)
    assert unasked[1].chat[0] != told[0].chat[0]
