"""What the page "Search" says of found lines, without the page."""

from dataclasses import replace

import pytest

from chatbot.situation import NEEDED, NOTHING, Situation
from knowledge.answerable import Judgement
from knowledge.search import COVERED, LIKELY, SURE, Reordered
from tests.conftest import hit
from ui.finding import NONE_BY, SHOWN_LINES, chance_said, columns, why_none, why_passed


def a_line(text: str, dense: float, lexical: float, near: float = 0.6, coverage: float = 0.5):
    made = hit(text, heading=text)
    return replace(made, dense=dense, lexical=lexical, cosine=near, best=near, coverage=coverage)


def a_situation(knowledge: str = NEEDED) -> Situation:
    return Situation("s", "Off topic", "", knowledge, (), "", ())


SEEN = (a_line("both", 1.6, 0.9), a_line("near", 1.8, 0.1), a_line("worded", 0.2, 1.0, near=0.1, coverage=0.2))


def test_each_column_has_its_own_order_and_tells_the_others() -> None:
    made = columns(SEEN, SEEN[:2])
    assert [column.head for column in made] == ["By meaning", "By words", "Together"]
    assert [[line.text for line in column.lines] for column in made] == [
        ["near", "both", "worded"],
        ["worded", "both", "near"],
        ["both", "near", "worded"],
    ]
    first = made[0].lines[0]
    assert (first.rank, first.elsewhere, first.passed) == (1, "by words: 3, together: 2", True)
    assert first.figures == "likeness 0.60, 50% of the words"
    assert first.link == "/knowledge?article=returns&section=near"
    assert first.place == "Returns › near"
    assert not made[1].lines[0].passed


def test_a_side_that_knows_nothing_of_a_line_says_so() -> None:
    made = columns([a_line("near", 1.8, 0.0)], ())
    assert made[0].lines[0].elsewhere == "by words: not at all, together: 1"
    assert made[1].lines == ()
    assert made[1].otherwise == NONE_BY["BM25"] == "No line shares a word with it."


def test_a_line_that_words_alone_brought_has_no_likeness() -> None:
    far = replace(a_line("far", 0.0, 1.0, near=0.0, coverage=0.3), dense_rank=None)
    made = columns([far], ())
    assert made[1].lines[0].figures == "beyond the 50 nearest, 30% of the words"


def test_a_column_is_short_and_nothing_found_is_said() -> None:
    many = [a_line(f"l{n}", 2 - n / 100, 0.5) for n in range(20)]
    assert [len(column.lines) for column in columns(many, many)] == [SHOWN_LINES] * 3
    assert [column.lines for column in columns((), ())] == [(), (), ()]


def test_the_third_column_is_what_the_reranker_made_of_it() -> None:
    found = (replace(SEEN[1], reordered=Reordered("tiny", 2)), replace(SEEN[0], reordered=Reordered("tiny", 1)))
    made = columns(SEEN, found)
    assert [line.text for line in made[2].lines] == ["near", "both", "worded"]
    assert made[2].aside == "the best 10 of both together, reordered by tiny"
    assert "together: 1" in made[0].lines[0].elsewhere


@pytest.mark.parametrize(
    ("near", "coverage", "said"),
    [
        (0.81, 0.0, f"It is close enough: a likeness of 0.81, and {SURE:.2f} is needed."),
        (
            0.35,
            0.52,
            f"It is close enough for the words it shares: a likeness of 0.35 ({LIKELY:.2f} is needed) and 52% of the "
            f"question's words ({COVERED:.0%} are needed).",
        ),
        (0.2, 0.3, "It is not close enough: a likeness of 0.20, and 30% of the question's words."),
    ],
)
def test_why_a_line_passes_is_one_sentence(near: float, coverage: float, said: str) -> None:
    assert why_passed(a_line("l", 1.0, 1.0, near, coverage)) == said


def test_every_reason_for_giving_none_is_named() -> None:
    far, sure = [a_line("far", 0.3, 0.1, near=0.31, coverage=0.1)], Judgement(0.9, 0.32, 0.5)
    assert why_none(SEEN, sure, a_situation()) == []
    assert (
        "the nearest has a likeness of 0.31. 0.48 is needed, or 0.28 with 45%" in why_none(far, sure, a_situation())[0]
    )
    assert why_none((), Judgement(), a_situation())[0].startswith(
        "No passage is close enough: the nearest has a likeness of 0.00"
    )
    vain = why_none(SEEN, Judgement(0.12, 0.32, 0.5), a_situation())
    assert vain == [
        "It is more like the questions that no article answers: the chance that one does is 12%, and 32% is needed."
    ]
    assert why_none(SEEN, sure, a_situation(NOTHING)) == [
        "It is read as “Off topic”, which is answered without the articles."
    ]
    assert len(why_none(far, Judgement(0.12, 0.32, 0.5), a_situation(NOTHING))) == 2


def test_the_judges_chance_is_told_where_there_is_one() -> None:
    assert chance_said(Judgement()) == ""
    assert chance_said(Judgement(0.97, 0.32, 0.8)) == "The chance that the articles answer it is 97%; 32% is needed."
