"""Blind review: a person reads one reply after another and says if it sounds like the brand and could be sent.

Draws what an `Item` holds and nothing else until the pile is finished. Never wakes the model."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit as st

from chatbot.brand import Brand, find_brand
from chatbot.errors import FeedbackError, SuiteError
from chatbot.feedback.shelf import StoredMarks
from chatbot.quality.marks import Outcome
from chatbot.quality.report import OUTCOMES, read_outcomes, room
from chatbot.quality.review import Desk, Item, Verdict, pile_sizes, runs
from chatbot.quality.rules import read_rules
from chatbot.quality.session import SUITES
from chatbot.quality.suite import Case, read_suite
from chatbot.settings import Settings, read_settings
from chatbot.voice import Voice, read_voice
from ui import markup
from ui.state import NO_PASSAGES
from ui.views.voter import with_files

SECONDS = 30  # of a reviewer, for one reply
LONGEST = 2000  # characters of a comment
LEAD = (
    "Read one reply at a time and say whether it sounds like the brand and could be sent. What wrote it, what the "
    "automatic checks found and what other reviewers said stay hidden until you are done."
)
NO_RUN = (
    "There are no replies to review yet. A tone-QA run makes them: start one on the page **Tone QA**, or type "
    "`triptych qa` in a terminal. Then come back here."
)
FAULTS = (SuiteError, FeedbackError)  # replies that cannot be read; marks that cannot be stored or read
Draft = dict[str, Any]  # what was entered on one reply and is not yet saved


def page() -> None:
    """Draw the whole page; one script run."""
    st.html(markup.STYLE)
    settings = read_settings()
    brand = find_brand(settings.brand, settings.home)
    voice = read_voice(brand.prompts / "voice.md")
    try:
        found = _sat_down(settings, brand)
    except FAULTS as error:
        _draw_fault(str(error))
        return
    if found is None:
        _set_up(settings, brand, voice)
        return
    desk, outcomes = found
    number = _at(desk)
    if number is None:
        _finished(desk, outcomes, voice)
    else:
        _draw_marking(desk, number, brand, voice)


def _sat_down(settings: Settings, brand: Brand) -> tuple[Desk, tuple[Outcome, ...]] | None:
    """The pile of the reviewer of this session; None before they have said who they are. Raises SuiteError."""
    sitting = st.session_state.get("review_sitting")
    if sitting is None:
        return None
    reviewer, run, size = sitting
    outcomes = _outcomes(room(settings.home, brand.key) / run)
    return _desk(settings, brand, outcomes, reviewer, run, size), outcomes


def _desk(settings: Settings, brand: Brand, outcomes: tuple[Outcome, ...], reviewer: str, run: str, size: int) -> Desk:
    folder, marks = settings.home / "reviews" / brand.key / run, StoredMarks(with_files(settings), brand.key, run)
    return Desk(outcomes, folder, reviewer, size, cases=_cases(brand.key)[0], marks=marks)


def _outcomes(folder: Path) -> tuple[Outcome, ...]:
    """Raises SuiteError."""
    try:
        return _read_outcomes(folder, (folder / OUTCOMES).stat().st_mtime)
    except (OSError, SuiteError) as error:
        way_out = "Choose another run, or make it again: triptych qa."
        raise SuiteError(f"The replies of the run {folder.name} cannot be read from {folder}. {way_out}") from error


@st.cache_resource(max_entries=4, show_spinner="Reading the replies …")
def _read_outcomes(folder: Path, changed: float) -> tuple[Outcome, ...]:
    return tuple(read_outcomes(folder))


@st.cache_resource(max_entries=4, show_spinner=False)
def _cases(brand: str) -> tuple[tuple[Case, ...], str]:
    """The brand's suite, for the earlier messages of a conversation; or the sentence why they are not shown."""
    try:
        return tuple(read_suite(SUITES / f"{brand}.jsonl")), ""
    except SuiteError as error:
        return (), f"If this question followed earlier messages, they cannot be shown. {error}"


def _at(desk: Desk) -> int | None:
    """The number of the reply to be drawn; None when all are marked."""
    chosen: int | None = st.session_state.get("review_at")
    if chosen is not None and chosen < desk.total:
        return chosen
    item = desk.next()
    return None if item is None else item.number


def _draw_fault(fault: str) -> None:
    """Nothing can be read just now. What was entered is kept for when it can."""
    for one in filter(None, (st.session_state.get("review_fault"), fault)):
        st.error(one)
    with st.container(horizontal=True):
        st.button("Try again", type="primary")
        st.button("Another name or run", on_click=_leave)


def _leave() -> None:
    """Back to the question who is there; their name is kept for the field."""
    for key in ("review_sitting", "review_at", "review_drafts", "review_shown", "review_fault"):
        st.session_state.pop(key, None)


def _set_up(settings: Settings, brand: Brand, voice: Voice) -> None:
    """Who are you, which run, how many?"""
    st.html(markup.header(voice.name, "Mark replies blind", LEAD))
    left, _ = st.columns([3, 2])
    with left:
        folders = runs(settings.home, brand.key)
        if not folders:
            st.info(NO_RUN)
        else:
            _draw_choices(settings, brand, folders)
        if st.session_state.get("review_fault"):
            st.error(st.session_state.review_fault)


def _draw_choices(settings: Settings, brand: Brand, folders: list[Path]) -> None:
    kept = st.session_state.get("review_name", "")
    st.text_input("Your name", kept, max_chars=40, placeholder="Ana", key="review_field_name")
    run = st.selectbox("Replies of the run", [folder.name for folder in folders], key="review_field_run")
    try:
        sizes = pile_sizes(_outcomes(room(settings.home, brand.key) / run))
    except SuiteError as error:
        st.error(str(error))
        return
    st.radio("How many", sizes, format_func=_effort, key="review_field_size")
    st.caption(
        "Every reviewer gets the same replies, each in an order of their own; a few come twice. You can stop at any "
        "time, come back under the same name, and go on with more later."
    )
    st.button("Begin", type="primary", on_click=_sit_down, args=(settings, brand))


def _effort(size: int) -> str:
    minutes = size * SECONDS / 60
    long = f"{max(5, 5 * round(minutes / 5))} minutes" if minutes < 90 else f"{minutes / 60:.0f} hours"
    return f"{size} replies, about {long}"


def _sit_down(settings: Settings, brand: Brand) -> None:
    """Reads the fields as they are at the click: a name typed a moment ago counts."""
    state = st.session_state
    reviewer, run, size = state.review_field_name, state.review_field_run, state.review_field_size
    state.review_name = reviewer
    if not reviewer.strip():
        state.review_fault = "Type your name first: your marks are kept under it."
        return
    try:
        _desk(settings, brand, _outcomes(room(settings.home, brand.key) / run), reviewer, run, size)
    except FAULTS as error:
        state.review_fault = str(error)
        return
    state.review_sitting, state.review_fault = (reviewer, run, size), ""


def _finished(desk: Desk, outcomes: tuple[Outcome, ...], voice: Voice) -> None:
    from ui.views.agreed import draw_finished  # scikit-learn and pandas' friends: not before the end

    draw_finished(desk, outcomes, voice.name)
    st.button("Another name or run", on_click=_leave, type="tertiary")


def _draw_marking(desk: Desk, number: int, brand: Brand, voice: Voice) -> None:
    """One reply on the left, the questions about it on the right; on a phone one below the other."""
    st.html(markup.to_top(number), unsafe_allow_javascript=True)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(number / desk.total, text=f"**{number + 1} of {desk.total}**")
        st.button("Pause", on_click=_leave, help="Your marks are kept; come back under the same name.")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _draw_item(desk.item(number), voice.name, _cases(brand.key)[1])
    with right:
        _draw_questions(desk, number, _rule_names(brand, voice))


def _draw_item(item: Item, brand: str, note: str) -> None:
    if note:
        st.caption(note)
    for message in item.history:
        st.html(
            markup.asked("Customer", message.content) if message.role == "user" else markup.said(brand, message.content)
        )
    st.html(markup.asked("Customer", item.question))
    st.html(markup.who("The reply to mark"))
    with st.container(border=True):
        st.html(markup.reply(item.text, "No words came."))
    with st.expander(f"What the brand's articles say ({len(item.passages)})"):
        if not item.passages:
            st.caption(NO_PASSAGES)
        for passage in item.passages:
            head, _, text = passage.partition(": ")
            st.html(markup.quote(head, text) if text else markup.quote("", head))


def _draw_questions(desk: Desk, number: int, rules: list[str]) -> None:
    draft = _draft(desk, number)
    _draw_yes_no("On brand?", "on_brand", number, draft, ("1", "2"))
    _draw_yes_no("Good enough to send?", "send", number, draft, ("3", "4"))
    with st.form(f"mark-{number}", border=False):
        known = list(dict.fromkeys([*rules, *draft["broke"]]))
        st.pills(
            "Which rules did it break, if any?",
            known,
            selection_mode="multi",
            wrap=True,
            default=draft["broke"],
            key=f"broke-{number}",
            format_func=markup.priced,
        )
        st.text_area("Comment (optional)", draft["comment"], height=80, max_chars=LONGEST, key=f"comment-{number}")
        given = desk, number
        if st.session_state.get("review_fault"):
            st.error(st.session_state.review_fault)
        with st.container(horizontal=True):
            st.form_submit_button(
                "Save and next", type="primary", shortcut="Ctrl+Enter", on_click=_save, args=given, key="save"
            )
            st.form_submit_button("Back", on_click=_back, args=given, disabled=number == 0, key="back")


def _draw_yes_no(label: str, key: str, number: int, draft: Draft, shortcuts: tuple[str, str]) -> None:
    """Two buttons, for a radio has no keys of its own to be pressed. The icon keeps their width when one is chosen."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{label}**", width="content")
        with st.container(horizontal=True, width="content"):
            for said, word, shortcut in zip((True, False), ("Yes", "No"), shortcuts, strict=True):
                chosen = draft[key] is said
                st.button(
                    word,
                    key=f"{key}-{word}-{number}",
                    type="primary" if chosen else "secondary",
                    icon=f":material/radio_button_{'checked' if chosen else 'unchecked'}:",
                    shortcut=shortcut,
                    on_click=draft.update,
                    args=({key: said},),
                )


def _draft(desk: Desk, number: int) -> Draft:
    """What was entered on this reply, or saved before."""
    drafts: dict[int, Draft] = st.session_state.setdefault("review_drafts", {})
    if number not in drafts:
        saved = next((one.verdict for one in desk.mine() if one.number == number), None)
        empty: Draft = {"on_brand": None, "send": None, "broke": (), "comment": ""}
        drafts[number] = empty if saved is None else dict(vars(saved))
    return drafts[number]


def _entered(number: int) -> Draft:
    """The draft with what the form holds now."""
    draft: Draft = st.session_state.review_drafts[number]
    state = st.session_state
    draft.update(broke=tuple(state[f"broke-{number}"]), comment=(state[f"comment-{number}"] or "").strip())
    return draft


def _save(desk: Desk, number: int) -> None:
    """On the disk, then on to the next; what was entered stays where it cannot be saved."""
    state, draft = st.session_state, _entered(number)
    if draft["on_brand"] is None or draft["send"] is None:
        state.review_fault = "Say yes or no to both questions first."
        return
    try:
        desk.save(number, Verdict(**draft), datetime.now(UTC).isoformat(timespec="seconds"))
    except FAULTS as error:
        state.review_fault = str(error)
        return
    del state.review_drafts[number]
    state.review_at, state.review_fault = number + 1, ""


def _back(desk: Desk, number: int) -> None:
    _entered(number)
    st.session_state.review_at, st.session_state.review_fault = number - 1, ""


def _rule_names(brand: Brand, voice: Voice) -> list[str]:
    """The voice guide's rules, and those of rules.toml that stand for none of them."""
    path = brand.prompts / "rules.toml"
    more = [rule.name for rule in read_rules(path).rules if rule.voice is None] if path.is_file() else []
    return [*voice.rules, *more]


page()
