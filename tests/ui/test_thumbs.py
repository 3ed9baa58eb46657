"""Thumbs under ordinary replies: stored with where the reply came from, restored, taken back, or a sentence why not."""

import json
import sqlite3
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from chatbot.feedback.export import records
from chatbot.feedback.store import open_store
from tests.ui.fakes import a_card
from ui.state import Conversation
from ui.thumbs import origin_of, trace
from ui.views import parts, voter

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page(bot, engine, monkeypatch) -> AppTest:
    bot.adapter = a_card()
    monkeypatch.setattr(parts, "open_bot", lambda settings: bot)
    monkeypatch.setattr(voter, "open_store", lambda *given: open_store(*given, wait_s=0.1))
    st.cache_resource.clear()
    engine.enqueue("One.", "Two.", "Three.")
    yield asked(opened(), "How long for boots?")
    st.cache_resource.clear()


def opened() -> AppTest:
    return AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=30).run()


def asked(page: AppTest, question: str) -> AppTest:
    page.chat_input[0].set_value(question).run()
    assert not page.exception
    return page


@pytest.fixture
def kept(bot):
    def look() -> list[dict]:
        store = open_store(bot.settings)
        try:
            return [one for one in records(store) if one["kind"] == "thumb"]
        finally:
            store.close()

    return look


def give(page: AppTest, place: int, up: int | None) -> AppTest:
    page.feedback[place].set_value(up).run()
    assert not page.exception
    return page


def test_a_thumb_is_stored_with_where_the_reply_came_from(page: AppTest, kept) -> None:
    assert len(page.feedback) == 3
    assert kept() == []
    assert "voter_kept" not in page.session_state or not page.session_state["voter_kept"], "no cookie for who only asks"
    give(page, 1, 0)
    (thumb,) = kept()
    assert (thumb["up"], thumb["mode"], thumb["text"]) == (False, "fine-tuned", "Two.")
    assert (thumb["adapter"], thumb["base"], thumb["prompt_version"]) == ("w" * 64, "b" * 64, "")
    assert len(thumb["prompt_hash"]) == 64
    assert (thumb["question"], thumb["passages"], thumb["finish"]) == (
        "How long for boots?",
        ["returns#how long"],
        "stop",
    )
    assert any(one.value == "Kept." for one in page.caption)


def test_a_thumb_may_be_turned_and_taken_back(page: AppTest, kept) -> None:
    give(page, 0, 1)
    give(page, 0, 0)
    assert [(one["up"], bool(one["withdrawn"])) for one in kept()] == [(True, True), (False, False)]
    give(page, 0, None)
    assert all(one["withdrawn"] for one in kept())
    assert any(one.value == "Taken back." for one in page.caption)


def test_a_comment_goes_with_the_thumb_and_is_scrubbed(page: AppTest, kept) -> None:
    give(page, 2, 1)
    key = page.feedback[2].key
    page.text_area(key=f"{key}-said").set_value("Right, ana@mail.example.")
    page.button(key=f"{key}-keep").click().run()
    assert [one["comment"] for one in kept() if not one["withdrawn"]] == ["Right, [e-mail]."]
    assert any(one.value == "Comment kept." for one in page.caption)


def test_a_thumb_that_cannot_be_stored_is_a_sentence_and_not_shown_as_given(page: AppTest, bot, kept) -> None:
    give(page, 0, 1)
    path = bot.settings.home / "feedback" / "feedback.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    give(page, 0, 0)
    assert "The thumb was not stored: another program keeps the database" in page.error[0].value
    assert page.feedback[0].value == 1, "as it stands in the store"
    give(page, 1, 1)
    assert page.feedback[1].value is None
    other.close()
    give(page, 1, 1)
    assert not page.error
    assert [(one["mode"], one["up"]) for one in kept()] == [("base-prompted", True), ("fine-tuned", True)]


def test_a_store_that_cannot_be_opened_leaves_the_page_as_it_is(bot, engine, monkeypatch) -> None:
    bot.adapter = a_card()
    monkeypatch.setattr(parts, "open_bot", lambda settings: bot)
    st.cache_resource.clear()
    (bot.settings.home / "feedback").write_text("in the way")
    page = give(asked(opened(), "How long for boots?"), 0, 1)
    assert "The feedback cannot be opened" in page.error[0].value
    assert len(page.feedback) == 3


def test_a_reload_shows_the_thumb_that_was_given(page: AppTest) -> None:
    give(page, 0, 1)
    mine = page.session_state["voter"]
    again = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=30)
    again.query_params["c"] = page.session_state["talk"].id
    again.session_state["voter"], again.session_state["voter_kept"] = mine, True
    again.run()
    assert [one.value for one in again.feedback] == [1, None, None]


def test_a_follow_ups_history_is_the_one_it_was_asked_with(page: AppTest, engine, kept) -> None:
    engine.enqueue("Four.", "Five.", "Six.")
    asked(page, "and for tents?")
    page.selectbox(key="carried").set_value("Base-prompted").run()
    give(page, 3, 1)
    (thumb,) = kept()
    assert [one["content"] for one in thumb["history"]] == ["How long for boots?", "Three."]


def test_a_reply_that_was_answered_again_is_another_one(bot, engine) -> None:
    from chatbot.feedback.provenance import arms
    from chatbot.mode import THREE
    from ui.state import record_of

    bot.adapter = a_card()
    talk = Conversation(bot.settings.home)
    for _ in range(2):
        turn = bot.reply("How long?", THREE)
        record = record_of(turn, 0 if talk.turns else None)
        record["trace"] = trace(talk, 0, (), arms(bot, turn.brief))
        first = origin_of(talk, 0, "combined").reply if talk.turns else ""
        talk.add(json.loads(json.dumps(record)))
    assert len(talk.turns) == 1
    again = origin_of(talk, 0, "combined")
    assert again.reply != first
    assert again.arm == arms(bot, turn.brief)[2]
    del talk.turns[0]["trace"]
    assert origin_of(talk, 0, "combined") is None, "nobody knows any more what wrote it"
