"""Is the experiment sound? Side bias, whether battles came as planned, and which replies were never judged.

Free questions must give each pair equally many battles, and all questions equally many votes; a mode stands left half
of the time. Chi-square tests hold the counts against that plan, strictly (p < .001) as they are looked at often. A pair
of replies is void when one was cut off; modes that are cut off more often lose their longest replies, so what is left
is no fair sample, and that is told by mode."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import chisquare

from chatbot.feedback.ballot import Experiment, Pair
from chatbot.feedback.sequential import ALPHA, Verdict, follow
from chatbot.feedback.tally import Counted, Document, deciding, pairs_of
from chatbot.quality.stats import Rate, rate_of

STRICT = 0.001  # of the test of the plan
LEAST_EXPECTED = 5  # in each cell; below, a chi-square test says nothing
DONE = ("stop", "approved")  # finishes of a reply that was written to its end


@dataclass(frozen=True)
class Due:
    """How often a pair was to come, or with `left`, how often it was to come with that mode on the left."""

    pair: Pair
    left: str
    counted: int
    planned: float


@dataclass(frozen=True)
class Plan:
    """What was counted against what was planned. `p` is None where there is too little to test."""

    what: str  # "battles" or "votes"
    of: str  # "pairs" or "sides"
    dues: tuple[Due, ...]
    p: float | None

    @property
    def off(self) -> bool:
        """Is it proven that something draws or loses battles unevenly?"""
        return self.p is not None and self.p < STRICT

    def document(self) -> dict[str, Any]:
        """For JSON."""
        dues = [{**vars(one), "pair": list(one.pair), "planned": round(one.planned, 2)} for one in self.dues]
        return {"what": self.what, "of": self.of, "dues": dues, "p": None if self.p is None else float(f"{self.p:.4g}")}


@dataclass(frozen=True)
class Endings:
    """How one mode's replies in battles ended. `unfinished` is their share that was cut off or failed."""

    unfinished: Rate
    finishes: Mapping[str, int]  # finish -> replies

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {"unfinished": self.unfinished.document(), "finishes": dict(self.finishes)}


def side_bias(lefts: Sequence[bool]) -> Verdict:
    """Of votes in the order they were cast, True where the left one was preferred; valid at every look."""
    return follow(lefts, ALPHA)


def left_votes(votes: Iterable[Counted]) -> list[bool]:
    """Where the left one was preferred, in order."""
    return [one.left_won for one in deciding(votes)]


def pairs_planned(what: str, made: Sequence[tuple[str, Pair]], experiments: Sequence[Experiment]) -> Plan:
    """Is each pair there as often as another of its experiment? `made`: (experiment, pair) of each battle or vote."""
    due: dict[Pair, float] = {}
    for experiment in experiments:
        here = sum(name == experiment.name for name, _ in made)
        for pair in pairs_of([experiment]):
            due[pair] = due.get(pair, 0.0) + here / len(experiment.pairs)
    seen = Counter(pair for _, pair in made)
    dues = tuple(Due(pair, "", seen[pair], planned) for pair, planned in due.items())
    return _plan(what, "pairs", dues, len(dues) - 1)


def sides_planned(what: str, made: Sequence[tuple[Pair, str]]) -> Plan:
    """Does each mode of a pair stand left half of the time? `made`: (pair, mode on the left) of each battle or vote."""
    seen, lefts = Counter(pair for pair, _ in made), Counter(made)
    dues = tuple(Due(pair, mode, lefts[pair, mode], seen[pair] / 2) for pair in seen for mode in pair)
    return _plan(what, "sides", dues, len(seen))


def endings(battles: Iterable[Document]) -> dict[str, Endings]:
    """mode -> how its replies ended, over every battle made, void or not."""
    finishes: dict[str, Counter[str]] = {}
    for one in battles:
        for place in ("first", "second"):
            finishes.setdefault(one[f"{place}_mode"], Counter())[one[f"{place}_finish"]] += 1
    return {
        mode: Endings(rate_of(sum(n for end, n in found.items() if end not in DONE), found.total()), dict(found))
        for mode, found in finishes.items()
    }


def uneven(found: Mapping[str, Endings]) -> tuple[str, str] | None:
    """The modes cut off most and least often, if their intervals lie apart: then what is judged is no fair sample."""
    known = {mode: one.unfinished for mode, one in found.items() if one.unfinished.n}
    if len(known) < 2:
        return None
    most = max(known, key=lambda mode: known[mode].low or 0.0)
    least = min(known, key=lambda mode: known[mode].high or 0.0)
    return (most, least) if (known[most].low or 0.0) > (known[least].high or 0.0) else None


def voids(battles: Iterable[Document]) -> dict[str, int]:
    """reason -> battles that nobody could or may vote on."""
    return dict(Counter(one["void_reason"] for one in battles if one["void_reason"]).most_common())


def _plan(what: str, of: str, dues: tuple[Due, ...], freedom: int) -> Plan:
    """`freedom`: of the counts, how many are free to vary."""
    if freedom < 1 or min(one.planned for one in dues) < LEAST_EXPECTED:
        return Plan(what, of, dues, None)
    seen, planned = [one.counted for one in dues], [one.planned for one in dues]
    return Plan(what, of, dues, float(chisquare(seen, planned, ddof=len(dues) - 1 - freedom).pvalue))
