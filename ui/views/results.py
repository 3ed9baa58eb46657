"""Results: what the blind votes say, pair by pair, and what to know before believing them. May be read at any time.

Every sentence and number is chatbot.feedback's: here it is only put on the screen."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from chatbot.brand import find_brand
from chatbot.errors import SHOWN
from chatbot.feedback.duels import Duel
from chatbot.feedback.export import as_csv, as_jsonl, preference_pairs, records
from chatbot.feedback.gather import Reading, read
from chatbot.feedback.report import Transcript, circumstances, transcripts
from chatbot.feedback.report import page as report_page
from chatbot.feedback.store import Store
from chatbot.feedback.tabled import tables
from chatbot.feedback.wording import HOW_TO, Table, duel_line, label, reason, verdict_lines, versus, warnings
from chatbot.mode import mode_of
from chatbot.quality.page import style
from chatbot.settings import Settings, read_settings
from chatbot.voice import read_voice
from ui import markup
from ui.views.voter import the_store

TITLE = "Which reply do people prefer?"
LEAD = (
    "Two modes answered the same question, and nobody saw which was which before voting. "
    "The verdicts below hold however often you look."
)
ALL = "All together"
SHOWN_PAIRS = 10  # transcripts drawn at once
BARS = 12  # reasons drawn; the table has all
HEIGHT = 190  # of a curve with its axis, pixels


def page() -> None:
    """Draw the whole page; one script run."""
    settings = read_settings()
    st.html(markup.STYLE)
    st.html(f"<style>{style(st.context.theme.type or 'auto')}</style>")
    reading: Reading | None = None
    try:
        name = _brand_name(settings)
        st.html(markup.header(f"Results · {name}", TITLE, LEAD))
        store = the_store(settings)
        reading = _chosen(store, settings)
    except SHOWN as error:
        st.error(str(error))
    if reading is None:
        return
    if not reading.results.account.cast:
        st.info(HOW_TO)
        st.page_link("views/vote.py", label="Vote on a first pair", icon=":material/how_to_vote:")
        return
    _draw(reading)
    _downloads(store, settings, reading)


def _brand_name(settings: Settings) -> str:
    return read_voice(find_brand(settings.brand, settings.home).prompts / "voice.md").name


def _chosen(store: Store, settings: Settings) -> Reading:
    """What is read, and when it was: the store may grow while somebody looks."""
    names = [one.name for one in store.experiments(settings.brand)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Experiment", [ALL, *names], key="results-of", width=280) if len(names) > 1 else ALL
        st.button("Look again", key="results-again", icon=":material/refresh:")
        st.caption(f"Read at {datetime.now():%H:%M:%S}.")
    with st.spinner("Counting the votes …"):
        return read(store, settings, settings.brand, None if chosen == ALL else chosen)


def _draw(reading: Reading) -> None:
    found = reading.results
    first, *lines = verdict_lines(found)
    for column, one in zip(st.columns(len(found.duels)), found.duels, strict=True):
        with column, st.container(border=True, height="stretch"):
            _duel(one)
    st.caption(f"{first} {lines[-1] if len(found.duels) > 1 else ''}")
    for said in warnings(found):
        st.warning(said)
    _reasons(reading)
    _over_time(reading)
    for table in tables(found, reading.labels, reading.unchecked):
        _table(table)
    _transcripts(transcripts(reading.records, reading.labels))
    with st.expander("How this was made"):
        st.table({name: [value] for name, value in circumstances(reading).items()})


def _duel(one: Duel) -> None:
    """The verdict in words, then its share over the votes with the band that holds at every look."""
    st.html(markup.mode(one.pair[0], versus(one.pair), ""))
    st.html(markup.plain(duel_line(one).removeprefix(f"{versus(one.pair)}: ")))
    if one.curve:
        st.altair_chart(_curve(one), width="stretch")
        st.caption(f"Share of {label(one.pair[0])} after each vote; the band is the range not ruled out.")


def _curve(one: Duel) -> alt.LayerChart:
    colour = mode_of(one.pair[0]).colour
    rows = pd.DataFrame([vars(point) for point in one.curve])
    votes = alt.X("n:Q", title="votes that prefer one", axis=alt.Axis(tickMinStep=1, format="d", grid=False))
    share = alt.Scale(domain=[0, 1])
    axis = alt.Axis(format="%", values=[0, 0.5, 1])
    base = alt.Chart(rows).encode(votes)
    band = base.mark_area(opacity=0.28, color=colour).encode(
        alt.Y("low:Q", scale=share, axis=axis, title=None), alt.Y2("high:Q")
    )
    line = base.mark_line(color=colour, strokeWidth=2.5, point=len(rows) == 1).encode(
        alt.Y("rate:Q", scale=share, axis=axis, title=None),
        tooltip=[
            alt.Tooltip("n:Q", title="votes"),
            alt.Tooltip("rate:Q", title="share", format=".0%"),
            alt.Tooltip("low:Q", title="from", format=".0%"),
            alt.Tooltip("high:Q", title="to", format=".0%"),
        ],
    )
    half = alt.Chart(pd.DataFrame({"y": [0.5]})).mark_rule(strokeDash=[4, 4], color="#888888").encode(y="y:Q")
    return alt.LayerChart(layer=[band, half, line]).properties(height=HEIGHT)


def _reasons(reading: Reading) -> None:
    """What was held against a reply, mode by mode."""
    rows = [
        {"reason": reason(key, reading.labels), "mode": label(mode), "votes": n}
        for mode, said in reading.results.said.items()
        for key, n in said.reasons.items()
    ]
    if not rows:
        return
    totals = pd.DataFrame(rows).groupby("reason")["votes"].sum().sort_values(ascending=False, kind="stable")
    names = list(totals.index[:BARS])
    st.html(markup.section("What was wrong", "Reasons that voters gave, by the mode whose reply they were about."))
    st.altair_chart(_bars([row for row in rows if row["reason"] in names], names), width="stretch")


def _bars(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> Any:
    modes = sorted({row["mode"] for row in rows})
    colours = {mode_of(key).label: mode_of(key).colour for key in ("base-prompted", "fine-tuned", "combined", "plain")}
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar()
        .encode(
            alt.Y("reason:N", sort=list(names), title=None, axis=alt.Axis(labelLimit=150)),
            alt.X("votes:Q", title="votes", axis=alt.Axis(tickMinStep=1, format="d")),
            alt.Color(
                "mode:N",
                scale=alt.Scale(domain=modes, range=[colours.get(mode, "#888888") for mode in modes]),
                legend=alt.Legend(orient="top", title=None, columns=2),
            ),
            tooltip=["reason:N", "mode:N", "votes:Q"],
        )
        .properties(height=34 * len(names) + 120)
    )


def _over_time(reading: Reading) -> None:
    """Votes day by day; one day is no course of time."""
    days = reading.results.days
    if len(days) < 2:
        return
    st.html(markup.section("Over time", "Votes that count, day by day (UTC)."))
    rows = pd.DataFrame([{"day": day, "votes": n} for day, n, _ in days])
    chart = (
        alt.Chart(rows)
        .mark_bar(color=mode_of("combined").colour)
        .encode(
            alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            alt.Y("votes:Q", title="votes", axis=alt.Axis(tickMinStep=1, format="d")),
            tooltip=["day:O", "votes:Q"],
        )
    )
    st.altair_chart(chart.properties(height=180), width="stretch")


def _table(table: Table) -> None:
    with st.expander(table.title, expanded=table.title in ("Who is preferred", "By situation")):
        st.caption(markup.priced(table.note))
        st.html(markup.table(table.heads, table.rows))


def _transcripts(found: Sequence[Transcript]) -> None:
    st.html(markup.section("Every pair that was voted on", "The newest first. Voters are numbered, not named."))
    shown = st.session_state.setdefault("results-shown", SHOWN_PAIRS)
    for one in found[:shown]:
        counted = f"{len(one.votes)} vote{'' if len(one.votes) == 1 else 's'}"
        with st.expander(f"{markup.unmarked(one.question)} · {markup.unmarked(one.situation)} · {counted}"):
            _transcript(one)
    if len(found) > shown:
        st.button(f"Show {min(SHOWN_PAIRS, len(found) - shown)} more", key="results-more", on_click=_show_more)


def _transcript(one: Transcript) -> None:
    for message in one.history:
        st.html(markup.quote("Customer" if message["role"] == "user" else "Brand", message["content"]))
    for place, column in zip(st.columns(len(one.columns)), one.columns, strict=True):
        with place:
            st.html(markup.mode(column.mode.key, column.mode.label, f"stood {column.side}"))
            st.html(markup.reply(column.text, "(no reply)"))
    for vote in one.votes:
        parts = [f"Voter {vote.voter}: {vote.said}.", *(f"{note}." for note in vote.notes)]
        parts += [f"Not counted: {vote.why}."] if vote.why else []
        st.html(markup.plain(" ".join(parts)))
        if vote.comment:
            st.html(markup.quote("comment", vote.comment))


def _show_more() -> None:
    st.session_state["results-shown"] += SHOWN_PAIRS


def _downloads(store: Store, settings: Settings, reading: Reading) -> None:
    """The report for whoever was not here, and everything for whoever counts again."""
    st.html(markup.section("Take away", "The report opens with the network off. The pairs are what training reads."))
    found = records(store, settings.brand)
    pairs = preference_pairs(found)
    numbers = json.dumps(reading.results.document(), indent=1)
    stem = f"{settings.brand}-votes"
    given = (
        ("Report (HTML)", _report(_digest(reading, numbers), reading), f"{stem}.html", "text/html"),
        ("Table (CSV)", as_csv(found), f"{stem}.csv", "text/csv"),
        ("All records (JSON lines)", as_jsonl(found), f"{stem}.jsonl", "application/jsonl"),
        ("Numbers (JSON)", numbers, f"{stem}.json", "application/json"),
    )
    with st.container(horizontal=True):
        for text, data, name, kind in given:
            st.download_button(text, data, name, kind, key=f"results-{name}", icon=":material/download:")
        many = f"{len(pairs)} preference pair{'' if len(pairs) == 1 else 's'}"
        st.download_button(
            many, as_jsonl(pairs), f"{stem}-dpo.jsonl", "application/jsonl",
            key="results-dpo", icon=":material/download:", disabled=not pairs,
        )  # fmt: skip
    st.caption(
        f"Ties, both bad and void pairs are no preference. `triptych train {settings.brand} --preferences FILE` "
        "learns from the pairs."
    )


# made once for the same votes, not at every click. Streamlit 1.67 can make a file when it is asked for (a callable as
# `data`), but then forgets it: the click comes to nothing (seen in Chromium, "Deferred file ... not found")
@st.cache_data(max_entries=4, show_spinner=False)
def _report(digest: str, _reading: Reading) -> str:
    return report_page(_reading)


def _digest(reading: Reading, numbers: str) -> str:
    said = json.dumps([numbers, reading.unchecked, dict(reading.labels), reading.records])
    return hashlib.sha256(said.encode()).hexdigest()


page()
