"""What a reviewer sees once their pile is finished: how far people, repeats and automatic checks agree."""

import streamlit as st

from chatbot.quality.agreement import ENOUGH
from chatbot.quality.marks import Outcome
from chatbot.quality.review import Desk, Review, pile_sizes
from ui import markup
from ui.agreeing import (
    HEADS,
    MEANING,
    SAID_HEADS,
    Row,
    as_lines,
    between_rows,
    check_rows,
    differing,
    repeat_rows,
)

SHOWN = 20  # differing replies drawn at first
FRESH = (
    "If you want to change a mark or to go on with more replies, do it before you look: afterwards your eye is no "
    "longer fresh."
)


def draw_finished(desk: Desk, outcomes: tuple[Outcome, ...], brand: str) -> None:
    """First a last chance to stay blind, then everything."""
    if not st.session_state.get("review_shown"):
        st.html(markup.header(brand, f"All {desk.total} replies are marked. Thank you!", FRESH))
        _draw_ways(desk, outcomes)
        return
    reviews = desk.everyones()
    st.html(markup.header(brand, "How far the marks agree", _who_marked(reviews)))
    _draw_agreement(reviews, outcomes)
    _draw_differing(desk, reviews, outcomes)
    _draw_ends(desk, reviews, outcomes)


def _draw_ways(desk: Desk, outcomes: tuple[Outcome, ...]) -> None:
    with st.container(horizontal=True):
        st.button(
            "Show how the marks agree", type="primary", on_click=st.session_state.update, args=({"review_shown": True},)
        )
        _draw_more(desk, outcomes)
        st.button("Back to the last reply", on_click=st.session_state.update, args=({"review_at": desk.total - 1},))


def _draw_more(desk: Desk, outcomes: tuple[Outcome, ...]) -> None:
    """A button for the next larger pile, if there is one."""
    larger = next((size for size in pile_sizes(outcomes) if size > desk.total), None)
    if larger is not None:
        st.button(f"Go on with {larger - desk.total} more", on_click=_go_on, args=(larger,))


def _go_on(size: int) -> None:
    reviewer, run, _ = st.session_state.review_sitting
    st.session_state.review_sitting = (reviewer, run, size)
    st.session_state.review_shown = False


def _who_marked(reviews: list[Review]) -> str:
    names = sorted({one.reviewer for one in reviews})
    counts = [f"{name} {sum(one.reviewer == name for one in reviews)}" for name in names]
    return f"Marks so far: {', '.join(counts)}."


def _draw_agreement(reviews: list[Review], outcomes: tuple[Outcome, ...]) -> None:
    with st.container(border=True):
        st.markdown(f"{MEANING} With fewer than {ENOUGH} replies nothing can be said.")
    if len({one.reviewer for one in reviews}) > 1:
        _draw_table("Between reviewers", between_rows(reviews))
    else:
        st.subheader("Between reviewers", anchor=False)
        st.info("You are the first. Ask a second person to mark this run; then this page says how far you agree.")
    _draw_table("With themselves", repeat_rows(reviews), "A few replies came twice, far apart: is the answer the same?")
    _draw_table(
        "People and the automatic checks",
        check_rows(reviews, outcomes),
        "What most reviewers said against what each check found; a check that does not apply to a reply is left out.",
    )


def _draw_table(title: str, rows: list[Row], lead: str = "") -> None:
    st.subheader(title, anchor=False)
    if lead:
        st.caption(lead)
    if rows:
        st.html(markup.table(HEADS, rows))
    else:
        st.caption("None yet: a pile this small has no reply twice.")


def _draw_differing(desk: Desk, reviews: list[Review], outcomes: tuple[Outcome, ...]) -> None:
    found = differing(reviews, outcomes, desk.mine())
    st.subheader("Judged differently", anchor=False)
    if not found:
        st.caption("None of the replies that you marked was judged differently by another reviewer.")
        return
    st.caption(
        f"{len(found)} of the replies that you marked. Talk these over: they show what is unclear in the voice guide."
    )
    all_of_them = len(found) <= SHOWN or st.toggle(f"Show all {len(found)}", key="review_all")
    for one in found if all_of_them else found[:SHOWN]:
        with st.container(border=True):
            st.html(markup.quote("Customer", one.question))
            st.html(markup.said("Reply", one.text or "No words came.") + markup.table(SAID_HEADS, one.said))


def _draw_ends(desk: Desk, reviews: list[Review], outcomes: tuple[Outcome, ...]) -> None:
    st.subheader("Take it with you", anchor=False)
    st.caption("The file names what wrote each reply, and everyone's marks. Go on with more first, if you want to.")
    with st.container(horizontal=True):
        st.download_button(
            "Download all marks",
            as_lines(reviews),
            f"marks-{desk.folder.name}.jsonl",
            "application/jsonl",
            on_click="ignore",
        )
        _draw_more(desk, outcomes)
