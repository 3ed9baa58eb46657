"""The page "Tone QA", driven by Streamlit's AppTest on a fake engine."""

import threading
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from chatbot.errors import EngineError
from chatbot.quality import checks, session
from chatbot.quality.session import carry_out, order
from tests.conftest import FakeRun
from tests.ui.fakes import a_card, a_suite, html
from ui.background import Desk, Job
from ui.views import parts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page(bot, monkeypatch, tmp_path: Path) -> AppTest:
    """The page for a brand with eight questions, on fakes."""
    bot.adapter = a_card()
    a_suite(tmp_path / "northwind.jsonl")
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    monkeypatch.setattr(session, "SUITES", tmp_path)
    monkeypatch.setattr(checks, "PAIRS", tmp_path / "none")
    monkeypatch.setattr(parts, "open_bot", lambda settings: bot)
    st.cache_resource.clear()
    st.cache_data.clear()
    test = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    test.run()
    test.switch_page("views/quality.py")
    yield test
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def job(monkeypatch) -> list[Job]:
    """The jobs that were started, to be waited for."""
    started: list[Job] = []
    usual = Desk.start

    def start(self, bot, made):
        started.append(usual(self, bot, made))
        return started[-1]

    monkeypatch.setattr(Desk, "start", start)
    return started


def choose(page: AppTest, label: str, value: str) -> AppTest:
    return next(one for one in page.selectbox if one.label == label).set_value(value).run()


def press(page: AppTest, label: str) -> AppTest:
    return next(one for one in page.button if one.label == label).click().run()


def a_finished_run(bot, size: int | None = None, again: bool = False):
    return carry_out(bot, order(bot.settings, size=size, consistency=again), lambda done, total: None)


class Held(FakeRun):
    """Writes its first word, then waits until it is stopped."""

    def __init__(self, replies):
        super().__init__(replies)
        self.gate = threading.Event()

    def __iter__(self):
        yield ("He",) * len(self.replies)
        while not self.gate.wait(0.02):
            yield ("",) * len(self.replies)

    def stop(self) -> None:
        self.gate.set()
        super().stop()


def test_without_a_run_the_page_explains_and_offers_one(page) -> None:
    page.run()
    assert not page.exception
    assert "No run yet" in html(page)
    assert page.number_input(key="qa-size").value == 8, "24, or all where there are fewer"
    assert any("makes things up" in str(one.value) or "Nothing is made up" in str(one.value) for one in page.markdown)


def test_a_run_is_started_from_the_form_and_shown_when_done(page, job, tmp_path) -> None:
    page.run()
    page.number_input(key="qa-size").set_value(4)
    press(page, "Start")
    assert not page.exception
    assert job[0].wait(60)
    assert job[0].fault == ""
    page.run()
    assert not page.exception
    shown = html(page)
    for part in ("Gate: ", "Every check, mode by mode", "Known topics and new ones", "one mode at a time"):
        assert part in shown
    assert "4 questions" in page.selectbox[0].options[0]
    assert [one.label for one in page.get("download_button")] == ["Report", "JSON", "JUnit"]
    assert len(page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart")) == 1
    assert shown.count("<details") >= 4


def test_the_newest_run_is_shown_and_older_ones_can_be_chosen(page, bot, tmp_path) -> None:
    first = a_finished_run(bot, 2)
    a_finished_run(bot, 8, again=True)
    page.run()
    runs = page.selectbox[0]
    assert ["8 questions" in runs.options[0], "2 questions" in runs.options[1]] == [True, True]
    assert "Asked again" in html(page)
    runs.set_value(first.folder).run()
    assert "(of 2), held against the bars" in html(page)
    assert "Asked again" not in html(page)


def test_cases_are_filtered_by_situation_check_and_mode(page, bot, engine, tmp_path) -> None:
    engine.enqueue(*["45 days, <script>alert(1)</script>."] * 8)  # the first batch: base-prompted
    a_finished_run(bot)
    page.run()
    assert "<script" not in html(page).lower()
    assert "&lt;script&gt;" in html(page)
    assert page.caption[-1].value == "8 of 8 cases"
    choose(page, "Situation", "refund")
    assert page.caption[-1].value == "4 of 8 cases"
    choose(page, "Failing check", "Facts given")
    choose(page, "In which mode", "Combined")
    assert page.caption[-1].value == "4 of 8 cases"
    choose(page, "In which mode", "Base-prompted")
    assert page.caption[-1].value == "0 of 8 cases"
    assert not page.exception


def test_ten_cases_at_a_time(page, bot, tmp_path) -> None:
    a_suite(tmp_path / "northwind.jsonl", count=24)
    a_finished_run(bot)
    page.run()
    assert html(page).count('<details class="case') == 10
    press(page, "Show 10 more")
    press(page, "Show 4 more")
    assert html(page).count('<details class="case') == 24


def test_stop_keeps_what_is_answered_and_survives_reruns(page, job, engine, monkeypatch) -> None:
    held: list[Held] = []
    writing = threading.Event()

    def write(rows, decoding):
        held.append(Held(["Yes."] * len(rows)))
        writing.set()
        return held[-1]

    monkeypatch.setattr(engine, "write", write)
    press(page.run(), "Start")
    page.run()
    page.run()
    assert len(job) == 1
    assert not job[0].finished
    assert writing.wait(20), "stopped while the engine writes, not before"
    press(page, "Stop")
    assert job[0].wait(20)
    page.run()
    assert "start it again and it goes on from there" in page.info[0].value
    assert held[0].gate.is_set(), "the engine does not write on for nobody"
    assert "No run yet" in html(page)


def test_a_second_session_is_told_that_a_run_is_in_progress(page, job, engine, monkeypatch) -> None:
    monkeypatch.setattr(engine, "write", lambda rows, decoding: Held(["Yes."] * len(rows)))
    other = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60).run()
    other.switch_page("views/quality.py").run()
    press(page.run(), "Start")
    press(other, "Start")
    assert "started in another window" in other.warning[0].value
    assert len(job) == 1
    job[0].stop()
    assert job[0].wait(20)


def test_a_failure_of_the_model_is_a_sentence(page, job, engine, monkeypatch) -> None:
    def broken(rows, decoding):
        raise EngineError("The model was put away. Start the program again.")

    monkeypatch.setattr(engine, "write", broken)
    press(page.run(), "Start")
    assert job[0].wait(20)
    page.run()
    assert "The model was put away" in page.error[0].value
    assert not page.exception


def test_a_bug_in_the_thread_is_a_sentence_too(page, job, engine, monkeypatch, caplog) -> None:
    monkeypatch.setattr(engine, "write", lambda rows, decoding: 1 / 0)
    press(page.run(), "Start")
    assert job[0].wait(20)
    page.run()
    assert "Something in the program went wrong" in page.error[0].value
    assert "ZeroDivisionError" in caplog.text


def test_what_cannot_start_is_a_sentence(page, job, bot) -> None:
    bot.adapter, bot.adapter_fault = None, "Adapter 'northwind' lacks its weights."
    press(page.run(), "Start")
    assert job[0].wait(20)
    page.run()
    assert "lacks its weights" in page.error[0].value


def test_a_damaged_report_does_not_hide_the_others(page, bot, tmp_path) -> None:
    a_finished_run(bot, 2)
    folder = tmp_path / "qa" / "northwind" / "2999-01-01-000000"
    folder.mkdir()
    (folder / "qa.json").write_text("{}")
    page.run()
    assert "is not the report of a run" in page.error[0].value
    page.selectbox[0].select_index(1).run()
    assert "Every check, mode by mode" in html(page)


def test_a_brand_without_questions_is_told_so(page, monkeypatch, tmp_path) -> None:
    (tmp_path / "northwind.jsonl").unlink()
    page.run()
    assert "has no suite of questions yet" in page.info[0].value
    assert not [one for one in page.button if one.label == "Start"]
