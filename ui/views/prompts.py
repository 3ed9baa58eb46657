"""The prompt layer, edited live: what a change does to situations and replies is seen before it is saved."""

from collections.abc import Callable

import streamlit as st

from chatbot.bot import Bot
from chatbot.brand import find_brand
from chatbot.errors import SHOWN, ChatError
from chatbot.guide import Guide, version_of
from chatbot.settings import read_settings
from chatbot.situations import FALLBACKS
from chatbot.versions import History, Saved, check
from ui import markup
from ui.drafts import Draft, label, starter
from ui.views.parts import the_bot
from ui.views.trying import answers, messages

LEAD = (
    "The prompt layer is text that anyone may edit. Change it here, see which messages it catches and how the three "
    "columns answer before and after, then save. Nobody else sees a change until then."
)
RULES = {"rules.toml": "Voice rules that tone QA checks", "situations.toml": "Situation rules that tone QA checks"}


def page() -> None:
    """Draw the whole page; one script run."""
    st.html(markup.STYLE)
    settings = read_settings()
    brand = find_brand(settings.brand, settings.home)
    history = History(brand, settings.home)
    draft = _draft(history)
    guide, fault = _checked(draft, brand.key)
    name = guide.voice.name if guide else brand.key
    st.html(markup.header(f"Prompts · {name}", "Change the words, see the replies change", LEAD))
    for kind in ("said", "refused"):
        if told := st.session_state.pop(f"prompts-{kind}", ""):
            (st.success if kind == "said" else st.error)(told)
    left, right = st.columns(2, gap="large")
    with left:
        _editor(draft, fault)
        _buttons(history, draft, fault)
    now, new = _bots(draft, guide)
    with right:
        messages(now, new)
    answers(now, new)
    _changes(draft)
    _earlier(history, draft)


def _draft(history: History) -> Draft:
    """What this session writes. Without changes of its own it is what is saved, whoever saved it."""
    files = history.files()
    draft: Draft | None = st.session_state.get("draft")
    if draft is None or (not draft.changed and draft.saved != files):
        draft = st.session_state.draft = Draft(files)
    return draft


def _checked(draft: Draft, brand: str) -> tuple[Guide | None, str]:
    try:
        return check(draft.files, brand), ""
    except SHOWN as error:
        return None, str(error)


def _bots(draft: Draft, guide: Guide | None) -> tuple[Bot | None, Bot | None]:
    """The bot as saved and the bot as written here; None for one whose files have a fault."""
    try:
        now = the_bot()
    except ChatError as error:
        st.error(f"What is saved cannot be used: {error}")
        return None, None
    if guide is None or guide.version == now.guide.version:
        return now, None
    return now, _drafted(now.guide.version, guide.version, now, guide)


@st.cache_resource(max_entries=4, show_spinner="Learning the situations anew …")
def _drafted(saved: str, version: str, _bot: Bot, _guide: Guide) -> Bot:
    return _bot.guided_by(_guide)


def _editor(draft: Draft, fault: str) -> None:
    names = sorted(draft.files, key=lambda one: (one != "voice.md", one.endswith(".toml"), one))
    chosen = st.selectbox("File", names, format_func=lambda one: _titled(draft, one), key="prompts-file")
    key = f"prompts-text-{chosen}-{draft.round}"
    st.text_area(
        "Its text",
        draft.files[chosen],
        height=430,
        key=key,
        on_change=lambda: draft.write(chosen, str(st.session_state[key])),
        help="Click outside the box, or press Ctrl+Enter, and everything on this page follows your change.",
    )
    if fault:
        st.error(fault)
    _more(draft, chosen)


def _titled(draft: Draft, name: str) -> str:
    mark = " (changed)" if name in draft.changed else ""
    return RULES.get(name, label(name, draft.files[name])) + mark


def _more(draft: Draft, chosen: str) -> None:
    """Situations come and go like any other change: nothing happens to the files before Save."""
    with st.container(horizontal=True):
        with st.popover("Add a situation", icon=":material/add:"):
            title = st.text_input("Its name", placeholder="Lost loyalty card", key="prompts-new")
            st.button("Add", key="prompts-add", disabled=not title.strip(), on_click=lambda: _add(draft, title))
        key = chosen.removeprefix("situations/").removesuffix(".md")
        if chosen.startswith("situations/") and key not in FALLBACKS:
            st.button("Remove this one", icon=":material/delete:", on_click=lambda: draft.remove(chosen))


def _add(draft: Draft, title: str) -> None:
    name, text = starter(title)
    if name in draft.files:
        st.session_state["prompts-refused"] = f"There is a file {name} already. Choose another name."
        return
    draft.write(name, text)
    st.session_state["prompts-file"] = name


def _buttons(history: History, draft: Draft, fault: str) -> None:
    note = st.text_input("What did you change, and why? (kept with the version)", key=f"prompts-note-{draft.round}")
    saves = history.saves()
    with st.container(horizontal=True):
        st.button(
            "Save",
            type="primary",
            disabled=bool(fault) or not draft.changed,
            on_click=lambda: _save(history, draft.files, draft, note),
        )
        st.button("Discard my changes", disabled=not draft.changed, on_click=draft.discard)
        if saves and saves[0].version == version_of(draft.saved):
            st.button("Undo the last save", on_click=lambda: _back(history, draft, saves[0].before, "Undone"))


def _save(history: History, files: dict[str, str], draft: Draft, note: str) -> None:
    state = st.session_state
    try:
        version = history.save(files, version_of(draft.saved), note.strip())
    except SHOWN as error:
        state["prompts-refused"] = str(error)
        return
    state["prompts-said"] = f"Saved as version {version}. The next reply is written with it."
    state.draft = Draft(history.files(), draft.round + 1)


def _back(history: History, draft: Draft, version: str, note: str) -> None:
    try:
        files = history.version(version)
    except SHOWN as error:
        st.session_state["prompts-refused"] = str(error)
        return
    _save(history, files, draft, note)


def _changes(draft: Draft) -> None:
    if not draft.changed:
        return
    st.subheader("What you changed", anchor=False)
    st.caption("Not saved yet. Red is what is saved, green is what you wrote.")
    for name in draft.changed:
        st.caption(name)
        st.html(markup.diff(draft.saved.get(name, ""), draft.files.get(name, "")))


def _earlier(history: History, draft: Draft) -> None:
    st.subheader("Earlier versions", anchor=False)
    st.caption("Every reply notes the version of the prompts it was written with.")
    now = version_of(draft.saved)
    saves = history.saves()
    if not saves:
        st.caption(f"Version {now} is in use. Nothing was saved here yet.")
    for number, one in enumerate(saves[:20]):
        _version(history, draft, number, one, now)


def _version(history: History, draft: Draft, number: int, one: Saved, now: str) -> None:
    used = " · in use" if one.version == now else ""
    with st.expander(f"{one.at[:16].replace('T', ' ')} · {one.note or 'without a note'} · {one.version}{used}"):
        try:
            before, after = history.version(one.before), history.version(one.version)
        except SHOWN as error:
            st.caption(str(error))
            return
        for name in one.changed:
            st.caption(name)
            st.html(markup.diff(before.get(name, ""), after.get(name, "")))
        with st.container(horizontal=True):
            _go_back(history, draft, f"{number}-after", "Back to this version", one.version, now)
            _go_back(history, draft, f"{number}-before", "Back to before it", one.before, now)


def _go_back(history: History, draft: Draft, key: str, said: str, version: str, now: str) -> None:
    back: Callable[[], None] = lambda: _back(history, draft, version, f"Back to {version}")  # noqa: E731
    st.button(said, key=f"prompts-{key}", disabled=version == now or bool(draft.changed), on_click=back)


page()
