"""The real pages, driven by Streamlit's AppTest on a fake engine."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from chatbot.errors import EngineError, SettingError
from chatbot.feedback.shelf import read_tickets
from chatbot.feedback.store import open_store
from chatbot.journal import append
from tests.ui.fakes import a_card, html
from ui.views import parts

ROOT = Path(__file__).resolve().parents[2]
CARD = a_card()


@pytest.fixture
def page(bot, monkeypatch) -> AppTest:
    bot.adapter = CARD
    monkeypatch.setattr(parts, "open_bot", lambda settings: bot)
    st.cache_resource.clear()
    test = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=30)
    yield test
    st.cache_resource.clear()


def ask(page: AppTest, question: str) -> AppTest:
    return page.chat_input[0].set_value(question).run()


def tickets(bot) -> list[dict]:
    """Those that are in the store."""
    store = open_store(bot.settings)
    try:
        return read_tickets(store, "northwind")
    finally:
        store.close()


def test_the_empty_page_offers_examples_and_says_what_it_is(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert "Northwind Outfitters" in html(page)
    assert "How long do I have to return boots?" in [one.label for one in page.button]


def test_a_question_gives_three_columns_and_is_saved_whole(page: AppTest, engine, bot) -> None:
    engine.enqueue("One.", "Two.", "You've got 99 days.")
    ask(page.run(), "How long do I have to return boots?")
    assert not page.exception
    shown = html(page)
    for said in ("Base-prompted", "Fine-tuned", "Combined", "One.", "Two.", "99 days.", "Not in the sources: 99"):
        assert said in shown
    files = list((bot.settings.home / "conversations").glob("*.jsonl"))
    assert len(files) == 1
    assert json.loads(files[0].read_text())["question"] == "How long do I have to return boots?"
    why = [one for one in page.expander if one.label == "Why this answer"]
    assert len(why) == 3
    prompt = why[2].code[0].value
    assert "within 45 days" in prompt
    assert "How we write" in prompt


def test_an_example_button_asks_its_question(page: AppTest, engine) -> None:
    page.run()
    page.button(key="example-3").click().run()
    assert engine.history[0][0][0].messages[-1].content.endswith("Is a gift card still good after two years?")


@pytest.mark.parametrize(
    "chosen", [["Combined"], ["Plain base", "Fine-tuned"], ["Plain base", "Base-prompted", "Fine-tuned", "Combined"]]
)
def test_any_modes_can_be_chosen(page: AppTest, engine, chosen: list[str]) -> None:
    page.run()
    page.button_group(key="modes").set_value(chosen).run()
    ask(page, "How long?")
    assert not page.exception
    assert len(engine.history[-1][0]) == len(chosen)
    assert all(label in html(page) for label in chosen)


def test_without_a_mode_nothing_can_be_asked(page: AppTest) -> None:
    page.run()
    page.button_group(key="modes").set_value([]).run()
    assert page.chat_input[0].proto.disabled
    assert "at least one column" in page.info[0].value


def test_the_situation_can_be_chosen_before_and_after(page: AppTest, engine) -> None:
    page.run()
    page.selectbox(key="situation").set_value("legal").run()
    ask(page, "How long?")
    assert "Admit nothing" in engine.history[-1][0][0].messages[0].content
    again = next(one for one in page.selectbox if one.label == "Answer it as")
    again.set_value("upset").run()
    page.button(key="again-0").click().run()
    assert "say sorry" in engine.history[-1][0][0].messages[0].content
    assert html(page).count("tp-ask") >= 1
    assert len(page.session_state["talk"].turns) == 1


def test_approved_wording_stands_in_every_column_and_says_so(page: AppTest, engine) -> None:
    page.run()
    page.toggle(key="approved").set_value(True).run()
    page.selectbox(key="situation").set_value("legal").run()
    ask(page, "My lawyer will be in touch.")
    assert not page.exception
    assert engine.history == []
    assert html(page).count("Approved wording: the same in every column, no model wrote it.") == 3
    assert "no lever is at work on this turn" in html(page)
    assert "prompt layer + adapter" not in html(page)
    why = [one for one in page.expander if one.label == "Why this answer"]
    assert len(why) == 3
    assert not why[0].code, "there was no prompt"
    assert "No model was asked" in why[0].caption[-1].value


def test_a_legal_threat_fills_a_ticket_by_itself_and_only_once(page: AppTest, bot) -> None:
    page.run()
    page.selectbox(key="situation").set_value("legal").run()
    ask(page, "My lawyer wants to know about NW-204817.")
    page.run()
    assert not page.exception
    found = tickets(bot)
    assert [one["order_numbers"] for one in found] == [["NW-204817"]]
    assert [one.label for one in page.expander if "for a person" in one.label] == [
        f"Ticket {found[0]['id']} for a person"
    ]


def test_a_person_is_offered_to_the_upset_and_a_click_fills_the_ticket(page: AppTest, engine, bot) -> None:
    engine.enqueue("One.", "Two.", "I'm sorry.")
    page.run()
    page.selectbox(key="situation").set_value("upset").run()
    ask(page, "Where is it?? Five weeks!")
    assert tickets(bot) == []
    page.button(key="hand-0").click().run()
    assert not page.exception
    found = tickets(bot)
    assert [message["content"] for message in found[0]["transcript"]] == ["Where is it?? Five weeks!", "I'm sorry."]
    assert "hand-0" not in [one.key for one in page.button]


def test_a_ticket_says_where_it_is_and_can_be_sent_again(page: AppTest, bot, monkeypatch) -> None:
    from ui.views import handover

    sent = []
    monkeypatch.setattr(handover, "send_later", lambda url, log, document: sent.append((log, document)))
    bot.settings = replace(bot.settings, webhook="https://desk.example/in")
    page.run()
    page.selectbox(key="situation").set_value("legal").run()
    ask(page, "My lawyer will be in touch.")
    assert any("on its way to desk.example" in one.value for one in page.caption)
    (log, document) = sent[0]
    append(log, [{"id": document["id"], "fault": "desk.example answered 404."}])
    page.run()
    assert page.warning[0].value == "Kept, but not sent: desk.example answered 404."
    page.button(key=f"send-{document['id']}").click().run()
    assert len(sent) == 2
    append(log, [{"id": document["id"], "fault": ""}])
    page.run()
    assert any("taken by desk.example" in one.value for one in page.caption)
    assert not page.exception


def test_a_ticket_that_cannot_be_saved_is_a_sentence(page: AppTest, bot) -> None:
    (bot.settings.home / "feedback").write_text("in the way")
    page.run()
    page.selectbox(key="situation").set_value("legal").run()
    ask(page, "My lawyer will be in touch.")
    assert not page.exception
    assert "could not be saved" in page.error[0].value


def test_a_ticket_of_an_earlier_version_is_taken_over_from_its_file(page: AppTest, bot) -> None:
    from chatbot.message import Message
    from chatbot.ticket import fill, keep

    said = [Message("user", "My lawyer asks about NW-204817.")]
    keep(bot.settings.home, fill("T-old", bot.voice, "northwind", bot.situation("legal"), "why", said, []))
    page.run()
    page.selectbox(key="situation").set_value("legal").run()
    ask(page, "My lawyer will be in touch.")
    found = tickets(bot)
    assert [one["id"] for one in found] == ["T-old", found[1]["id"]]
    assert not page.error


def test_a_second_situation_is_named_and_a_dropped_one_says_why(page: AppTest, bot, monkeypatch) -> None:
    shares = {"data-request": 0.4, "refund": 0.3, "order-problem": 0.3}
    monkeypatch.setattr(bot._detector, "head", SimpleNamespace(sharpness=1.0, chances=lambda vector, message: shares))
    ask(page.run(), "this is a joke, I want my money back")
    assert not page.exception
    record = page.session_state["talk"].turns[0]["situation"]
    assert (record["key"], record["also"]) == ("data-request", "Refund or return")
    assert any("two are the most" in one.value for one in page.caption)


def test_a_follow_up_sees_the_same_history_in_every_column(page: AppTest, engine) -> None:
    engine.enqueue("One.", "Two.", "Three.")
    ask(page.run(), "How long for boots?")
    ask(page, "and for tents?")
    histories = [row.messages[-3:-1] for row in engine.history[-1][0]]
    assert histories[0] == histories[1] == histories[2]
    assert histories[0][1].content == "Three."


def test_a_failure_in_the_middle_is_a_sentence_and_saves_nothing(page: AppTest, engine, bot, monkeypatch) -> None:
    class Breaks:
        waiting, ends = 0, ()

        def __iter__(self):
            yield ("He", "", "")
            raise EngineError("The model failed while writing. Nothing was saved; ask again.")

        def stop(self) -> None:
            pass

    page.run()
    monkeypatch.setattr(engine, "write", lambda rows, decoding: Breaks())
    ask(page, "How long?")
    assert not page.exception
    assert "Nothing was saved" in page.error[0].value
    assert not (bot.settings.home / "conversations").exists()
    monkeypatch.undo()
    page.button(key="retry-button").click().run()
    assert len(page.session_state["talk"].turns) == 1


def test_a_disk_that_refuses_is_told_under_the_reply(page: AppTest, bot) -> None:
    (bot.settings.home / "conversations").write_text("a file where a folder should be")
    ask(page.run(), "How long?")
    assert "could not be saved" in page.error[0].value
    assert "tp-reply" in html(page)


def test_what_cannot_start_is_a_sentence(monkeypatch) -> None:
    def broken(settings):
        raise SettingError("TRIPTYCH_SEED='x' is not a whole number. Correct or unset TRIPTYCH_SEED.")

    monkeypatch.setattr(parts, "open_bot", broken)
    st.cache_resource.clear()
    page = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=30).run()
    assert not page.exception
    assert "TRIPTYCH_SEED" in page.error[0].value


def test_a_bug_is_a_sentence_too_and_never_a_traceback(monkeypatch, caplog) -> None:
    monkeypatch.setattr(parts, "open_bot", lambda settings: 1 / 0)
    st.cache_resource.clear()
    page = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=30).run()
    assert not page.exception
    assert "Something in the program went wrong" in page.error[0].value
    assert "ZeroDivisionError" in caplog.text


def test_without_an_adapter_the_page_works_and_says_why_two_columns_are_off(page: AppTest, bot, engine) -> None:
    bot.adapter, bot.adapter_fault = None, "Adapter 'northwind' lacks its weights."
    page.run()
    assert "lacks its weights" in page.warning[0].value
    ask(page, "How long?")
    assert len(engine.history[-1][0]) == 1


def test_the_knowledge_page_lists_articles_and_opens_one(page: AppTest) -> None:
    page.switch_page("views/knowledge.py").run()
    assert not page.exception
    assert any("Returns" in one.value for one in page.markdown)
    page.query_params["article"] = "returns"
    page.query_params["section"] = "when-the-refund-arrives"
    page.run()
    assert page.header[0].value == "Returns"
    assert any("The passage you came from" in one.value for one in page.caption)


def test_the_sidebar_says_what_the_adapter_learnt_from(page, bot) -> None:
    page.run()
    assert any("Adapter: 12 example replies, trained 2026-01-02" in one.value for one in page.sidebar.caption)
    bot.adapter = a_card()
    bot.adapter.preferences = SimpleNamespace(pairs=57)
    page.run()
    told = [one.value for one in page.sidebar.caption]
    assert any("12 example replies, then 57 pairs of a better and a worse reply, trained" in one for one in told)
