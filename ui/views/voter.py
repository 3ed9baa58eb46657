"""Who votes, and where it is kept: the store behind the pages, a random id in a cookie, what is kept and its deletion;
the way to a vote from another page.

Knows nothing of pairs, modes, tickets or marks."""

import json
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from chatbot.brand import find_brand
from chatbot.errors import FeedbackError
from chatbot.feedback.forget import Gone, due, forget
from chatbot.feedback.privacy import own_texts
from chatbot.feedback.shelf import import_files
from chatbot.feedback.store import Store, open_store
from chatbot.message import Message
from chatbot.settings import Settings
from chatbot.voice import read_voice
from knowledge.article import read_articles
from ui.ballots import known_voter
from ui.views.parts import stamp

COOKIE = "triptych_voter"
FROM_COMPARE = "vote_from_compare"  # in the session: a conversation there, whose next message may be voted on
YEAR_S = 365 * 24 * 3600
KEPT = (
    "**What is kept:** each pair of replies with its question, and your votes and thumbs with what you add to them, "
    "under a random id that a cookie in this browser holds. No name and no IP address."
)
SCRUBBED = {
    "on": "E\u2011mail addresses, phone, card and order numbers are taken out before anything is stored; other "
    "personal details are not recognised, so leave them out.",
    "off": "Texts are stored as they were typed, so leave personal details out.",
}


def the_store(settings: Settings) -> Store:
    """One store for all sessions of this server; it knows the order numbers' form as it is now. Raises errors.SHOWN."""
    return _opened(_place(settings), stamp(settings), settings)


# a store that goes out of the cache lets go of its connections; a page that still holds it gets new ones
@st.cache_resource(max_entries=2, show_spinner=False, on_release=Store.close)
def _opened(place: str, stamped: str, _settings: Settings) -> Store:
    brand = find_brand(_settings.brand, _settings.home)
    return open_store(_settings, read_voice(brand.prompts / "voice.md"), own_texts(read_articles(Path(brand.articles))))


def with_files(settings: Settings) -> Store:
    """`the_store`, with the tickets and marks that an earlier version kept in files. Raises errors.SHOWN."""
    store = the_store(settings)
    _taken_over(_place(settings), settings.brand, store, settings)
    return store


@st.cache_resource(show_spinner=False)
def _taken_over(place: str, brand: str, _store: Store, _settings: Settings) -> dict[str, int]:
    return import_files(_store, _settings.home, find_brand(brand, _settings.home).key)


def _place(settings: Settings) -> str:
    return json.dumps([str(settings.home), settings.database_url, settings.scrub])


def the_voter() -> str:
    """The random id of whoever sits at this browser; a new one until a cookie says otherwise."""
    state = st.session_state
    if "voter" not in state:
        cookie = str(st.context.cookies.get(COOKIE, ""))
        state.voter = known_voter(cookie)
        state.voter_kept = cookie == state.voter  # else there is nothing of theirs in the store yet
    return str(state.voter)


def has_given() -> None:
    """From now on something of this voter's is in the store: the cookie is written when the page is drawn."""
    st.session_state.voter_kept = True


def draw_cookie() -> None:
    """Have the browser remember the voter once something of theirs is kept, and forget them when it is deleted."""
    state = st.session_state
    if state.get("voter_kept"):
        _write_cookie(the_voter(), YEAR_S)
    elif state.get("voter_gone"):
        _write_cookie("", 0)


def go_and_vote(history: Sequence[Message]) -> None:
    """To the page Vote with a conversation that its reader may go on with. A pair that waits for a vote stays there."""
    st.session_state[FROM_COMPARE] = tuple(history)
    ballot = st.session_state.get("vote_ballot")
    if ballot is not None and (ballot.void or ballot.cast is not None):
        del st.session_state.vote_ballot
    st.switch_page("views/vote.py")


def draw_consent(store: Store, settings: Settings) -> None:
    """What is kept, and the way to have it deleted."""
    with st.container(key="consent"):
        st.caption(f"{KEPT} {SCRUBBED[settings.scrub]}")
        if gone := st.session_state.pop("voter_deleted", None):
            st.success(f"Deleted for good: {_told(gone)}. Only their number stays in the counts.")
        if st.session_state.get("voter_fault"):
            st.error(st.session_state.voter_fault)
        if st.session_state.get("voter_kept"):
            with st.popover("Delete my votes", icon=":material/delete:"):
                _draw_deletion(store)


def _draw_deletion(store: Store) -> None:
    try:
        found = due(store, voter=the_voter())
    except FeedbackError as error:
        st.error(str(error))
        return
    st.markdown(f"Under your id are kept: {_told(found)}. What you took back is among them.")
    st.button("Delete it all for good", key="voter-delete", on_click=_delete, args=(store,), type="primary")


def _delete(store: Store) -> None:
    state = st.session_state
    try:
        state.voter_deleted = forget(store, voter=the_voter())
    except FeedbackError as error:
        state.voter_fault = str(error)
        return
    for key in ("voter_fault", "vote_ballot", "thumb_told"):
        state.pop(key, None)
    state.voter, state.voter_kept, state.voter_gone = known_voter(), False, True


def _told(gone: Gone) -> str:
    lots = ((gone.battles, "pair", "pairs"), (gone.votes, "vote", "votes"), (gone.thumbs, "thumb", "thumbs"))
    pairs, votes, thumbs = (f"{n} {one if n == 1 else more}" for n, one, more in lots)
    return f"{pairs} of replies, {votes} and {thumbs}"


def _write_cookie(value: str, seconds: int) -> None:
    crumb = json.dumps(f"{COOKIE}={value}; path=/; max-age={seconds}; SameSite=Lax")
    st.html(f"<script>document.cookie = {crumb}</script>", unsafe_allow_javascript=True)
