"""What the threshold gives and refuses, measured in the background and drawn: the last part of the page "Search"."""

from pathlib import Path

import altair as alt
import pandas as pd
import streamlit as st

from chatbot.bot import Bot
from chatbot.quality.tradeoff import (
    CHANCE,
    GIVEN,
    OFF_TOPIC,
    STEPS,
    Group,
    Questions,
    Tradeoff,
    keep,
    kept,
    measure,
    questions_for,
)
from knowledge.filling import Tell
from ui import markup
from ui.background import Once, Work

ABOUT = (
    "A higher threshold refuses more questions that no article answers, and more that one does. Each line is one set "
    "of questions: up, more of those that an article answers are given a line; to the right, more of the others are "
    "refused. The dots are the threshold in use."
)
CURVES = {  # what a curve is called: by whom it must refuse, and where both come from
    ("asked", "in_vain"): "The brand's own lists",
    ("headings", "off_topic"): "Headings, against off topic",
    ("suite_answerable", "suite_unanswerable"): "Tone QA's questions",
    ("suite_answerable", "off_topic"): "Tone QA's, against off topic",
}
COLOURS = ["#3d8b66", "#c07a2c", "#5a7fb5", "#8a6aa8"]


def draw_tradeoff(bot: Bot) -> None:
    """The chart once it is measured; till then, how far that is."""
    st.html(markup.section("What the threshold gives and refuses", ABOUT))
    questions = _questions(bot)
    key = f"{bot.searcher.index} {questions.digest}"
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


def _questions(bot: Bot) -> Questions:
    off_topic = [text for one in bot.situations if one.key == OFF_TOPIC for text in one.utterances]
    return questions_for(bot.brand.key, off_topic)


def _measured(bot: Bot, questions: Questions, key: str, tell: Tell) -> Tradeoff:
    found = measure(bot.brand.key, bot.searcher, questions, bot.articles, bot.encoder, tell)
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
    st.caption(f"The threshold in use is a {what} of {found.threshold:.2f}. How it treats each set of questions:")
    rows = [_row(group, found.threshold) for group in found.groups]
    st.html(markup.table(("Questions", "How many", "What is right", "So treated"), rows))


def _row(group: Group, threshold: float) -> tuple[str, str, str, str]:
    rate = group.rate(threshold)
    share = f"{rate.rate:.0%} ({100 * (rate.low or 0):.0f}–{100 * (rate.high or 0):.0f})"
    return group.said, f"{group.n:,}", "given a line" if group.wanted == GIVEN else "refused", share


def _points(found: Tradeoff) -> pd.DataFrame:
    """Each curve at a hundred thresholds, and at the one in use."""
    steps = [*(step / STEPS for step in range(STEPS + 1)), found.threshold]
    return pd.DataFrame(
        {
            "set": CURVES[good.key, bad.key],
            "threshold": step,
            "given": good.share(step),
            "refused": bad.share(step),
            "used": step == found.threshold,
        }
        for good, bad in found.curves()
        for step in steps
    )


def _chart(found: Tradeoff) -> alt.LayerChart | alt.FacetChart:
    points = _points(found)
    base = alt.Chart(points).encode(
        x=alt.X("refused:Q", title="Refused", axis=alt.Axis(format="%"), scale=_whole()),
        y=alt.Y("given:Q", title="Given a line", axis=alt.Axis(format="%"), scale=_whole()),
        color=alt.Color(
            "set:N", title=None, scale=alt.Scale(domain=list(dict.fromkeys(points["set"])), range=COLOURS),
            legend=alt.Legend(orient="top", columns=1, labelLimit=340),
        ),
        tooltip=[
            alt.Tooltip("set:N", title="questions"), alt.Tooltip("threshold:Q", format=".2f"),
            alt.Tooltip("given:Q", format=".0%"), alt.Tooltip("refused:Q", format=".0%"),
        ],
    )  # fmt: skip
    line = base.mark_line(strokeWidth=2.5).encode(order="threshold:Q")
    dot = base.transform_filter("datum.used").mark_point(size=140, filled=True, opacity=1)
    return alt.layer(line, dot).properties(height=430)


def _whole() -> alt.Scale:
    return alt.Scale(domain=[0, 1])
