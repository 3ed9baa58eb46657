"""When a person is called or offered, and the ticket that is filled for them."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.brand import find_brand
from chatbot.errors import TurnError
from chatbot.message import Message
from chatbot.mode import THREE
from chatbot.situation import Situation
from chatbot.ticket import LONGEST, due, fill, keep, order_numbers, ticket_id, tickets
from chatbot.voice import Voice, read_voice


@pytest.fixture(scope="module")
def voice() -> Voice:
    return read_voice(find_brand("northwind", Path("/nowhere")).prompts / "voice.md")


LEGAL = Situation("legal", "Legal threat", "", "none", (), "", ())


def a_ticket(
    voice: Voice,
    key: str = "T-1",
    question: str = "Where is NW-204817? nw-204817, or NW-111222",
    situation: Situation = LEGAL,
):
    said = [Message("user", "Hi"), Message("assistant", "Hello."), Message("user", question)]
    return fill(key, voice, "northwind", situation, "Legal threat: ...", said, ["Tracking › Lost: 7 days"])


@pytest.mark.parametrize(("situation", "escalate"), [("legal", "yes"), ("upset", "offer"), ("question", "no")])
def test_a_situations_file_says_whether_a_person_is_due(bot, engine, situation: str, escalate: str) -> None:
    engine.enqueue("45 days.", "45 days.", "45 days.")
    assert due(bot.reply("How long for boots?", THREE, situation=situation)).escalate == escalate


def test_a_reply_that_no_source_supports_is_a_reason_to_offer_one(bot, engine) -> None:
    engine.enqueue("45 days.", "99 days.", "45 days.")
    person = due(bot.reply("How long for boots?", THREE, situation="question"))
    assert (person.escalate, person.why) == ("offer", "No source supports all that stands under Fine-tuned.")


def test_a_ticket_holds_what_a_person_needs(voice: Voice) -> None:
    ticket = a_ticket(voice)
    assert ticket.summary == "Legal threat: Where is NW-204817? nw-204817, or NW-111222"
    assert ticket.order_numbers == ("NW-204817", "NW-111222")
    assert [message.role for message in ticket.transcript] == ["user", "assistant", "user"]
    assert ticket.tried == ("Tracking › Lost: 7 days",)


def test_what_the_situation_wants_a_person_to_know_and_nobody_said_is_named(voice: Voice) -> None:
    schema = {
        "required": ["phone_model"],
        "properties": {"order_numbers": {"title": "the order number", "minItems": 1}, "tried": {"maxItems": 9}},
    }
    asks = replace(LEGAL, ticket=schema)
    assert a_ticket(voice, situation=asks).missing == ("'phone model' is a required property",)
    assert "the order number" in a_ticket(voice, question="Where is it?", situation=asks).missing
    assert a_ticket(voice, question="Where is it?").missing == ()


@given(words=st.text(min_size=1, max_size=900).filter(str.strip))
def test_a_summary_is_short_whatever_was_written(voice: Voice, words: str) -> None:
    assert len(a_ticket(voice, question=words).summary) <= LONGEST + len("Legal threat:  …")


def test_without_a_known_form_no_order_number_is_found(voice: Voice) -> None:
    from dataclasses import replace

    assert order_numbers(replace(voice, order_number=""), ["NW-204817"]) == ()


def test_a_turn_gets_one_ticket_and_it_outlives_the_program(voice: Voice, tmp_path: Path) -> None:
    assert tickets(tmp_path, "northwind") == []
    assert [keep(tmp_path, a_ticket(voice, key)) for key in ("T-1", "T-1", "T-2")] == [True, False, True]
    found = tickets(tmp_path, "northwind")
    assert [one["id"] for one in found] == ["T-1", "T-2"]
    assert found[0]["transcript"][0] == {"role": "user", "content": "Hi"}
    assert ticket_id("c", 1, "q") == ticket_id("c", 1, "q") != ticket_id("c", 2, "q")


def test_a_line_cut_short_by_a_crash_costs_no_other_ticket(voice: Voice, tmp_path: Path) -> None:
    keep(tmp_path, a_ticket(voice))
    path = tmp_path / "tickets" / "northwind.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + '{"id": "T-9", "at', encoding="utf-8")
    keep(tmp_path, a_ticket(voice, "T-2"))
    assert [one["id"] for one in tickets(tmp_path, "northwind")] == ["T-1", "T-2"]


def test_a_full_disk_is_a_sentence(voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "tickets").write_text("a file where the folder should be")
    with pytest.raises(TurnError, match="could not be saved"):
        keep(tmp_path, a_ticket(voice))
