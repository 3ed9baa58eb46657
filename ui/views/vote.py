"""Vote blind: one customer message, two replies that appear together, one click; then who wrote which.

Before the vote is stored this page draws the question, the passages and the two texts of a ballot, and nothing else of
it: no mode, no time, no arm."""

import time
from collections.abc import Sequence
from textwrap import shorten

import streamlit as st

from chatbot.bot import LONGEST, Bot
from chatbot.errors import SHOWN, FeedbackError, TurnError
from chatbot.feedback.ballot import FIXED_REASONS, Choice, reasons
from chatbot.feedback.queries import LONGEST_COMMENT
from chatbot.feedback.store import Store
from chatbot.message import Message
from chatbot.mode import mode_of
from chatbot.voice import Voice
from ui import markup
from ui.ballots import (
    Ballot,
    Remarks,
    amend,
    begin,
    choice_of,
    conversation,
    keep,
    sides,
    take_back,
    thanks,
    vote,
    why_void,
    write,
)
from ui.state import passage_records
from ui.views.parts import draw_passages, the_bot
from ui.views.voter import FROM_COMPARE, draw_consent, draw_cookie, has_given, the_store, the_voter

TITLE = "Which reply is better?"
LEAD = (
    "Two replies to one customer message, written by the same small model in two of its three modes. "
    "Vote first; then you see which mode wrote which."
)
CLAIM = "Until your vote is stored, this page does not say which mode wrote which. You may still recognise a style."
CHOICES: tuple[tuple[Choice, str], ...] = (
    ("left", "Left is better"),
    ("right", "Right is better"),
    ("tie", "Equally good"),
    ("both-bad", "Both are bad"),
)
FOLLOWS_COMPARE = "It follows the conversation on Compare, after “{}”"
FOLLOWS_VOTE = "It follows this conversation, with the {}"
SHOWN_LETTERS = 70  # of a message that is only recalled
SIDES = (("left", "Left", "above"), ("right", "Right", "below"))  # key, head, where it stands on a phone


def page() -> None:
    """Draw the whole page; one script run."""
    st.html(markup.STYLE)
    bot = the_bot()
    store = the_store(bot.settings)
    ballot: Ballot | None = st.session_state.get("vote_ballot")
    the_voter()
    over = ballot is not None and (ballot.void or (ballot.cast is not None and not ballot.voted))
    st.html(markup.to_top(2 * ballot.draw.turn + over if ballot else -1), unsafe_allow_javascript=True)
    st.html(markup.header(f"Vote · {bot.name}", TITLE, "" if ballot else LEAD))
    if bot.adapter is None:
        st.warning(f"Voting compares two modes, and only one can write. {bot.adapter_fault}")
        return
    _draw_state(bot, store, ballot)
    draw_consent(store, bot.settings)
    draw_cookie()


def _draw_state(bot: Bot, store: Store, ballot: Ballot | None) -> None:
    if ballot is None:
        _draw_ways(bot, store)
    elif ballot.battle is None:
        _write(bot, ballot)
    elif not _kept(bot, store, ballot):
        st.button("Store it again", key="vote-keep", type="primary")
    elif ballot.void:
        _draw_question(bot, ballot)
        st.info(f"{why_void(ballot)} The pair is kept as void and counts for nothing.")
        _draw_ways(bot, store)
    elif ballot.cast is None:
        _draw_pair(bot, store, ballot)
    elif ballot.voted:
        _draw_voted(bot, store, ballot)
    else:
        _draw_question(bot, ballot)
        st.info(
            "Your vote on this pair is taken back: it counts no more, and a note that it was given stays. "
            "You have seen which mode wrote which, so this pair is not asked again."
        )
        _draw_ways(bot, store)


def _draw_ways(bot: Bot, store: Store) -> None:
    """A message from the deck, or a question of one's own; and why the last one came to nothing."""
    refused = st.session_state.pop("vote_refused", None)
    if refused is not None:
        (st.info if isinstance(refused, TurnError) else st.error)(str(refused))
    began = st.session_state.get("vote_ballot") is not None
    left, right = st.columns([2, 3], gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.markdown("**From the deck**")
        st.caption("A customer message of a situation with few votes so far.")
        st.button(
            "Next pair" if began else "Show me a pair", key="vote-deck", type="primary", shortcut="N",
            on_click=_begin, args=(bot, store),
        )  # fmt: skip
    with right, st.container(border=True, height="stretch"):
        _draw_own(bot, store)


def _draw_own(bot: Bot, store: Store, voted: Ballot | None = None) -> None:
    """A question of one's own; it may be the next message of the conversation that was voted on, or Compare's."""
    if voted is not None:
        kept = "reply you preferred" if choice_of(voted) in ("left", "right") else "left reply"
        before, goes_on, key = conversation(voted), FOLLOWS_VOTE.format(kept), str(voted.draw.turn)
    else:
        before = st.session_state.get(FROM_COMPARE, ())
        goes_on, key = _follows(before), "compare"
    with st.form("vote-own", border=False, clear_on_submit=False):
        question = st.text_input(
            "**Your own question**", key="vote-question", max_chars=LONGEST,
            placeholder=f"Ask {bot.name} as a customer would",
        )  # fmt: skip
        after = bool(before) and st.checkbox(goes_on, voted is None, key=f"vote-after-{key}")
        asked = st.form_submit_button("Ask in two modes", key="vote-ask")
    if asked:
        _begin(bot, store, question, before if after else ())
        st.rerun()


def _follows(before: Sequence[Message]) -> str:
    """Of Compare's conversation its reader sees the last message here."""
    said = [one.content for one in before if one.role == "user"]
    return FOLLOWS_COMPARE.format(markup.unmarked(shorten(said[-1], SHOWN_LETTERS, placeholder=" …"))) if said else ""


def _begin(bot: Bot, store: Store, question: str | None = None, history: Sequence[Message] = ()) -> None:
    state = st.session_state
    try:
        state.vote_ballot = begin(bot, store, the_voter(), question, history)
    except SHOWN as error:
        state.vote_refused = error
        return
    state.vote_fault = ""
    has_given()  # the draw


def _write(bot: Bot, ballot: Ballot) -> None:
    """Both replies to their ends, unseen; a rerun in the middle resumes here."""
    _draw_question(bot, ballot)
    for column, (_, head, place) in zip(st.columns(2), SIDES, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.html(markup.side(head, place))
            st.html(markup.reply("", "Being written …"))
    before = ballot.pending.run.waiting
    waiting = f"{before} before you in the queue." if before else "They appear together."
    bar = st.progress(ballot.share(), text=f"Writing both replies. {waiting}")
    for share in write(bot, ballot):
        bar.progress(share, text="Writing both replies. They appear together.")
    st.rerun()


def _kept(bot: Bot, store: Store, ballot: Ballot) -> bool:
    """Is the pair in the store? It is before anybody sees it."""
    try:
        keep(store, ballot)
    except FeedbackError as error:
        _draw_question(bot, ballot)
        st.error(str(error))
        return False
    return True


def _draw_pair(bot: Bot, store: Store, ballot: Ballot) -> None:
    _draw_question(bot, ballot)
    for column, (_, head, place), text in zip(st.columns(2), SIDES, ballot.texts, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.html(markup.side(head, place))
            st.html(markup.reply(text))
    if ballot.shown_at is None:
        ballot.shown_at = time.monotonic()
    _draw_fault()
    for number, (column, (choice, label)) in enumerate(zip(st.columns(4), CHOICES, strict=True), 1):
        column.button(
            label, key=f"vote-{choice}", shortcut=str(number), width="stretch", type="primary",
            on_click=_vote, args=(store, ballot, choice),
        )  # fmt: skip
    st.html(markup.fair(CLAIM))
    with st.expander("Say more, if you like: before you vote or after", key="vote-more"):
        _draw_remarks(bot.voice, ballot)
    _draw_sources(ballot)


def _draw_voted(bot: Bot, store: Store, ballot: Ballot) -> None:
    _draw_question(bot, ballot)
    for column, side in zip(st.columns(2), sides(ballot), strict=True):
        mode = mode_of(side.arm.mode)
        with column, st.container(border=True, height="stretch"):
            st.html(markup.mode(mode.key, mode.label, mode.lever))
            st.html(markup.reply(side.text))
    st.success(thanks(ballot))
    _draw_fault()
    with st.container(horizontal=True):
        st.button("Next pair", key="vote-next", type="primary", shortcut="N", on_click=_begin, args=(bot, store))
        st.button("Take my vote back", key="vote-undo", icon=":material/undo:", on_click=_undo, args=(store, ballot))
    with st.expander("Say more, if you like", key="vote-more"):
        st.caption("Your choice stays as you gave it blind. What you add now counts in place of what you said before.")
        _draw_remarks(bot.voice, ballot)
        st.button("Keep this with my vote", key="vote-amend", on_click=_amend, args=(store, ballot))
    _draw_sources(ballot)
    with st.container(border=True):
        _draw_own(bot, store, ballot)


def _draw_question(bot: Bot, ballot: Ballot) -> None:
    for message in ballot.brief.history:
        st.html(markup.quote("Customer" if message.role == "user" else bot.name, message.content))
    st.html(markup.asked(f"A customer writes to {bot.name}", ballot.brief.question))


def _draw_sources(ballot: Ballot) -> None:
    with st.expander("What the articles say: both replies were given the same"):
        draw_passages(passage_records(ballot.brief))


def _draw_fault() -> None:
    if st.session_state.get("vote_fault"):
        st.error(st.session_state.vote_fault)
    if st.session_state.get("vote_note"):
        st.caption(st.session_state.pop("vote_note"))


def _draw_remarks(voice: Voice, ballot: Ballot) -> None:
    """Good enough to send, what is wrong, a comment. Nobody has to."""
    known = reasons(voice)
    ours = [key for key in known if key not in FIXED_REASONS]
    for column, (side, head, _) in zip(st.columns(2), SIDES, strict=True):
        with column:
            st.segmented_control(f"**{head}:** good enough to send?", ["Yes", "No"], key=_key(ballot, side, "good"))
            for name, label, keys in (("wrong", "What is wrong?", FIXED_REASONS), ("rules", "Which rule broke?", ours)):
                st.pills(
                    label, list(keys), selection_mode="multi", key=_key(ballot, side, name), wrap=True,
                    format_func=lambda key: markup.priced(known.get(key) or key),
                )  # fmt: skip
    st.text_area("Comment", key=_key(ballot, "both", "comment"), height=80, max_chars=LONGEST_COMMENT)


def _key(ballot: Ballot, side: str, what: str) -> str:
    return f"vote-{what}-{side}-{ballot.draw.turn}"


def _remarks(ballot: Ballot) -> Remarks:
    """What the widgets hold at this click."""
    state = st.session_state

    def good(side: str) -> bool | None:
        return {"Yes": True, "No": False}.get(state.get(_key(ballot, side, "good")) or "")

    def chosen(side: str) -> tuple[str, ...]:
        return tuple(key for name in ("wrong", "rules") for key in state.get(_key(ballot, side, name)) or ())

    comment = (state.get(_key(ballot, "both", "comment")) or "").strip()
    return Remarks(good("left"), good("right"), chosen("left"), chosen("right"), comment)


def _vote(store: Store, ballot: Ballot, choice: Choice) -> None:
    """Before the page is drawn: thanks and names come only from what is stored."""
    try:
        vote(store, ballot, choice, _remarks(ballot), time.monotonic())
    except FeedbackError as error:
        st.session_state.vote_fault = str(error)
        return
    st.session_state.vote_fault = ""


def _amend(store: Store, ballot: Ballot) -> None:
    try:
        amend(store, ballot, _remarks(ballot))
    except FeedbackError as error:
        st.session_state.vote_fault = str(error)
        return
    st.session_state.vote_fault, st.session_state.vote_note = "", "What you added is kept."


def _undo(store: Store, ballot: Ballot) -> None:
    try:
        take_back(store, ballot)
    except FeedbackError as error:
        st.session_state.vote_fault = str(error)
        return
    st.session_state.vote_fault = ""


page()
