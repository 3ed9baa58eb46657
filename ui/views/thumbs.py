"""A thumb under an ordinary reply, and a comment if there is one: stored with where the reply came from.

A thumb that could not be stored is not shown as given, and the sentence why stands under it."""

import secrets

import streamlit as st

from chatbot.bot import Bot
from chatbot.errors import SHOWN, FeedbackError
from chatbot.feedback.provenance import Origin
from chatbot.feedback.queries import LONGEST_COMMENT
from chatbot.feedback.shelf import give_thumb, thumb, withdraw_thumb
from ui.views.voter import has_given, the_store, the_voter

NOTE = (
    "A thumb is kept with its question and reply under a random id that a cookie in this browser holds. "
    "The page Vote says what is kept, and deletes it."
)


def draw_thumb(bot: Bot, origin: Origin) -> None:
    """Up or down, as this voter left it; once it is given, a place for a comment."""
    key = f"thumb-{origin.reply}"
    state = st.session_state
    if key not in state:
        state[key] = _given_before(bot, origin)
    told = state.get("thumb_told", {})
    mine = told.get("reply") == origin.reply
    with st.container(horizontal=True, vertical_alignment="center"):
        st.feedback("thumbs", key=key, on_change=_give, args=(bot, origin, key))
        if state[key] is not None:
            with st.popover("Say why", type="tertiary"):
                st.text_area("Comment", key=f"{key}-said", height=80, max_chars=LONGEST_COMMENT)
                st.button("Keep it", key=f"{key}-keep", on_click=_give, args=(bot, origin, key, "Comment kept."))
        if mine and not told["fault"]:
            st.caption(told["said"], width="content")
    if mine and told["fault"]:
        st.error(told["said"])


def _given_before(bot: Bot, origin: Origin) -> int | None:
    """This voter's standing thumb; a store that cannot be read is told of when one is given."""
    voter = the_voter()
    if not st.session_state.voter_kept:
        return None
    try:
        found = thumb(the_store(bot.settings), origin.reply, voter)
    except FeedbackError:
        return None
    return None if found is None else int(found)


def _give(bot: Bot, origin: Origin, key: str, thanks: str = "") -> None:
    state = st.session_state
    given, said = state[key], state.get(f"{key}-said") or ""
    try:
        store = the_store(bot.settings)
        if given is None:
            withdraw_thumb(store, origin.reply, the_voter())
        else:
            give_thumb(store, origin, the_voter(), secrets.token_urlsafe(9), bool(given), said.strip())
    except SHOWN as error:
        state.thumb_told = {"reply": origin.reply, "fault": True, "said": str(error)}
        if not thanks:
            state[key] = _given_before(bot, origin)
        return
    has_given()
    thanks = thanks or ("Kept." if given is not None else "Taken back.")
    state.thumb_told = {"reply": origin.reply, "fault": False, "said": thanks}
