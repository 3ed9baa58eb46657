"""The page "Search", driven by Streamlit's AppTest on a fake search."""

from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from chatbot.quality import session, tradeoff
from chatbot.quality.tradeoff import kept
from knowledge.answerable import Judgement
from knowledge.errors import KnowledgeError
from knowledge.search import Reordered
from tests.conftest import hit
from tests.ui.fakes import a_card, a_suite, html
from ui.background import Once, Work
from ui.views import parts

ROOT = Path(__file__).resolve().parents[2]
BOOTS = "How long do I have to return boots?"
HITS = (
    replace(hit("Boots: <b>45 days</b>.", heading="How long you have"), dense=1.5, lexical=0.4),
    replace(hit("A tent dries in a day.", "tents", "Drying", 0.5), dense=0.8, lexical=1.0),
    replace(hit("Far away.", "privacy", "Data", 0.1), dense=0.1, lexical=0.2, coverage=0.1),
)


@pytest.fixture
def works(monkeypatch) -> list[Work]:
    """What was begun in the background, to be waited for."""
    begun: list[Work] = []
    usual = Work.begin

    def begin(self, work, name):
        begun.append(self)
        usual(self, work, name)

    monkeypatch.setattr(Work, "begin", begin)
    return begun


@pytest.fixture
def page(bot, searcher, works, monkeypatch, tmp_path: Path) -> AppTest:
    bot.adapter = a_card()
    searcher.hits = HITS
    monkeypatch.setattr(searcher, "search", lambda question, k=3, only=(): searcher.look(question, only)[: min(k, 2)])
    a_suite(tmp_path / "northwind.jsonl")
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    monkeypatch.setattr(session, "SUITES", tmp_path)
    monkeypatch.setattr(parts, "open_bot", lambda settings: bot)
    st.cache_resource.clear()
    test = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    test.run()
    test.switch_page("views/search.py")
    yield test
    for work in works:
        work.wait(60)
    st.cache_resource.clear()


def ask(page: AppTest, question: str) -> AppTest:
    return page.text_input(key="search-question").set_value(question).run()


def test_the_empty_page_offers_three_questions_of_the_brand(page: AppTest, bot) -> None:
    page.run()
    assert not page.exception
    offered = [one.label for one in page.button if str(one.key).startswith("search-example")]
    spoken = {text for one in bot.situations for text in one.utterances}
    assert len(offered) == 3
    assert set(offered) <= spoken
    assert "A reply would be given" not in html(page)


def test_an_example_is_asked_with_one_click(page: AppTest) -> None:
    page.run()
    page.button(key="search-example-0").click().run()
    assert not page.exception
    assert page.text_input(key="search-question").value
    assert "A reply would be given" in html(page)


def test_a_question_shows_three_orders_of_the_same_lines_and_the_one_that_is_given(page: AppTest, searcher) -> None:
    searcher.judgement = Judgement(0.9, 0.32, 0.8)
    shown = html(ask(page.run(), BOOTS))
    assert not page.exception
    for head in ("By meaning", "By words", "Together"):
        assert f"<h4>{head}</h4>" in shown
    assert shown.count("Far away.") == 3
    assert shown.count("Boots: &lt;b&gt;45 days&lt;/b&gt;.") == 4, "in each column, and as the line that is given"
    assert "A reply would be given this line:" in shown
    assert "It is close enough: a likeness of 0.70, and 0.48 is needed." in shown
    assert "The chance that the articles answer it is 90%; 32% is needed." in shown
    assert 'href="/knowledge?article=returns&amp;section=how-long-you-have"' in shown
    meaning, words = (part.index("A tent dries") < part.index("Boots:") for part in shown.split("<h4>")[1:3])
    assert (meaning, words) == (False, True)
    assert "not close enough" in shown


def test_a_refusal_gives_its_reason(page: AppTest, searcher) -> None:
    searcher.judgement = Judgement(0.12, 0.32, 0.4)
    shown = html(ask(page.run(), "Who sews your jackets?"))
    assert "A reply would be given no line." in shown
    assert "the chance that one does is 12%, and 32% is needed" in shown


def test_nothing_close_enough_is_said(page: AppTest, searcher, monkeypatch) -> None:
    searcher.hits = HITS[2:]
    monkeypatch.setattr(searcher, "search", lambda question, k=3, only=(): ())
    shown = html(ask(page.run(), "What is the capital of Australia?"))
    assert "No passage is close enough: the nearest has a likeness of 0.10. 0.48 is needed" in shown


def test_the_columns_can_be_held_to_an_article_the_reply_cannot(page: AppTest) -> None:
    page.run()
    page.multiselect(key="search-only").set_value(["tents"])
    shown = html(ask(page, BOOTS))
    assert not page.exception
    columns = shown.split("<h4>By meaning</h4>")[1]
    assert "A tent dries" in columns
    assert "Boots:" not in columns
    assert "A reply would be given this line:" in shown
    assert any("a reply is searched for in all of them" in one.value for one in page.caption)


def test_a_reordered_line_says_by_whom(page: AppTest, searcher) -> None:
    searcher.hits = tuple(replace(one, reordered=Reordered("tiny", n)) for n, one in enumerate(HITS, 2))
    shown = html(ask(page.run(), BOOTS))
    assert "reordered by tiny" in shown
    assert "Reordered by tiny: it was number 2 before." in [one.value for one in page.caption]


def test_a_question_that_is_too_long_is_a_sentence_not_a_traceback(page: AppTest, bot, monkeypatch) -> None:
    def broken(question: str, only=()):
        raise KnowledgeError("The knowledge index cannot be used. Run `triptych setup`.")

    monkeypatch.setattr(bot.searcher, "look", broken)
    ask(page.run(), BOOTS)
    assert not page.exception
    assert any("Run `triptych setup`" in one.value for one in page.error)


def test_the_threshold_is_measured_in_the_background_once_and_kept(page: AppTest, works, tmp_path) -> None:
    page.run()
    assert works[0].wait(60)
    assert works[0].fault == ""
    page.run()
    assert not page.exception
    assert len(works) == 1
    assert len(page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart")) == 1
    assert "Messages off topic" in html(page)
    assert 'given a line</td><td data-head="So treated:">100% (68–100)' in html(page)
    st.cache_resource.clear()
    page.run()
    assert len(works) == 1, "another start of the server reads what was kept"


def test_a_measurement_that_fails_says_why_and_can_be_begun_again(page: AppTest, works, monkeypatch) -> None:
    def broken(*args):
        raise KnowledgeError("The disk is full. Make room.")

    from ui.views import refusing

    usual = refusing.keep
    monkeypatch.setattr("ui.views.refusing.keep", broken)
    page.run()
    assert works[0].wait(60)
    page.run()
    assert [one.value for one in page.error] == ["The disk is full. Make room."]
    monkeypatch.setattr("ui.views.refusing.keep", usual)
    next(one for one in page.button if one.label == "Measure again").click().run()
    assert works[1].wait(60)
    assert not page.run().error


def test_what_is_kept_is_read_back_only_for_the_same_questions(tmp_path: Path) -> None:
    found = tradeoff.Tradeoff("b", "chance", 0.3, (tradeoff.Group("asked", "Asked", "given", 2, (0.1, 0.9)),))
    place = tmp_path / "tradeoff" / "b.json"
    tradeoff.keep(place, "key", found)
    assert kept(place, "key") == found
    assert kept(place, "another") is None
    place.write_text("{", encoding="utf-8")
    assert kept(place, "key") is None


def test_work_is_begun_once_for_each_key() -> None:
    bench: Once[int] = Once()
    first = bench.at("a", lambda tell: 1)
    assert bench.at("a", lambda tell: 2) is first
    assert first.wait(10)
    assert first.found == 1
    bench.forget("a")
    again = bench.at("a", lambda tell: tell(3, 4) or 2)
    assert again.wait(10)
    assert (again.found, again.done, again.total) == (2, 3, 4)


def test_a_bug_in_the_background_is_a_sentence(caplog) -> None:
    work: Work[int] = Work()
    work.run(lambda tell: 1 // 0)
    assert work.finished
    assert work.found is None
    assert "Something in the program went wrong" in work.fault
