"""What the threshold gives and refuses, measured in the background and drawn: the last part of the page "Search"."""

from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from chatbot.bot import Bot, index_root
from chatbot.quality.run import Tell
from chatbot.quality.tradeoff import (
    CHANCE,
    GIVEN,
    OFF_TOPIC,
    Group,
    Questions,
    Tradeoff,
    keep,
    kept,
    measure,
    questions_for,
)
from knowledge.ingest import current_index, judge_of
from ui import markup
from ui.background import Once, Work

ABOUT = (
    "A higher threshold refuses more questions that no article answers, and more that one does. Each line is one set "
    "of questions, the dot on it the threshold in use: up is better, and so is right."
)
CURVES = {  # what a curve is called: by whom it must refuse, and where both come from
    ("asked", "in_vain"): "The brand's own lists",
    ("headings", "off_topic"): "Headings, and off topic",
    ("suite_answerable", "suite_unanswerable"): "The suite's questions",
    ("suite_answerable", "off_topic"): "The suite's, and off topic",
}
COLOURS = ["#3d8b66", "#c07a2c", "#5a7fb5", "#8a6aa8"]


def draw_tradeoff(bot: Bot) -> None:
    """The chart once it is measured; till then, how far that is."""
    st.html(markup.section("What the threshold gives and refuses", ABOUT))
    questions = _questions(bot)
    key = f"{_index_name(bot)} {questions.digest}"
    found = kept(_place(bot), key)
    if found is None:
        work = the_bench().at(key, lambda tell: _measured(bot, questions, key, tell))
        if not work.finished:
            _watch(work)
            return
        found = work.found
        if found is None:
            _fault(work, key)
            return
    _draw(found)


@st.cache_resource
def the_bench() -> Once[Tradeoff]:
    """One for all sessions of this server."""
    return Once()


def _place(bot: Bot) -> Path:
    return bot.settings.home / "tradeoff" / f"{bot.brand.key}.json"


def _index_name(bot: Bot) -> str:
    """Another one with every change to articles and lists."""
    folder = current_index(index_root(bot.settings.home), bot.brand.key)
    return folder.name if folder is not None else ""


def _questions(bot: Bot) -> Questions:
    off_topic = [text for one in bot.situations if one.key == OFF_TOPIC for text in one.utterances]
    return questions_for(bot.brand.key, off_topic)


def _measured(bot: Bot, questions: Questions, key: str, tell: Tell) -> Tradeoff:
    folder = current_index(index_root(bot.settings.home), bot.brand.key)
    judge = judge_of(folder) if folder is not None else None
    found = measure(bot.brand.key, bot.searcher, judge, questions, bot.articles, bot.encoder, tell)
    keep(_place(bot), key, found)
    return found


@st.fragment(run_every=1.0)
def _watch(work: Work[Tradeoff]) -> None:
    """How far it is, drawn anew every second without the rest of the page."""
    if work.finished:
        st.rerun()
    share = work.done / work.total if work.total else 0.0
    st.progress(share, text=f"Asking the search {work.total or 'all'} questions to measure it: {work.done} done …")


def _fault(work: Work[Tradeoff], key: str) -> None:
    st.error(work.fault)
    st.button("Measure again", on_click=the_bench().forget, args=(key,))


def _draw(found: Tradeoff) -> None:
    if not found.curves():
        st.info("Nothing to draw yet: the brand has no questions to be refused, in a list, a suite or as off topic.")
        return
    st.altair_chart(_chart(found), width="stretch")
    what = "chance that the articles answer it" if found.signal == CHANCE else "likeness"
    st.caption(f"The threshold in use: a {what} of {found.threshold:.2f}. What it does to each set of questions:")
    rows = [_row(group, found.threshold) for group in found.groups]
    st.html(markup.table(("Questions", "How many", "Given a line", "Refused"), rows))


def _row(group: Group, threshold: float) -> tuple[str, str, str, str]:
    rate = group.rate(threshold)
    good = f"{rate.rate:.0%} ({100 * (rate.low or 0):.0f}–{100 * (rate.high or 0):.0f})"
    return group.said, str(group.n), *((good, "") if group.wanted == GIVEN else ("", good))


def _chart(found: Tradeoff) -> alt.LayerChart | alt.FacetChart:
    rows: list[dict[str, Any]] = []
    for good, bad in found.curves():
        for step in [*(n / 100 for n in range(101)), found.threshold]:
            rows.append(
                {
                    "set": CURVES[good.key, bad.key], "threshold": step, "given": good.share(step),
                    "refused": bad.share(step), "used": step == found.threshold,
                }
            )  # fmt: skip
    table = pd.DataFrame(rows)
    base = alt.Chart(table).encode(
        x=alt.X("refused:Q", title="Refused, of those to be refused", axis=alt.Axis(format="%"), scale=_whole()),
        y=alt.Y("given:Q", title="Given a line, of those to be given one", axis=alt.Axis(format="%"), scale=_whole()),
        color=alt.Color(
            "set:N", title=None, scale=alt.Scale(domain=list(dict.fromkeys(table["set"])), range=COLOURS),
            legend=alt.Legend(orient="bottom", columns=1, labelLimit=300),
        ),
        tooltip=[
            alt.Tooltip("set:N", title="questions"), alt.Tooltip("threshold:Q", format=".2f"),
            alt.Tooltip("given:Q", format=".0%"), alt.Tooltip("refused:Q", format=".0%"),
        ],
    )  # fmt: skip
    line = base.mark_line(strokeWidth=2.5).encode(order="threshold:Q")
    dot = base.transform_filter("datum.used").mark_point(size=140, filled=True, opacity=1)
    label = (
        base.transform_filter("datum.used")
        .mark_text(dx=-10, dy=14, align="right")
        .encode(text=alt.Text("threshold:Q", format=".2f"))
    )
    return alt.layer(line, dot, label).properties(height=380)


def _whole() -> alt.Scale:
    return alt.Scale(domain=[0, 1])
