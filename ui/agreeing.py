"""How far reviewers agree, in plain words for a reader who does not code: rows of a table, a list to talk about.

Knows nothing of Streamlit."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from chatbot.quality.agreement import (
    ASKED,
    ENOUGH,
    QUESTIONS,
    Agreement,
    between_reviewers,
    in_words,
    people_and_checks,
    split_items,
    with_themselves,
)
from chatbot.quality.marks import Outcome
from chatbot.quality.page import LABELS, PASSED
from chatbot.quality.review import Review

ON_SCREEN = {"on_brand": "On brand?", "send": "Good enough to send?"}
HEADS = ("Whose marks", "Question", "Same answer", "Kappa", "Alpha (95% interval)", "In words")
MEANING = (
    "**Same answer** is the plain share of replies marked alike. Two people who only guess are also alike now and "
    "then: **kappa** takes that luck off, so 0 is no better than guessing and 1 is full agreement. **Alpha** does the "
    "same and also works where reviewers did not read the same replies. Its interval is where it would fall 19 times "
    "in 20 with other replies; only when all of the interval lies above 0.67 can the marks be relied on."
)
SAID_HEADS = ("Reviewer", *ON_SCREEN.values(), "Rules broken", "Comment")
Row = tuple[str, ...]


@dataclass(frozen=True)
class Differing:
    """One reply that reviewers judge differently."""

    question: str
    text: str
    said: tuple[Row, ...]  # one for each reviewer, under SAID_HEADS


def between_rows(reviews: Sequence[Review]) -> list[Row]:
    """All reviewers with each other, a row for each question."""
    return [_row("Reviewers with each other", asked, between_reviewers(reviews, asked)) for asked in QUESTIONS]


def repeat_rows(reviews: Sequence[Review]) -> list[Row]:
    """Each reviewer's first and second mark on the same reply; those who saw none twice are left out."""
    found = {asked: with_themselves(reviews, asked) for asked in QUESTIONS}
    names = [name for name, one in found[QUESTIONS[0]].items() if one.same.n]
    return [_row(f"{name}, first and second time", asked, found[asked][name]) for name in names for asked in QUESTIONS]


def check_rows(reviews: Sequence[Review], outcomes: Sequence[Outcome]) -> list[Row]:
    """Most of the reviewers against each automatic check."""
    found = people_and_checks(reviews, outcomes)
    names = {check: PASSED.get(check, LABELS[check][0]) for check in found}
    return [_row(f"People and “{names[check]}”", ASKED.get(check, "send"), one) for check, one in found.items()]


def differing(reviews: Sequence[Review], outcomes: Sequence[Outcome], read: Sequence[Review]) -> list[Differing]:
    """The replies among `read` that reviewers judge differently; on the others a reviewer may still be asked."""
    mine = {(one.case, one.mode) for one in read}
    split = {key for asked in QUESTIONS for key in split_items(reviews, asked)} & mine
    replies = {(one.case, one.mode): one for one in outcomes}
    said: dict[tuple[str, str], list[Row]] = {}
    for one in reviews:
        if not one.again:
            said.setdefault((one.case, one.mode), []).append(_said(one))
    return [Differing(replies[key].question, replies[key].text, tuple(said[key])) for key in sorted(split)]


def as_lines(reviews: Sequence[Review]) -> str:
    """Every mark as one JSON line."""
    return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in reviews)


def _row(whose: str, asked: str, found: Agreement) -> Row:
    same = found.same
    share = f"{same.k} of {same.n}" + (f" ({same.rate:.0%})" if same.rate is not None and same.n >= ENOUGH else "")
    kappa, alpha = "–", "–"
    if same.n >= ENOUGH and found.kappa is not None:
        kappa = _number(found.kappa)
    if same.n >= ENOUGH and found.alpha is not None and found.low is not None and found.high is not None:
        alpha = f"{_number(found.alpha)} ({_number(found.low)} to {_number(found.high)})"
    return whose, ON_SCREEN[asked], share, kappa, alpha, in_words(found)


def _said(review: Review) -> Row:
    one = review.verdict
    return review.reviewer, _yes_no(one.on_brand), _yes_no(one.send), "; ".join(one.broke) or "–", one.comment or "–"


def _yes_no(said: bool) -> str:
    return "yes" if said else "no"


def _number(value: float) -> str:
    """Two places, a real minus, and no minus before nought."""
    return f"{value:z.2f}".replace("-", "−")
