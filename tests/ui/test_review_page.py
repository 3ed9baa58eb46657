"""The page Review, driven by Streamlit's AppTest: blind until the pile is finished, and nothing entered is lost."""

import json
import sqlite3
from pathlib import Path

import pytest
import streamlit as st
from sqlalchemy import event
from streamlit.testing.v1 import AppTest

from chatbot.feedback.store import open_store
from chatbot.mode import THREE
from chatbot.quality.marks import CHECKS, Mark
from chatbot.quality.page import LABELS
from tests.chatbot.quality.fakes import an_outcome
from tests.ui.fakes import drawn, html
from ui.views import voter

ROOT = Path(__file__).resolve().parents[2]
RUN = "2026-11-20-101500"
KEYS = ("base-prompted", "fine-tuned", "combined")
MARKS = dict.fromkeys(CHECKS, Mark(False, ("THE MACHINE SAYS SO",), ("MACHINE",)))
HIDDEN = (
    *(word for mode in THREE for word in (mode.key, mode.label, mode.lever)),
    *CHECKS,
    *(name for name, _ in LABELS.values()),
    "MACHINE",
    "secret-case",
)
FOLLOW_UP = json.loads(
    next(
        line
        for line in (ROOT / "chatbot" / "quality" / "suites" / "northwind.jsonl")
        .read_text(encoding="utf-8")
        .split("\n")
        if '"history"' in line
    )
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    monkeypatch.setattr(voter, "open_store", lambda *given: open_store(*given, wait_s=0.1))
    return tmp_path


@pytest.fixture
def run(home: Path) -> Path:
    """Eight cases in three modes: a pile of 19 and then all 25."""
    outcomes = [
        an_outcome(f"secret-case-{n}", mode, f"Reply {n} {'abc'[k]}.", marks=MARKS, question=f"Question {n}?")
        for n in range(8)
        for k, mode in enumerate(KEYS)
    ]
    return a_run(home, outcomes)


def a_run(home: Path, outcomes) -> Path:
    folder = home / "qa" / "northwind" / RUN
    folder.mkdir(parents=True)
    (folder / "outcomes.jsonl").write_text("".join(json.dumps(one.document()) + "\n" for one in outcomes))
    return folder


def opened() -> AppTest:
    """As after a restart: nothing kept in the server or the session."""
    st.cache_resource.clear()
    page = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=30)
    return page.switch_page("views/review.py").run()


def begin(name: str = "Ana", size: int | None = None) -> AppTest:
    page = opened()
    page.text_input(key="review_field_name").set_value(name).run()
    if size is not None:
        page.radio(key="review_field_size").set_value(size).run()
    return press(page, "Begin")


def press(page: AppTest, label: str) -> AppTest:
    next(one for one in page.button if one.label == label).click().run()
    assert not page.exception
    return page


def place(page: AppTest) -> str:
    """ "7 of 60"."""
    return next(one.proto.text.strip("*") for one in page.get("progress"))


def answer(page: AppTest, on_brand: str = "Yes", send: str = "Yes") -> AppTest:
    number = int(place(page).split()[0]) - 1
    page.button(key=f"on_brand-{on_brand}-{number}").click().run()
    page.button(key=f"send-{send}-{number}").click().run()
    return page


def mark(page: AppTest, on_brand: str = "Yes", send: str = "Yes") -> AppTest:
    return press(answer(page, on_brand, send), "Save and next")


def finish(page: AppTest, on_brand: str = "Yes") -> AppTest:
    while page.get("progress"):
        mark(page, on_brand)
    return page


def saved(home: Path, name: str = "ana") -> list[dict]:
    """Every mark in the store, in the order in which they were given."""
    with sqlite3.connect(home / "feedback" / "feedback.sqlite3") as raw:
        asked = "SELECT on_brand, send, broke, comment, at FROM reviews WHERE reviewer = ? AND run = ? ORDER BY seq"
        rows = raw.execute(asked, (name, RUN)).fetchall()
    raw.close()
    return [
        {
            "verdict": {"on_brand": bool(on), "send": bool(send), "broke": json.loads(broke), "comment": comment},
            "when": at,
        }
        for on, send, broke, comment, at in rows
    ]


def test_without_a_run_the_page_says_how_to_get_one(home: Path) -> None:
    page = opened()
    assert not page.exception
    assert "`triptych qa`" in page.info[0].value
    assert not page.text_input


def test_no_model_is_woken(run: Path, monkeypatch) -> None:
    monkeypatch.setattr("chatbot.bot.open_bot", lambda settings: pytest.fail("the model was woken"))
    assert place(mark(begin())) == "2 of 19"


def test_nothing_tells_what_wrote_a_reply_before_the_end(run: Path, home: Path) -> None:
    finish(begin("ben", 25), "No")
    page = begin("ana", 19)
    while page.get("progress"):
        seen = drawn(page)
        assert "Reply " in seen
        assert not [word for word in (*HIDDEN, "ben") if word in seen]
        mark(page)
    assert "ben" not in drawn(page), "nor on the page that says it is done"
    assert "All 19 replies are marked" in html(page)


def test_a_reply_is_shown_with_what_was_said_before_and_its_passages(home: Path) -> None:
    asked = an_outcome(
        FOLLOW_UP["id"], text="A reply.", question=FOLLOW_UP["question"], passages=("Returns › Boots: In 45 days.",)
    )
    a_run(home, [asked])
    page = begin()
    bubbles = [str(one.proto.body) for one in page.get("html") if 'class="tp-who' in str(one.proto.body)]
    assert len(bubbles) == len(FOLLOW_UP["history"]) + 2, "earlier messages, the question, the head of the reply"
    assert "In 45 days." in str(page.expander[0].get("html")[0].proto.body)


def test_a_mark_is_on_the_disk_as_it_was_entered(run: Path, home: Path) -> None:
    page = answer(begin(), "No", "Yes")
    page.button_group(key="broke-0").set_value(["Use contractions", "Sign as the crew"])
    page.text_area(key="comment-0").set_value("Too “chummy”.")
    press(page, "Save and next")
    (line,) = saved(home)
    assert line["verdict"] == {
        "on_brand": False, "send": True, "broke": ["Use contractions", "Sign as the crew"], "comment": "Too “chummy”.",
    }  # fmt: skip
    assert line["when"].endswith("+00:00")
    assert place(page) == "2 of 19"


def test_both_questions_must_be_answered(run: Path, home: Path) -> None:
    page = begin()
    page.button(key="on_brand-No-0").click().run()
    press(page, "Save and next")
    assert "both questions" in page.error[0].value
    assert place(page) == "1 of 19"
    assert saved(home) == []
    page.button(key="send-No-0").click().run()
    assert place(press(page, "Save and next")) == "2 of 19"
    assert not page.error


def test_back_shows_the_last_mark_and_lets_it_be_changed(run: Path, home: Path) -> None:
    page = mark(begin(), "No", "No")
    page.text_area(key="comment-1").set_value("not yet saved")
    press(page, "Back")
    assert place(page) == "1 of 19"
    assert page.button(key="on_brand-No-0").proto.type == "primary"
    mark(page, "Yes", "No")
    assert [one["verdict"]["on_brand"] for one in saved(home)] == [False, True]
    assert place(page) == "2 of 19"
    assert page.text_area(key="comment-1").value == "not yet saved"


def test_a_restart_goes_on_where_it_was(run: Path) -> None:
    mark(mark(begin()))
    assert place(begin()) == "3 of 19"
    assert place(begin("Ben")) == "1 of 19"


def test_a_failed_write_keeps_what_was_entered_and_says_so(run: Path, home: Path) -> None:
    page = answer(begin(), "No", "No")
    page.button_group(key="broke-0").set_value(["Use contractions"])
    page.text_area(key="comment-0").set_value("keep me")
    other = sqlite3.connect(home / "feedback" / "feedback.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    press(page, "Save and next")
    assert "The mark was not stored: another program keeps the database" in page.error[0].value
    other.close()
    assert place(page) == "1 of 19"
    press(page, "Save and next")
    assert place(page) == "2 of 19"
    assert saved(home)[0]["verdict"] == {
        "on_brand": False, "send": False, "broke": ["Use contractions"], "comment": "keep me",
    }  # fmt: skip


def test_a_full_disk_is_told_beside_what_was_entered(run: Path, monkeypatch) -> None:
    pages = ["PRAGMA max_page_count = 1"]  # SQLite's own limit gives the error that a full disk gives

    def limited(*given, **named):
        store = open_store(*given, **named)
        with sqlite3.connect(store.database.place, isolation_level=None) as raw:
            raw.execute("VACUUM")  # no page is free
        raw.close()
        event.listen(store.database.engine, "connect", lambda raw, _: raw.execute(pages[-1]))
        store.database.engine.dispose()
        stores.append(store)
        return store

    stores = []
    monkeypatch.setattr(voter, "open_store", limited)
    page, said = begin(), "keep me " * 240
    for number in range(6):  # the pages that are there take the first
        answer(page, "No", "No").text_area(key=f"comment-{number}").set_value(said)
        press(page, "Save and next")
        if page.error:
            break
    assert "feedback.sqlite3 is full: make room there. Give it again." in page.error[0].value
    assert place(page) == f"{number + 1} of 19"
    assert page.text_area(key=f"comment-{number}").value == said
    pages.append("PRAGMA max_page_count = 100000")
    stores[0].database.engine.dispose()
    assert place(press(page, "Save and next")) == f"{number + 2} of 19"
    assert not page.error
    assert [one["verdict"]["comment"] for one in saved(run.parents[2])] == [said.strip()] * (number + 1)


def test_two_reviewers_who_are_done_see_how_far_they_agree(run: Path) -> None:
    finish(begin("Ben", 25), "No")
    page = finish(begin("Ana", 19))
    press(page, "Show how the marks agree")
    assert [one.value for one in page.subheader] == [
        "Between reviewers", "With themselves", "People and the automatic checks", "Judged differently", "Take it with you",
    ]  # fmt: skip
    said = html(page)
    assert "Marks so far: ana 19, ben 25." in said
    assert "0 of 18 (0%)" in said, "on brand: they differ on all they share"
    assert "18 of 18 (100%)" in said, "good enough to send: they agree on all"
    assert "Too few to say" in said
    assert "People and “Nothing invented”" in said
    assert said.count('class="tp-said"') == 18, "only the replies that Ana has marked: she may go on with more"
    assert any("luck" in one.value for one in page.markdown)
    assert page.get("download_button")
    assert not [mode for mode in KEYS if mode in drawn(page)], "what wrote them is in the file alone"


def test_the_first_reviewer_is_told_that_a_second_is_needed(run: Path) -> None:
    page = press(finish(begin()), "Show how the marks agree")
    assert "second person" in page.info[0].value
    assert any("None of the replies" in one.value for one in page.caption)


def test_a_small_pile_can_be_gone_on_with_and_the_last_mark_changed(run: Path) -> None:
    page = press(finish(begin()), "Back to the last reply")
    assert place(page) == "19 of 19"
    mark(page, "No", "No")
    press(page, "Go on with 6 more")
    assert place(page) == "20 of 25"
    press(finish(page), "Another name or run")
    assert page.text_input(key="review_field_name").value == "Ana"


def test_a_name_that_is_none_is_refused_in_a_sentence(run: Path) -> None:
    for name, said in (("  ", "Type your name first"), ("../ana", "cannot name a reviewer")):
        page = begin(name)
        assert said in page.error[0].value
        assert not page.get("progress")


@pytest.mark.parametrize("damage", ["{", "", "[]\n"])
def test_a_run_that_cannot_be_read_is_a_sentence(run: Path, damage: str) -> None:
    (run / "outcomes.jsonl").write_text(damage)
    page = opened()
    assert not page.exception
    assert f"The replies of the run {RUN} cannot be read" in page.error[0].value


def test_a_run_that_goes_away_in_the_middle_leads_back_to_the_beginning(run: Path) -> None:
    page = begin()
    (run / "outcomes.jsonl").unlink()
    page.button(key="send-No-0").click().run()
    assert not page.exception
    assert "cannot be read" in page.error[0].value
    assert press(page, "Another name or run").info


def test_marks_that_cannot_be_read_are_a_sentence(run: Path, home: Path) -> None:
    (home / "reviews" / "northwind" / RUN / "ana.jsonl").mkdir(parents=True)
    page = begin()
    assert not page.exception
    assert "cannot be read" in page.error[0].value


def test_marks_that_files_of_an_earlier_version_hold_are_taken_over(run: Path, home: Path) -> None:
    from chatbot.quality.report import read_outcomes
    from chatbot.quality.review import Desk, Verdict

    desk = Desk(tuple(read_outcomes(run)), home / "reviews" / "northwind" / RUN, "ana")
    for number in range(3):
        desk.save(number, Verdict(number % 2 == 0, True), "2026-11-20T10:00:00+00:00")
    page = begin()
    assert place(page) == "4 of 19"
    mark(page)
    assert [one["verdict"]["on_brand"] for one in saved(home)] == [True, False, True, True]
    assert place(begin()) == "5 of 19", "and once only"
    assert len(saved(home)) == 4
