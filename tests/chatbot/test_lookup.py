"""What a question is looked up with: alone, behind the question before it, or not at all."""

import pytest

from chatbot.lookup import lines, outlook
from chatbot.message import Message
from knowledge.answerable import Judgement
from tests.conftest import FakeSearcher, hit

SAID = [Message("user", "Warranty on boots?"), Message("assistant", "2 years.")]
JOINED = "Warranty on boots? and for tents?"


class TwoWays(FakeSearcher):
    """Finds other lines for a question that names the boots, and for a follow-up behind one."""

    def search(self, question: str, k: int = 3, only=(), behind: str = ""):
        both = [hit("one"), hit("own"), hit("two"), hit("three")]
        if behind:
            assert (question, behind) == ("and for tents?", JOINED)
            return tuple(reversed(both))[:k]
        return tuple(both if "boots" in question else [hit("own", score=0.9)])[:k]


def found(searcher: FakeSearcher, k: int, history=SAID) -> list[str]:
    return [one.text for one in lines(searcher, outlook(searcher, "and for tents?", history), k)]


def test_a_follow_up_is_searched_alone_and_behind_the_question_before_it_at_once() -> None:
    assert found(TwoWays(), 4) == ["three", "two", "own", "one"]
    assert found(TwoWays(), 1) == ["three"]
    assert found(TwoWays(), 4, history=[]) == ["own"], "no conversation yet"


@pytest.mark.parametrize(
    ("alone", "first"), [(0.75, ["own", "one"]), (0.65, ["three", "two"]), (None, ["three", "two"])]
)
def test_a_question_that_is_answered_much_more_surely_alone_has_changed_the_topic(alone, first) -> None:
    searcher = TwoWays()
    searcher.judgements = {"and for tents?": Judgement(alone, 0.3), JOINED: Judgement(0.6, 0.3)}
    assert found(searcher, 2) == first


@pytest.mark.parametrize(
    ("alone", "together", "answered"),
    [(0.4, 0.1, True), (0.2, 0.6, True), (0.2, 0.4, False), (0.2, None, False), (None, None, True)],
)
def test_what_only_the_question_before_makes_answerable_must_be_so_plainly(alone, together, answered) -> None:
    searcher = FakeSearcher()
    searcher.judgements = {"and for tents?": Judgement(alone, 0.3), JOINED: Judgement(together, 0.3)}
    assert outlook(searcher, "and for tents?", SAID).answered is answered
    assert outlook(searcher, "and for tents?", []).answered is (alone is None or alone >= 0.3)
