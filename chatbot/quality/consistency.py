"""Does a customer hear the same when they ask again? Plain arithmetic on several sampled runs of the same cases.

Facts: which of the case's `must` facts a reply gives; where there is no answer to give, whether it hands over
honestly. Voice: how far the learnt score moves. A case with neither facts nor a hand-over to look for (small talk)
says nothing about facts and is left out there."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev
from typing import Any

from chatbot.engine.protocol import Decoding
from chatbot.quality.marks import Outcome
from chatbot.quality.stats import Rate, modes_in, rate_of, right
from chatbot.quality.suite import Case, holds

RUNS = 5
TEMPERATURE, TOP_P = 0.7, 0.95  # how chance is let in
Said = frozenset[str] | bool | None  # facts given; or the mark of "abstained"; None: nothing to look for


@dataclass(frozen=True)
class Consistency:
    """Of one mode. `spread` is the standard deviation of the voice score over the runs, its mean over the cases."""

    same: Rate  # share of the cases whose replies all say the same
    spread: float | None  # 0..1; None without a voice score
    scored: int  # cases behind `spread`

    def document(self) -> dict[str, Any]:
        """For the JSON document; `consistency_of` reads it back."""
        return {**asdict(self), "same": self.same.document()}


def consistency_of(document: dict[str, Any]) -> Consistency:
    """What `Consistency.document` made. Raises KeyError or TypeError when it is not that."""
    return Consistency(Rate.of(document["same"]), document["spread"], document["scored"])


def sampled(decoding: Decoding) -> list[Decoding]:
    """The settings of the runs: chance let in, seeds 1 to RUNS, all else the same."""
    return [replace(decoding, temperature=TEMPERATURE, top_p=TOP_P, seed=seed) for seed in range(1, RUNS + 1)]


def consistency(cases: Sequence[Case], runs: Sequence[Sequence[Outcome]]) -> dict[str, Consistency]:
    """mode -> how alike its replies are over `runs`, each of which holds outcomes of `cases`."""
    by_id = {case.id: case for case in cases}
    return {mode: _of_mode(by_id, _grouped(runs, mode)) for mode in modes_in(one for run in runs for one in run)}


def said(case: Case, outcome: Outcome) -> Said:
    """What the reply amounts to, to be held against another reply to the same case."""
    if not case.answerable:
        return right(outcome, "abstained")
    return frozenset(fact for fact in case.must if holds(fact, outcome.text)) if case.must else None


def _of_mode(cases: dict[str, Case], replies: dict[str, list[Outcome]]) -> Consistency:
    found = [{said(cases[case], one) for one in mine} for case, mine in replies.items()]
    told = [one for one in found if one != {None}]
    spreads = [stdev(scores) for mine in replies.values() if len(scores := _scores(mine)) == len(mine) > 1]
    same = rate_of(sum(len(one) == 1 for one in told), len(told))
    return Consistency(same, round(fmean(spreads), 4) if spreads else None, len(spreads))


def _grouped(runs: Sequence[Sequence[Outcome]], mode: str) -> dict[str, list[Outcome]]:
    replies: dict[str, list[Outcome]] = {}
    for run in runs:
        for one in run:
            if one.mode == mode:
                replies.setdefault(one.case, []).append(one)
    return replies


def _scores(outcomes: Sequence[Outcome]) -> list[float]:
    return [one.voice_score for one in outcomes if one.voice_score is not None]
