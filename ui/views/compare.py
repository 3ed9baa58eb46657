"""The main page: one question, the chosen columns streaming side by side."""

from dataclasses import replace

import streamlit as st

from adapters.card import Card
from chatbot.bot import LONGEST, Bot
from chatbot.engine.protocol import Decoding
from chatbot.errors import SHOWN
from chatbot.feedback.provenance import arms
from chatbot.mode import EVERY, THREE, Mode
from ui import markup
from ui.state import (
    Conversation,
    Pending,
    Record,
    open_conversation,
    passage_records,
    record_of,
    settings_line,
    situation_record,
    sure,
)
from ui.thumbs import origin_of, trace
from ui.views.handover import called, draw_handover, hand_over
from ui.views.parts import draw_evidence, draw_foot, draw_passages, draw_reply, draw_why, the_bot
from ui.views.thumbs import NOTE, draw_thumb
from ui.views.voter import draw_cookie, go_and_vote

EXAMPLES = (
    "How long do I have to return boots?",
    "WHERE IS MY PARCEL?? No news for 5 days",
    "how much is it to get the zipper on my jacket replaced",
    "Is a gift card still good after two years?",
    "I'll let my lawyer deal with you.",
    "Can you write me a poem about the sea?",
)
BY_LABEL = {mode.label: mode for mode in EVERY}
DETECT = "Detect it"
LEAD = (
    "The same small model answers with a prompt layer, with a trained adapter, and with both. "
    "See what each lever does to the reply."
)


def page() -> None:
    """Draw the whole page; one script run."""
    st.html(markup.STYLE)
    bot = the_bot()
    talk = _conversation(bot)
    _sidebar(bot)
    st.html(markup.header(bot.name, "One question, three answers", LEAD))
    modes = _modes(bot)
    for number, record in enumerate(talk.turns):
        _draw_turn(bot, talk, record, number, modes)
    pending: Pending | None = st.session_state.get("pending")
    asked = st.chat_input(
        f"Ask {bot.name} as a customer would", max_chars=LONGEST, disabled=pending is not None or not modes
    )
    _draw_faults(bot, talk, modes)
    if pending is not None:
        _write(bot, talk, pending)
    elif asked:
        _begin(bot, talk, asked, modes)
    elif not talk.turns:
        _examples(bot, talk, modes)
    draw_cookie()


def _conversation(bot: Bot) -> Conversation:
    if "talk" not in st.session_state:
        state = st.session_state
        state.talk, state.fault = open_conversation(bot.settings.home, st.query_params.get("c"))
    talk: Conversation = st.session_state.talk
    if talk.turns:
        st.query_params["c"] = talk.id  # a reload, or the link, brings the conversation back
    return talk


def _modes(bot: Bot) -> list[Mode]:
    """The chosen columns, in their fixed order."""
    default = [mode.label for mode in THREE if bot.adapter or not mode.tuned]
    chosen = st.pills(
        "Columns",
        list(BY_LABEL),
        selection_mode="multi",
        default=default,
        key="modes",
        help="Any of the three, alone or together. The plain base has neither lever: it is the control.",
    )
    if not chosen:
        st.info("Turn on at least one column to ask a question.")
    if bot.adapter is None:
        st.warning(f"Fine-tuned and Combined are off. {bot.adapter_fault}")
    return [mode for mode in EVERY if mode.label in chosen]


def _sidebar(bot: Bot) -> None:
    with st.sidebar:
        st.selectbox(
            "Situation",
            [DETECT, *(one.key for one in bot.situations)],
            format_func=lambda key: next((one.name for one in bot.situations if one.key == key), key),
            key="situation",
            help="Which guidance the prompt layer adds. Detected from the message unless you choose.",
        )
        st.selectbox(
            "Follow-ups continue from",
            [mode.label for mode in EVERY],
            index=EVERY.index(THREE[-1]),
            key="carried",
            help="In a follow-up every column sees the same history: your questions and this column's replies.",
        )
        with st.expander("Settings, the same for every column"):
            st.slider("Longest reply (tokens)", 40, 400, bot.settings.max_new_tokens, 10, key="tokens")
            st.slider("Temperature", 0.0, 1.5, bot.settings.temperature, 0.1, key="temperature")
            st.caption("0 always takes the likeliest word. Above it, the seed decides.")
            st.toggle(
                "Approved wording where a mistake costs",
                bot.settings.approved == "on",
                key="approved",
                help="Where a situation file holds approved wording (a legal threat, a wish for a person), that is the "
                "reply in every column. Turn it off to see what the model would have written.",
            )
            st.number_input("Seed", 0, 2**31 - 1, bot.settings.seed, key="seed")
        if st.button("New conversation", width="stretch", disabled="pending" in st.session_state):
            _forget()
        if bot.adapter is not None:
            st.caption(_told_adapter(bot.adapter))
        st.caption(NOTE)


def _told_adapter(card: Card) -> str:
    learnt = f"{card.examples} example replies"
    if card.preferences is not None:
        learnt += f", then {card.preferences.pairs} pairs of a better and a worse reply"
    return (
        f"Adapter: {learnt}, trained {card.trained} in {card.seconds / 60:.0f} minutes on this kind of machine: "
        f"{card.processor}."
    )


def _forget() -> None:
    for key in ("talk", "fault", "retry"):
        st.session_state.pop(key, None)
    st.query_params.clear()
    st.rerun()


def _carried() -> str:
    """The key of the mode that follow-ups continue from."""
    return BY_LABEL[st.session_state.carried].key


def _decoding(bot: Bot) -> Decoding:
    state = st.session_state
    return replace(
        bot.settings.decoding,
        max_new_tokens=int(state.tokens),
        temperature=float(state.temperature),
        seed=int(state.seed),
    )


def _examples(bot: Bot, talk: Conversation, modes: list[Mode]) -> None:
    st.caption("Try one of these, or ask your own question below.")
    left, right = st.columns(2)
    for number, text in enumerate(EXAMPLES):
        column = left if number % 2 == 0 else right
        if column.button(text, key=f"example-{number}", width="stretch", disabled=not modes):
            _begin(bot, talk, text, modes)


def _begin(
    bot: Bot, talk: Conversation, question: str, modes: list[Mode], situation: str | None = None, at: int | None = None
) -> None:
    """Prepare the turn and start writing it; `at` replaces that turn."""
    state = st.session_state
    state.fault, state.retry = "", None
    wanted = situation or (None if state.situation == DETECT else state.situation)
    try:
        history = talk.history(_carried(), at)
        brief = bot.prepare(question, modes, history, wanted, _decoding(bot), bool(state.approved))
        state.pending = Pending(brief, bot.write(brief), at)
    except SHOWN as error:
        state.fault, state.retry = str(error), question
    st.rerun()


def _write(bot: Bot, talk: Conversation, pending: Pending) -> None:
    """Stream until every column has ended, then save the turn. A rerun in the middle resumes here."""
    brief = pending.brief
    situation, passages = situation_record(brief), passage_records(brief)
    st.html(markup.question(brief.question))
    with st.container(horizontal=True, vertical_alignment="center"):
        _chip(situation, passages)
        st.button("Stop", key="stop", on_click=pending.run.stop, icon=":material/stop:")
    st.html(markup.fair(settings_line(vars(brief.decoding), len(passages), len(brief.modes), bool(brief.approved))))
    places = []
    for column, mode in zip(st.columns(len(brief.modes)), brief.modes, strict=True):
        with column, st.container(border=True):
            st.html(markup.mode(mode.key, mode.label, mode.lever))
            places.append(st.empty())
    before = pending.run.waiting
    waiting = f"{before} before you in the queue …" if before else "Reading the passages …"
    for place, text in zip(places, pending.texts, strict=True):
        place.html(markup.reply(text, waiting))
    try:
        for texts in pending.drain():
            for place, text in zip(places, texts, strict=True):
                place.html(markup.reply(text, waiting))
        pending.settle(lambda: _keep(bot, talk, pending))
    except SHOWN as error:
        st.session_state.fault, st.session_state.retry = str(error), brief.question
    st.session_state.pop("pending", None)
    st.rerun()


def _keep(bot: Bot, talk: Conversation, pending: Pending) -> None:
    brief = pending.brief
    record = record_of(bot.turn(brief, pending.texts, pending.ends), pending.replaces)
    number = len(talk.turns) if pending.replaces is None else pending.replaces
    record["trace"] = trace(talk, number, brief.history, arms(bot, brief))
    st.session_state.fault = talk.add(record)
    if called(record):
        hand_over(bot, talk, len(talk.turns) - 1, _carried())


def _draw_turn(bot: Bot, talk: Conversation, record: Record, number: int, modes: list[Mode]) -> None:
    st.html(markup.question(record["question"]))
    last = number == len(talk.turns) - 1 and "pending" not in st.session_state
    with st.container(horizontal=True, vertical_alignment="center"):
        again = _chip(record["situation"], record["passages"], bot if last and modes else None, number)
    if again:
        _begin(bot, talk, record["question"], modes, again, number)
    spoken = record["replies"][0]["finish"] == "approved"
    st.html(markup.fair(settings_line(record["decoding"], len(record["passages"]), len(record["replies"]), spoken)))
    for column, reply in zip(st.columns(len(record["replies"])), record["replies"], strict=True):
        with column, st.container(border=True):
            st.html(markup.mode(reply["mode"], reply["label"], "no lever" if spoken else reply["lever"]))
            draw_reply(record, reply)
            draw_foot(reply)
            if origin := origin_of(talk, number, reply["mode"]):
                draw_thumb(bot, origin)
            draw_why(record, reply)
    draw_handover(bot, talk, number, _carried())
    if last and bot.adapter is not None:
        _blind(talk)


def _blind(talk: Conversation) -> None:
    """The way to a vote on the next message: nobody has seen a reply to that one."""
    if st.button("Ask the next message blind, and vote", key="go-vote", type="tertiary", icon=":material/how_to_vote:"):
        go_and_vote(talk.history(_carried()))


def _chip(situation: Record, passages: list[Record], bot: Bot | None = None, number: int = -1) -> str | None:
    """The situation, its reasons, and where `bot` is given a way to answer as another one."""
    found = " + ".join(filter(None, (situation["name"], situation.get("also"))))
    with st.popover(f"Situation: {found} · {sure(situation)}"):
        st.caption(situation["description"])
        for why in situation.get("dropped", ()):
            st.caption(why)
        st.markdown("Nearest example messages")
        draw_evidence(situation["evidence"][:5])
        if bot is not None:
            names = {one.key: one.name for one in bot.situations}
            others = [key for key in names if key != situation["key"]]
            key = f"as-{number}-{situation['key']}"
            wanted = st.selectbox("Answer it as", others, format_func=lambda one: names[one], key=key)
            if st.button("Answer again", key=f"again-{number}"):
                return str(wanted)
    with st.popover(f"{len(passages)} passages" if len(passages) != 1 else "1 passage"):
        draw_passages(passages)
    return None


def _draw_faults(bot: Bot, talk: Conversation, modes: list[Mode]) -> None:
    if st.session_state.get("fault"):
        st.error(st.session_state.fault)
    retry = st.session_state.get("retry")
    if retry and retry.strip() and st.button("Ask it again", key="retry-button"):
        _begin(bot, talk, retry, modes)


page()
