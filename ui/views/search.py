"""The search laid open: what it finds for a question, in which order, and why a reply is given a line or none."""

from collections.abc import Sequence

import streamlit as st

from chatbot.bot import LONGEST, Bot
from chatbot.brief import Brief
from chatbot.lookup import outlook
from chatbot.mode import BASE_PROMPTED
from chatbot.situation import NEEDED, NOTHING
from knowledge.search import Hit
from ui import markup
from ui.finding import COLUMNS, chance_said, columns, link_to, why_none, why_passed
from ui.views.parts import the_bot
from ui.views.refusing import draw_tradeoff

LEAD = (
    "Type a question as a customer would. The lines of the articles are put in order by meaning, by words, and by both "
    "together; a threshold then decides whether any of them is about the question at all."
)
MOST = 50  # lines that pass, of which the first columns are shown
QUESTION = "search-question"


def page() -> None:
    """Draw the whole page; one script run."""
    st.html(markup.STYLE)
    bot = the_bot()
    st.html(markup.header(f"Search · {bot.name}", "What is found, and why", LEAD))
    question = st.text_input(
        "Question", key=QUESTION, max_chars=LONGEST, placeholder=f"Ask {bot.name} as a customer would"
    )
    with st.container(horizontal=True):
        for number, text in enumerate(examples(bot)):
            st.button(text, key=f"search-example-{number}", on_click=_ask, args=(text,))
    only = _filter(bot)
    if question.strip():
        _show(bot, question, only)
    draw_tradeoff(bot)


def examples(bot: Bot) -> list[str]:
    """Three messages of the brand: two that need its articles, one that has no use for them."""
    needed = [one.utterances[0] for one in bot.situations if one.knowledge == NEEDED and one.utterances]
    without = [
        one.utterances[0]
        for one in sorted(bot.situations, key=lambda one: one.key != "off-topic")
        if one.knowledge == NOTHING and one.utterances
    ]
    return [*needed[:2], *without[:1]]


def _ask(text: str) -> None:
    st.session_state[QUESTION] = text


def _filter(bot: Bot) -> list[str]:
    titles = {one.name: one.title for one in bot.articles}
    known = [name for name in bot.searcher.articles if name in titles]
    return st.multiselect(
        "Only in these articles", known, format_func=lambda name: titles[name], key="search-only",
        placeholder="All articles", help="For looking around. A reply is always searched for in all of them.",
    )  # fmt: skip


def _show(bot: Bot, question: str, only: Sequence[str]) -> None:
    seen, found = bot.searcher.look(question, only), bot.searcher.search(question, MOST, only)
    brief = bot.prepare(question, [BASE_PROMPTED])
    _verdict(bot, brief, seen if not only else bot.searcher.look(question))
    if only:
        st.caption("Below, only the chosen articles; a reply is searched for in all of them.")
    for place, column in zip(st.columns(len(COLUMNS)), columns(seen, found), strict=True):
        with place:
            st.html(markup.found(column.head, column.aside, column.lines, column.otherwise))


def _verdict(bot: Bot, brief: Brief, seen: Sequence[Hit]) -> None:
    """Which line a reply would be given, by which threshold; or why none."""
    judgement = outlook(bot.searcher, brief.question, ()).alone
    with st.container(border=True):
        if not brief.hits:
            reasons = why_none(seen, judgement, brief.verdict.situation)
            st.html(markup.finding("A reply would be given no line.", reasons, ok=False))
            return
        one = len(brief.hits) == 1
        reasons = [why_passed(brief.hits[0]), chance_said(judgement)]
        head = "A reply would be given this line:" if one else f"A reply would be given these {len(brief.hits)} lines:"
        st.html(markup.finding(head, [reason for reason in reasons if reason], ok=True))
        for hit in brief.hits:
            st.html(markup.quoted(hit.passage.path, link_to(hit), hit.text))
            if hit.reordered is not None:
                st.caption(f"Reordered by {hit.reordered.by}: it was number {hit.reordered.before} before.")


page()
