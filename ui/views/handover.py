"""Under a turn: the ticket for a person, filled where code decides it, on a click where it only offers one."""

import json

import streamlit as st

from chatbot.bot import Bot
from chatbot.errors import SHOWN
from chatbot.feedback.shelf import keep_ticket, read_ticket
from chatbot.situation import NO, OFFER, YES
from chatbot.ticket import Ticket, fill, sent_log, ticket_id
from chatbot.webhook import host, outcomes, send_later
from ui.state import Conversation, Record
from ui.views.voter import with_files


def draw_handover(bot: Bot, talk: Conversation, number: int, carried: str) -> None:
    """The ticket of turn `number`, or the way to one. `carried`: key of the mode whose replies are the history."""
    record = talk.turns[number]
    wanted = record.get("handover", {"escalate": NO, "why": ""})
    if wanted["escalate"] == NO:
        return
    key = ticket_id(talk.id, number, record["question"])
    try:
        found = read_ticket(with_files(bot.settings), bot.brand.key, key)
    except SHOWN as error:
        st.warning(f"Whether there is a ticket cannot be read. {error}")
        found = None
    if found is not None:
        _draw(bot, found)
    elif wanted["escalate"] == OFFER:
        st.button(
            "Hand over to a person", key=f"hand-{number}", help=wanted["why"], icon=":material/support_agent:",
            on_click=hand_over, args=(bot, talk, number, carried),
        )  # fmt: skip


def called(record: Record) -> bool:
    """Is a ticket filled without anybody asking?"""
    return bool(record.get("handover", {}).get("escalate") == YES)


def hand_over(bot: Bot, talk: Conversation, number: int, carried: str) -> None:
    """Fill and keep the ticket; a failure becomes the page's sentence."""
    try:
        ticket = _ticket(bot, talk, number, carried)
        if keep_ticket(with_files(bot.settings), ticket) and bot.settings.webhook:
            _send(bot, ticket.document())
    except SHOWN as error:
        st.session_state.fault = f"The ticket could not be saved. {error}"


def _ticket(bot: Bot, talk: Conversation, number: int, carried: str) -> Ticket:
    record = talk.turns[number]
    return fill(
        ticket_id(talk.id, number, record["question"]),
        bot.voice,
        bot.brand.key,
        bot.situation(record["situation"]["key"]),
        record["handover"]["why"],
        talk.history(carried, number + 1),
        [f"{one['title']} › {one['heading']}: {one['text']}" for one in record["passages"]],
    )


def _send(bot: Bot, document: Record) -> None:
    send_later(bot.settings.webhook, sent_log(bot.settings.home, bot.brand.key), document)


def _draw(bot: Bot, found: Record) -> None:
    with st.expander(f"Ticket {found['id']} for a person", icon=":material/support_agent:"):
        st.markdown("**What it is about**")
        st.text(found["summary"])
        st.caption(found["why"])
        st.markdown("**Order number**")
        st.text(", ".join(found["order_numbers"]) or "none given")
        if found.get("missing"):
            st.warning(f"Still to ask: {', '.join(found['missing'])}.")
        st.markdown("**What was tried**")
        st.text("\n".join(found["tried"]) or "No line of the articles was given.")
        st.markdown("**The conversation so far**")
        for message in found["transcript"]:
            st.text(f"{'Customer' if message['role'] == 'user' else bot_name(found)}: {message['content']}")
        _draw_sending(bot, found)
        document = json.dumps(found, ensure_ascii=False, indent=2)
        name = f"{found['id']}.json"
        st.download_button("Download as JSON", document, name, "application/json", key=f"get-{found['id']}")


def _draw_sending(bot: Bot, found: Record) -> None:
    """Where the ticket is: here alone, on its way, taken, or refused with a way to try again."""
    if not bot.settings.webhook:
        st.caption("Kept on this machine; nothing is sent. `triptych tickets` lists it.")
        return
    where = host(bot.settings.webhook)
    fault = outcomes(sent_log(bot.settings.home, bot.brand.key)).get(found["id"])
    if fault is None:
        st.caption(f"Kept, and on its way to {where}.")
    elif not fault:
        st.caption(f"Kept, and taken by {where}.")
    else:
        st.warning(f"Kept, but not sent: {fault}")
        st.button("Send it again", key=f"send-{found['id']}", on_click=_send, args=(bot, found))


def bot_name(found: Record) -> str:
    """Who answered, in the transcript."""
    return str(found["brand"]).capitalize()
