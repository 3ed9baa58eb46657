"""Tone QA: what a suite of questions found out about every mode, and a form to put it to them again."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from chatbot.brand import find_brand
from chatbot.errors import SHOWN, SuiteError
from chatbot.quality.checks import EXPLAINED
from chatbot.quality.page import LABELS, ORDER, Pieces, Sheet, context, style
from chatbot.quality.report import JUNIT, PAGE, REPORT, Examined, combined_against, read_report, report_document
from chatbot.quality.session import order, runs
from chatbot.settings import Settings, read_settings
from chatbot.voice import read_voice
from ui import markup
from ui.background import Desk, Job
from ui.views.parts import span, the_bot

LEAD = (
    "The same customer questions are put to every mode, and every reply is marked by the same six checks. "
    "See which mode keeps the brand's voice, which gets the facts right, and which makes things up."
)
EMPTY = (
    "Choose how many of the brand's questions to ask. Each is answered in every mode from the same passages; "
    "then every reply is marked, and the numbers and the replies are shown here side by side."
)
FEW = 24  # questions of a first run: a few minutes on a laptop
LIGHT = ("#d8ae78", "#ffffff", "#8fbea5", "#22302a")  # of the heat map: bad, middle, good, ink
DARK = ("#8a5f28", "#1b2320", "#32714f", "#e9ece6")
TWO_LINES = "split(replace(datum.label, '-', '-|'), '|')"  # so that three heads fit on a phone
STEP = 10  # cases shown at once
UNFOLDED = 3
ANY = "Any"
PARTS = [check for check in ORDER if check != "on_brand_and_right"]  # the checks that can be to blame
FILES = ((PAGE, "Report", "text/html"), (REPORT, "JSON", "application/json"), (JUNIT, "JUnit", "application/xml"))


def page() -> None:
    """Draw the whole page; one script run."""
    theme = st.context.theme.type or "auto"
    st.html(markup.STYLE)
    st.html(f"<style>{style(theme)}</style>")
    settings = read_settings()
    voice = read_voice(find_brand(settings.brand, settings.home).prompts / "voice.md")
    st.html(markup.header(f"Tone QA · {voice.name}", "Does it sound like us, and is it right?", LEAD))
    found = runs(settings)
    _job(settings, bool(found))
    if found:
        _show_one_of(found, theme)
    else:
        _explain_checks("What each check asks")


@st.cache_resource
def the_desk() -> Desk:
    """One desk for all sessions of this server."""
    return Desk()


def _job(settings: Settings, any_run: bool) -> None:
    """The run in progress, or how the last one failed and the form for another."""
    job = the_desk().job
    if said := st.session_state.pop("qa-refused", ""):
        st.warning(said)
    if job is not None and not job.finished:
        _watch()
        return
    if job is not None and job.fault:
        (st.info if job.stopping else st.error)(job.fault)
    if not any_run:
        st.html(markup.section("No run yet", EMPTY))
    try:
        count = len(order(settings).cases)
    except SuiteError as error:
        st.info(str(error))
        return
    title = "Ask the questions again" if any_run else "Ask the questions"
    with st.expander(title, expanded=not any_run, icon=":material/play_arrow:"):
        _form(settings, count)


def _form(settings: Settings, count: int) -> None:
    with st.form("qa-form", border=False):
        st.number_input(
            "How many questions", 1, count, min(FEW, count), key="qa-size",
            help="Drawn evenly over the situations. More questions make the numbers surer.",
        )  # fmt: skip
        st.checkbox(f"All {count} questions", key="qa-all")
        st.checkbox("Ask each five times more, to see whether the answers stay the same", key="qa-again")
        st.caption("It runs in the background on this machine; the chat answers more slowly meanwhile.")
        st.form_submit_button("Start", type="primary", on_click=_start, args=(settings,))


def _start(settings: Settings) -> None:
    """Before the page is drawn: start what the form says, or remember why not."""
    state = st.session_state
    size = None if state["qa-all"] else int(state["qa-size"])
    try:
        the_desk().start(the_bot(), lambda: order(settings, size=size, consistency=bool(state["qa-again"])))
    except SHOWN as error:
        state["qa-refused"] = str(error)


@st.fragment(run_every=1.0)
def _watch() -> None:
    """How far the run is, drawn anew every second without the rest of the page."""
    job = the_desk().job
    if job is None or job.finished:
        st.rerun()
    with st.container(border=True):
        st.progress(job.done / job.total if job.total else 0.0, text=_progress(job))
        st.button("Stop", key="qa-stop", icon=":material/stop:", on_click=job.stop, disabled=job.stopping)


def _progress(job: Job) -> str:
    if job.stopping:
        return "Stopping … what is answered is kept."
    if not job.total:
        return f"Finding passages for {len(job.order.cases)} questions …"
    left = "" if job.left_s is None else f", about {span(job.left_s)} left"
    return f"{job.done} of {job.total} replies after {span(job.seconds)}{left}"


def _show_one_of(found: Sequence[Path], theme: str) -> None:
    folder = st.selectbox("Run", found, format_func=lambda one: _named(str(one)))
    try:
        examined, given = _opened(str(folder), (folder / REPORT).stat().st_mtime)
    except SHOWN as error:
        st.error(str(error))
        return
    pieces = Pieces(given)
    st.html(pieces.section("verdict"))
    _downloads(folder)
    st.html(pieces.section("checks"))
    _explain_checks("What each check asks")
    _heat(given, theme)
    for name in ("topics", "same", "ease") if examined.measures.consistency else ("topics", "ease"):
        st.html(pieces.section(name))
    _cases(given["sheets"], pieces)
    with st.expander("How this was made"):
        st.table({name: [value] for name, value in examined.settings.items()})


@st.cache_resource(max_entries=4, show_spinner="Reading the run …")
def _opened(folder: str, changed: float) -> tuple[Examined, dict[str, Any]]:
    """A run and all that is drawn of it; `changed` tells a run that was written anew."""
    one = read_report(Path(folder))
    against = combined_against(one.outcomes)
    return one, context(one.outcomes, one.gate, one.settings, against, one.histories, one.measures)


@st.cache_data(show_spinner=False)
def _named(folder: str) -> str:
    """ "24 November 2026, 09:10 · 214 questions · fail"."""
    name = Path(folder).name
    try:
        made = report_document(Path(folder))
        when = datetime.strptime(name[:17], "%Y-%m-%d-%H%M%S").strftime("%-d %B %Y, %H:%M")
        return f"{when} · {made['cases']} questions · {made['gate']['verdict']}"
    except (SuiteError, ValueError, KeyError, TypeError):
        return name


def _downloads(folder: Path) -> None:
    with st.container(horizontal=True):
        for name, label, kind in FILES:
            path = folder / name
            if path.is_file():
                given = f"{folder.name}-{name}"
                st.download_button(label, path.read_bytes(), given, kind, key=f"qa-{name}", icon=":material/download:")


def _explain_checks(title: str) -> None:
    with st.expander(title):
        st.markdown("\n".join(f"- **{LABELS[check][0]}.** {EXPLAINED[check]}" for check in ORDER))


def _heat(given: dict[str, Any], theme: str) -> None:
    st.html(markup.section("Situation by situation", "On brand and right, in each kind of conversation."))
    labels = {mode.key: mode.label for mode in given["modes"]}
    rows = [
        {"situation": name, "mode": labels[key], "share": one.rate, "right": f"{one.k} of {one.n}"}
        for name, found in given["situations"]
        for key, one in found.items()
        if one.n
    ]
    names = [name for name, _ in given["situations"]]
    st.altair_chart(_heat_chart(rows, names, list(labels.values()), theme == "dark"), width="stretch")


def _heat_chart(rows: list[dict[str, Any]], names: list[str], modes: list[str], dark: bool) -> alt.LayerChart:
    """Each cell says its share and the count behind it: colour alone tells a colour-blind reader nothing."""
    bad, middle, good, ink = DARK if dark else LIGHT
    above = alt.Axis(
        orient="top", labelAngle=0, labelFontSize=12, labelColor=ink, labelOverlap=False, labelFlush=False,
        labelAlign="center", labelExpr=TWO_LINES, ticks=False, domain=False,
    )  # fmt: skip
    side = alt.Axis(labelFontSize=12, labelColor=ink, labelFlush=False, ticks=False, domain=False)
    scale = alt.Scale(domain=[0, 0.5, 1], range=[bad, middle, good], interpolate="rgb")
    base = alt.Chart(pd.DataFrame(rows)).encode(
        alt.X("mode:N", sort=modes, title=None, axis=above),
        alt.Y("situation:N", sort=names, title=None, axis=side),
    )
    cells = base.mark_rect(stroke=middle, strokeWidth=2).encode(
        alt.Color("share:Q", scale=scale, legend=None),
        tooltip=[alt.Tooltip("situation:N"), alt.Tooltip("mode:N"), alt.Tooltip("right:N", title="on brand and right")],
    )
    share = base.mark_text(dy=-7, fontSize=14, fontWeight=600, color=ink).encode(text=alt.Text("share:Q", format=".0%"))
    count = base.mark_text(dy=9, fontSize=11, color=ink).encode(text="right:N")
    return alt.LayerChart(layer=[cells, share, count]).properties(height=44 * len(names) + 30)


def _cases(sheets: Sequence[Sheet], pieces: Pieces) -> None:
    st.html(markup.section("Every case, the worst first", "Marked words are what a check objects to."))
    checks = [LABELS[check][0] for check in PARTS]
    modes = list(dict.fromkeys(column.mode.label for sheet in sheets for column in sheet.columns))
    one, two, three = st.columns(3)
    situation = one.selectbox("Situation", [ANY, *sorted({s.situation for s in sheets})], on_change=_from_the_top)
    check = two.selectbox("Failing check", [ANY, *checks], on_change=_from_the_top)
    mode = three.selectbox("In which mode", [ANY, *modes], on_change=_from_the_top)
    chosen = [s for s in sheets if situation in (ANY, s.situation) and _blamed(s, check, mode)]
    shown = st.session_state.setdefault("qa-shown", STEP)
    st.caption(f"{len(chosen)} of {len(sheets)} cases")
    for number, sheet in enumerate(chosen[:shown]):
        st.html(pieces.case(sheet, unfolded=number < UNFOLDED))
    if len(chosen) > shown:
        st.button(f"Show {min(STEP, len(chosen) - shown)} more", on_click=_show_more)


def _blamed(sheet: Sheet, check: str, mode: str) -> bool:
    """Has a column of `mode` a fault of `check`? Any case will do where neither is chosen."""
    if (check, mode) == (ANY, ANY):
        return True
    columns = [column for column in sheet.columns if mode in (ANY, column.mode.label)]
    return any(check in (ANY, label) for column in columns for label, _ in column.faults)


def _from_the_top() -> None:
    st.session_state["qa-shown"] = STEP


def _show_more() -> None:
    st.session_state["qa-shown"] += STEP


page()
