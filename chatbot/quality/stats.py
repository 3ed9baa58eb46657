"""Numbers of an examination: rates with their intervals, paired tests, and how many cases a claim needs.

Knows outcomes and marks, and nothing of models, files or screens. A mark that does not apply
(`passed is None`) is not counted anywhere. "invented" is the share of replies that *did* invent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.stats import binom, binomtest, bootstrap

from chatbot.mode import EVERY
from chatbot.quality.marks import CHECKS, Outcome

LESS_IS_BETTER = frozenset({"invented"})  # checks whose rate counts what went wrong
CONFIDENCE = 0.95  # of every interval
RESAMPLES = 2000  # of a bootstrap


@dataclass(frozen=True)
class Rate:
    """`k` of `n` with its Wilson interval. With n = 0 nothing is known, and the three numbers are None."""

    n: int
    k: int
    rate: float | None  # 0..1
    low: float | None
    high: float | None

    def document(self) -> dict[str, Any]:
        """For the JSON contract: {"n", "rate", "low", "high"}."""
        return {name: _rounded(value) for name, value in asdict(self).items() if name != "k"}

    @staticmethod
    def of(document: Mapping[str, Any]) -> "Rate":
        """What `document` made, read back. Raises KeyError or TypeError when it is not that."""
        n = document["n"]
        return rate_of(round(n * document["rate"]) if n else 0, n)


@dataclass(frozen=True)
class Mean:
    """A mean with its bootstrap interval; of fewer than two values no interval is known, of none nothing."""

    n: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Paired:
    """The same `n` cases before and after: `losses` were right and are not, `gains` the other way about."""

    n: int
    losses: int
    gains: int
    p: float  # exact McNemar, two-sided
    p_worse: float  # exact McNemar, one-sided: chance of so many losses among the changed if nothing got worse

    @property
    def drop(self) -> float:
        """Share of the cases lost on balance; below 0 when more was gained."""
        return (self.losses - self.gains) / self.n if self.n else 0.0

    @property
    def churn(self) -> float:
        """Share of the cases that flip both ways, with no change on balance: the noise of two runs."""
        return 2 * min(self.losses, self.gains) / self.n if self.n else 0.0


@lru_cache(maxsize=4096)
def rate_of(k: int, n: int) -> Rate:
    """`rate_of(8, 10)` is .8, .49 to .94."""
    if n == 0:
        return Rate(0, 0, None, None, None)
    interval = binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(n, k, k / n, float(interval.low), float(interval.high))


def mean_of(values: Sequence[float], seed: int = 0) -> Mean:
    """The mean, with the percentile interval of RESAMPLES draws (Efron 1979), the same for the same `seed`."""
    if not values:
        return Mean(0, None, None, None)
    middle = float(np.mean(values))
    if len(values) == 1:
        return Mean(1, middle, None, None)
    rng = np.random.default_rng(seed)
    found = bootstrap(
        (np.asarray(values),), np.mean, confidence_level=CONFIDENCE, n_resamples=RESAMPLES, method="percentile", rng=rng
    ).confidence_interval
    return Mean(len(values), middle, float(found.low), float(found.high))


def right(outcome: Outcome, check: str) -> bool | None:
    """Did the reply pass? None where the check does not apply, or was not made."""
    mark = outcome.marks.get(check)
    return None if mark is None else mark.passed


def rate(outcomes: Iterable[Outcome], check: str) -> Rate:
    """How often `check` passed; of LESS_IS_BETTER how often it did not."""
    found = [passed for one in outcomes if (passed := right(one, check)) is not None]
    good = sum(found)
    return rate_of(len(found) - good if check in LESS_IS_BETTER else good, len(found))


def rates(outcomes: Sequence[Outcome]) -> dict[str, Rate]:
    """One rate per check."""
    return {check: rate(outcomes, check) for check in CHECKS}


def modes_in(outcomes: Iterable[Outcome]) -> list[str]:
    """The modes that occur, in the order of the columns on the screen."""
    found = {one.mode for one in outcomes}
    known = [mode.key for mode in EVERY if mode.key in found]
    return known + sorted(found - set(known))


def by_mode(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Rate]]:
    """mode -> check -> rate."""
    return {mode: rates([one for one in outcomes if one.mode == mode]) for mode in modes_in(outcomes)}


def by_situation(outcomes: Sequence[Outcome]) -> dict[str, dict[str, dict[str, Rate]]]:
    """situation -> mode -> check -> rate."""
    names = sorted({one.situation for one in outcomes})
    return {name: by_mode([one for one in outcomes if one.situation == name]) for name in names}


def held(outcomes: Sequence[Outcome], out: bool) -> list[Outcome]:
    """Those whose article training never saw (`out`), or those whose article it may have seen."""
    return [one for one in outcomes if one.held_out is out]


def paired(before: Sequence[bool | None], after: Sequence[bool | None]) -> Paired:
    """Exact McNemar on two lists over the same cases in the same order. Pairs with a None are left out."""
    if len(before) != len(after):
        raise ValueError(f"{len(before)} marks before, {len(after)} after: they are not the same cases")
    pairs = [(b, a) for b, a in zip(before, after, strict=True) if b is not None and a is not None]
    losses = sum(b and not a for b, a in pairs)
    gains = sum(a and not b for b, a in pairs)
    if losses + gains == 0:
        return Paired(len(pairs), 0, 0, 1.0, 1.0)
    both = binomtest(losses, losses + gains)
    worse = binomtest(losses, losses + gains, alternative="greater")
    return Paired(len(pairs), losses, gains, float(both.pvalue), float(worse.pvalue))


def modes_paired(outcomes: Sequence[Outcome], check: str, mode: str, other: str) -> Paired:
    """`other` before, `mode` after, on the cases that both answered. Losses: `other` was right, `mode` is not."""
    marks = {key: {one.case: right(one, check) for one in outcomes if one.mode == key} for key in (mode, other)}
    cases = sorted(set(marks[mode]) & set(marks[other]))
    return paired([marks[other][case] for case in cases], [marks[mode][case] for case in cases])


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down: p values that may be held against one alpha together (Holm 1979)."""
    ordered = sorted(p_values, key=lambda name: p_values[name])
    adjusted: dict[str, float] = {}
    least = 0.0
    for place, name in enumerate(ordered):
        least = max(least, min(1.0, (len(ordered) - place) * p_values[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def power(n: int, drop: float, churn: float, alpha: float) -> float:
    """Chance that `n` cases prove a true `drop` at one-sided `alpha`, when `churn` of them flip without cause.

    Exact: over every number of changed cases, the chance that the losses among them reach the critical count."""
    gone, come = min(1.0, drop + churn / 2), churn / 2
    changed = np.arange(n + 1)
    critical = binom.isf(alpha, changed, 0.5) + 1  # the least number of losses that is proof
    caught = binom.sf(critical - 1, changed, gone / (gone + come))
    return float(np.sum(binom.pmf(changed, n, min(1.0, gone + come)) * caught))


@lru_cache(maxsize=512)
def needs_n(drop: float, churn: float = 0.2, alpha: float = 0.02, wanted: float = 0.8) -> int:
    """The least number of cases that proves a true `drop` (0..1) with chance `wanted`: `needs_n(.15)` is about 130."""
    if not 0 < drop <= 1:
        raise ValueError(f"a drop of {drop} cannot be looked for: it must be above 0, up to 1")
    low, high = 1, 2
    while power(high, drop, churn, alpha) < wanted:
        low, high = high, high * 2
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, drop, churn, alpha) >= wanted else (middle, high)
    return high


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, 4)
