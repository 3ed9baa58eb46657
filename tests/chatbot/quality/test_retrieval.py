"""The measures of a search on ranks made by hand, and what counts as right."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.message import Message
from chatbot.quality import retrieval
from chatbot.quality.retrieval import DEPTH, first, measured, of_banking, of_follow_ups, of_suite, ranked
from chatbot.quality.stats import RESAMPLES, mean_of
from chatbot.quality.suite import Case
from knowledge.search import Hit
from tests.conftest import FakeEncoder, FakeSearcher, hit

RANKS = st.lists(st.one_of(st.none(), st.integers(1, DEPTH)), max_size=40)


def a_case(question: str, article: str | None = "returns.md", must=(), history=(), answerable: bool = True) -> Case:
    return Case(question, question, tuple(history), None, tuple(must), (), answerable, article, ())


def a_line(text: str, article: str = "returns", **other) -> Hit:
    return replace(hit(text, article), **other)


def test_four_ranks_worked_out_by_hand() -> None:
    found = measured([1, 3, None, 6])
    assert (found.hit1.k, found.hit5.k, found.hit1.n) == (1, 2, 4)
    assert found.mrr.mean == pytest.approx((1 + 1 / 3 + 0 + 1 / 6) / 4)
    assert found.mrr.low <= found.mrr.mean <= found.mrr.high


@given(RANKS)
def test_the_measures_keep_their_bounds(ranks: list[int | None]) -> None:
    found = measured(ranks)
    assert found.hit1.n == found.hit5.n == found.mrr.n == len(ranks)
    if not ranks:
        assert found.mrr.mean is found.hit1.rate is None
        return
    ten = sum(rank is not None for rank in ranks) / len(ranks)
    assert 0 <= found.hit1.rate <= found.hit5.rate <= ten <= 1
    assert found.hit1.rate - 1e-9 <= found.mrr.mean <= (found.hit1.rate + ten) / 2 + 1e-9, "a second rank counts a half"
    assert found.hit1.low <= found.hit1.rate <= found.hit1.high
    if len(ranks) > 1:
        assert 0 <= found.mrr.low <= found.mrr.mean + 1e-9
        assert found.mrr.mean - 1e-9 <= found.mrr.high <= 1


@given(RANKS, st.integers(0, 39))
def test_a_better_rank_never_measures_worse(ranks: list[int | None], place: int) -> None:
    if not ranks:
        return
    better = list(ranks)
    better[place % len(ranks)] = 1
    before, after = measured(ranks), measured(better)
    assert after.hit1.k >= before.hit1.k
    assert after.hit5.k >= before.hit5.k
    assert after.mrr.mean >= before.mrr.mean - 1e-9


@given(st.lists(st.booleans(), max_size=30))
def test_the_first_right_one_counts_and_only_among_ten(right: list[bool]) -> None:
    found = first(right)
    if found is None:
        assert not any(right[:DEPTH])
    else:
        assert right[found - 1]
        assert not any(right[: found - 1])
        assert found <= DEPTH


def test_a_mean_has_the_interval_that_normal_theory_gives_and_repeats_itself() -> None:
    values = [0.0, 1.0] * 200
    found = mean_of(values)
    assert found == mean_of(values)
    assert (found.low, found.high) == pytest.approx((0.5 - 1.96 * 0.025, 0.5 + 1.96 * 0.025), abs=0.01)
    assert RESAMPLES >= 1000
    assert mean_of([0.5]).low is None
    assert mean_of([]).mean is None


def test_each_side_orders_by_its_own_number() -> None:
    near, worded, both = (
        a_line("near", dense=1.2, lexical=0.1),
        a_line("worded", dense=0.6, lexical=1.0),
        a_line("both", dense=1.1, lexical=0.9),
    )
    texts = {side: [one.text for one in ranked([near, worded, both], side)] for side in retrieval.SIDES}
    assert texts["dense"] == ["near", "both", "worded"]
    assert texts["BM25"] == ["worded", "both", "near"]
    assert texts["fused"] == ["both", "near", "worded"]
    assert ranked([a_line("no word", dense=1.0, lexical=0.0)], "BM25") == []


def test_a_line_is_right_by_its_article_and_strictly_by_its_facts() -> None:
    lines = [
        a_line("Boots: 45 days.", article="boots", dense=1.5, lexical=0.2),
        a_line("Sixty days.", article="returns", dense=1.4, lexical=1.0),
        a_line("Gear: 60 days.", article="returns", dense=1.3, lexical=0.5),
    ]
    cases = [
        a_case("how long", must=["60 days"]),
        a_case("is it", must=["/never in a line/"]),
        a_case("follow-up", history=(Message("user", "a"), Message("assistant", "b"))),
        a_case("in vain", answerable=False),
        a_case("no article", article=None),
    ]
    found = of_suite(FakeSearcher(lines), cases)
    assert {name: one.hit1.n for name, one in found.items()} == {
        "dense": 2, "dense, facts": 1, "BM25": 2, "BM25, facts": 1, "fused": 2, "fused, facts": 1,
    }  # fmt: skip
    assert found["dense"].mrr.mean == pytest.approx(1 / 2)
    assert found["BM25"].hit1.k == 2
    assert found["dense, facts"].mrr.mean == pytest.approx(1 / 3)
    assert found["BM25, facts"].mrr.mean == pytest.approx(1 / 2)


def test_follow_ups_are_searched_alone_and_with_the_message_before() -> None:
    class ByWord(FakeSearcher):
        def search(self, question: str, k: int = 3, only=(), behind: str = ""):
            self.asked.append(question)
            return (hit("Tents: 9 days.", "tents"),) if "tent" in behind + question else (hit("Boots: 45 days."),)

    before = (Message("user", "how long for a tent"), Message("assistant", "9 days"))
    found = of_follow_ups(ByWord(), [a_case("and when wet?", "tents.md", history=before), a_case("alone", "tents.md")])
    assert (found["alone"].hit1.k, found["alone"].hit1.n) == (0, 1)
    assert (found["with the message before"].hit1.k, found["with the message before"].hit1.n) == (1, 1)


def test_a_public_set_is_ranked_by_each_side(tmp_path: Path) -> None:
    train = ["card,where is my card", "card,card not here", "rate,what is the exchange rate", "rate,rate of euros"]
    test = ["card,my card is not here", "rate,the rate of exchange", "rate,card not here rate"]
    for name, rows in (("train", train), ("test", test)):
        text = "\n".join(["category,text", *rows]) + "\n"
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    found = of_banking(tmp_path, FakeEncoder(), messages=3)
    assert list(found) == ["dense", "BM25", "fused"]
    for one in found.values():
        assert (one.hit1.k, one.hit1.n) == (2, 3), "the last one has a card's words"
    assert found["dense"].hit5.k == found["fused"].hit5.k == 3


def test_without_the_public_data_it_says_that_it_was_skipped(tmp_path: Path, monkeypatch, capsys) -> None:
    from chatbot import bot
    from chatbot.quality import session

    (tmp_path / "suite.jsonl").write_text(
        '{"id": "a", "question": "How long?", "must": ["45"], "answerable": true, "article": "returns.md"}\n'
    )
    monkeypatch.setattr(bot, "open_knowledge", lambda settings: FakeSearcher([hit("Boots: 45 days.")]))
    monkeypatch.setattr(session, "suite_of", lambda brand: tmp_path / "suite.jsonl")
    retrieval.main(tmp_path)
    said = " ".join(capsys.readouterr().out.split())
    assert "fused, facts 1 1.000 (.21-1.00)" in said
    assert "Banking77: skipped, for" in said
