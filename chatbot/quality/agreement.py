"""Do reviewers agree with each other, with themselves, and with each automatic check?

Three numbers stand side by side, for each alone misleads: the plain share of replies judged alike; Cohen's kappa,
which takes off what two would share by chance; Krippendorff's alpha with its interval, which also takes reviewers
who saw different replies. Kappa and alpha say nothing where everyone said the same of everything, and are None."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import evalica
import pandas as pd
from sklearn.metrics import cohen_kappa_score

from chatbot.quality.marks import CHECKS, Outcome
from chatbot.quality.review import Review
from chatbot.quality.stats import Rate, rate_of, right

QUESTIONS = ("on_brand", "send")
ASKED = {"on_voice": "on_brand", "situation_ok": "on_brand"}  # check -> the reviewer's question nearest to it
RESAMPLES = 2000  # of the interval of alpha
ENOUGH = 10  # replies with two marks; with fewer, kappa and alpha are luck
RELIABLE = 0.667  # alpha from which Krippendorff (2004) allows first conclusions
Key = tuple[str, str]  # (case, mode): one reply
Votes = Mapping[Key, int]  # a verdict is yes or no, or the number of one of several


@dataclass(frozen=True)
class Agreement:
    """How far two or more judges agree, on the `same.n` pairs of verdicts about the same reply."""

    same: Rate  # share of pairs that say the same
    kappa: float | None  # Cohen's; of more than two judges the mean over their pairs, by the replies that they share
    alpha: float | None  # Krippendorff's, nominal
    low: float | None  # 95% interval of alpha
    high: float | None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        numbers = {"kappa": self.kappa, "alpha": self.alpha, "low": self.low, "high": self.high}
        rounded = {name: None if value is None else round(value, 4) for name, value in numbers.items()}
        return {"same": self.same.document(), **rounded}


def between_reviewers(reviews: Iterable[Review], question: str = "on_brand", seed: int = 0) -> Agreement:
    """All reviewers with each other on one of QUESTIONS. Repeats are left out."""
    return agreement(list(_votes(reviews, question).values()), seed)


def people_and_checks(reviews: Sequence[Review], outcomes: Sequence[Outcome], seed: int = 0) -> dict[str, Agreement]:
    """check -> how far it agrees with the majority of reviewers, on the question nearest to it (see `ASKED`).
    Replies on which the reviewers are split evenly, and those the check does not apply to, are left out."""
    found = {}
    for check in CHECKS:
        people = _majority(_votes(reviews, ASKED.get(check, "send")).values())
        machine = {(one.case, one.mode): bool(right(one, check)) for one in outcomes if right(one, check) is not None}
        found[check] = agreement([people, machine], seed)
    return found


def with_themselves(reviews: Iterable[Review], question: str = "on_brand", seed: int = 0) -> dict[str, Agreement]:
    """reviewer -> how far the second verdict on a repeated reply is the first one."""
    first: dict[str, dict[Key, int]] = {}
    second: dict[str, dict[Key, int]] = {}
    for one in reviews:
        votes = (second if one.again else first).setdefault(one.reviewer, {})
        votes[one.case, one.mode] = _said(one, question)
    return {
        reviewer: agreement([first.get(reviewer, {}), second.get(reviewer, {})], seed)
        for reviewer in sorted(first.keys() | second.keys())
    }


def split_items(reviews: Iterable[Review], question: str = "on_brand") -> list[Key]:
    """The replies that reviewers judge differently: the list to talk about."""
    votes = list(_votes(reviews, question).values())
    keys = sorted({key for one in votes for key in one})
    return [key for key in keys if len({one[key] for one in votes if key in one}) > 1]


def agreement(judges: Sequence[Votes], seed: int = 0) -> Agreement:
    """Of two or more judges, each given as its votes."""
    pairs = [_shared(one, other) for one, other in combinations(judges, 2)]
    alike = sum(a == b for pair in pairs for a, b in pair)
    kappas = [(kappa, len(pair)) for pair in pairs if (kappa := _kappa(pair)) is not None]
    shared = sum(n for _, n in kappas)
    same = rate_of(alike, sum(map(len, pairs)))
    return Agreement(same, sum(kappa * n for kappa, n in kappas) / shared if shared else None, *alpha(judges, seed))


def alpha(judges: Sequence[Votes], seed: int) -> tuple[float | None, float | None, float | None]:
    """Alpha, low, high. None where no reply has two verdicts, or all of them are alike."""
    keys = sorted({key for votes in judges for key in votes})
    shared = [key for key in keys if sum(key in votes for votes in judges) > 1]
    if len({votes[key] for key in shared for votes in judges if key in votes}) < 2:
        return None, None, None
    table = pd.DataFrame([[float(votes[key]) if key in votes else float("nan") for key in shared] for votes in judges])
    found = evalica.alpha_bootstrap(table, n_resamples=RESAMPLES, random_state=seed)
    return float(found.alpha), float(found.low), float(found.high)


def in_words(found: Agreement) -> str:
    """What may be concluded, as a plain sentence."""
    if found.same.n == 0:
        return "Nothing to compare yet"
    if found.same.n < ENOUGH:
        return "Too few to say"
    if found.alpha is None or found.low is None or found.high is None:
        return "Every mark is the same, so luck cannot be told from agreement"
    if found.low >= RELIABLE:
        return "They agree: these marks can be relied on"
    if found.high < RELIABLE:
        return "They agree too little to rely on these marks"
    return "Not settled: more replies are needed"


def agreement_document(reviews: Sequence[Review], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All of it for a page or a file."""
    return {
        "reviews": len(reviews),
        "between_reviewers": {one: between_reviewers(reviews, one).document() for one in QUESTIONS},
        "people_and_checks": {name: one.document() for name, one in people_and_checks(reviews, outcomes).items()},
        "with_themselves": {
            question: {name: one.document() for name, one in with_themselves(reviews, question).items()}
            for question in QUESTIONS
        },
        "split": {question: [list(key) for key in split_items(reviews, question)] for question in QUESTIONS},
    }


def _votes(reviews: Iterable[Review], question: str) -> dict[str, dict[Key, int]]:
    """reviewer -> their first verdict on each reply."""
    votes: dict[str, dict[Key, int]] = {}
    for one in reviews:
        if not one.again:
            votes.setdefault(one.reviewer, {})[one.case, one.mode] = _said(one, question)
    return votes


def _said(review: Review, question: str) -> bool:
    return {"on_brand": review.verdict.on_brand, "send": review.verdict.send}[question]


def _majority(votes: Iterable[Votes]) -> Votes:
    balance: dict[Key, int] = {}
    for one in votes:
        for key, yes in one.items():
            balance[key] = balance.get(key, 0) + (1 if yes else -1)
    return {key: sum_ > 0 for key, sum_ in balance.items() if sum_}


def _shared(one: Votes, other: Votes) -> list[tuple[int, int]]:
    return [(one[key], other[key]) for key in sorted(one.keys() & other.keys())]


def _kappa(pair: Sequence[tuple[int, int]]) -> float | None:
    """None where both said the same of everything: then nothing can be told from chance."""
    if len({vote for both in pair for vote in both}) < 2:
        return None
    return float(cohen_kappa_score([a for a, _ in pair], [b for _, b in pair]))
