"""Saved prompts and a draft of them, tried side by side: on messages, and in every column."""

import streamlit as st

from chatbot.bot import LONGEST, Bot
from chatbot.errors import SHOWN
from chatbot.mode import THREE
from ui import markup
from ui.state import Pending, Record, record_of, situation_record, sure
from ui.views.parts import draw_reply

MESSAGES = """How long do I have to return boots?
where is my parcel?? a week and nothing
I want to talk to a human
thanks, that helped
I'll let my lawyer deal with you"""
QUESTION = "How long do I have to return boots that pinch?"
MOST = 20  # messages


def messages(now: Bot | None, new: Bot | None) -> None:
    """Which situation each message is, as saved and as written."""
    text = st.text_area("Messages to try, one on each line", MESSAGES, height=150, key="prompts-messages")
    asked = [line.strip()[:LONGEST] for line in text.split("\n") if line.strip()][:MOST]
    if now is None or not asked:
        return
    rows = []
    for message in asked:
        before, after = _situation(now, message), _situation(new, message) if new else ""
        mark = "" if after in ("", before) else "→ "
        rows.append((message, before, mark + after) if new else (message, before))
    heads = ("Message", "As saved", "As written here") if new else ("Message", "Situation")
    st.html(markup.table(heads, rows))
    if new is None:
        st.caption("Change the text on the left, and a second column shows what your change does.")


def answers(now: Bot | None, new: Bot | None) -> None:
    """One question in three columns, written with the saved prompts and with the draft."""
    st.subheader("Before and after", anchor=False)
    st.caption("The same question, settings and seed. Only the prompt files differ.")
    with st.form("prompts-try", border=False):
        question = st.text_input("A customer asks", QUESTION, max_chars=LONGEST, key="prompts-question")
        go = st.form_submit_button("Answer before and after" if new else "Answer", disabled=now is None)
    if now is None:
        return
    bots = [(name, bot) for name, bot in (("As saved", now), ("As written here", new)) if bot]
    if go:
        st.session_state.pop("prompts-tried", None)
        try:
            st.session_state["prompts-tried"] = [(name, _write(name, bot, question)) for name, bot in bots]
        except SHOWN as error:
            st.error(str(error))
            return
        st.rerun()
    found = st.session_state.get("prompts-tried", [])
    if [record["prompt_version"] for _, record in found] == [bot.guide.version for _, bot in bots]:
        _draw(found)


def _draw(found: list[tuple[str, Record]]) -> None:
    for name, record in found:
        _head(name, record)
        for column, reply in zip(st.columns(len(record["replies"])), record["replies"], strict=True):
            with column, st.container(border=True):
                st.html(markup.mode(reply["mode"], reply["label"], _lever(reply)))
                draw_reply(record, reply)
    _say_same(found)


def _situation(bot: Bot, message: str) -> str:
    try:
        record = situation_record(bot.prepare(message, THREE[:1]))
    except SHOWN as error:
        return str(error)
    return " + ".join(filter(None, (record["name"], record["also"]))) + f" · {sure(record)}"


def _write(name: str, bot: Bot, question: str) -> Record:
    modes = [mode for mode in THREE if bot.adapter or not mode.tuned]
    brief = bot.prepare(question, modes)
    _head(name, {"situation": situation_record(brief), "prompt_version": brief.prompt_version})
    places = []
    for place, mode in zip(st.columns(len(modes)), modes, strict=True):
        with place, st.container(border=True):
            st.html(markup.mode(mode.key, mode.label, "no lever" if brief.approved else mode.lever))
            places.append(st.empty())
    pending = Pending(brief, bot.write(brief))
    try:
        for texts in pending.drain():
            for empty, text in zip(places, texts, strict=True):
                empty.html(markup.reply(text, "Reading …"))
    finally:
        pending.run.stop()  # a rerun in the middle: nobody waits for the rest
    return record_of(bot.turn(brief, pending.texts, pending.ends))


def _head(name: str, record: Record) -> None:
    found = record["situation"]
    st.html(markup.who(f"{name} · {found['name']} · {sure(found)} · version {record['prompt_version']}"))


def _lever(reply: Record) -> str:
    return "no lever" if reply["finish"] == "approved" else str(reply["lever"])


def _say_same(found: list[tuple[str, Record]]) -> None:
    if len(found) < 2:
        return
    before, after = ([one["text"] for one in record["replies"]] for _, record in found)
    labels = [one["label"] for one in found[0][1]["replies"]]
    same = [name for name, old, new in zip(labels, before, after, strict=True) if old == new]
    if same:
        st.caption(f"Word for word the same: {', '.join(same)}. Fine-tuned never sees the prompt layer.")
