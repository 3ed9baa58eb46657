"""What else moves votes: the side a reply stands on, its length, and voters who vote often. Raw numbers, adjusted.

One logistic regression (a binomial GLM of statsmodels) of "the left one won": a term for each pair of modes, a
constant for the side, and the difference in length, as log2 of the words, so that 1 is "twice as long". Errors are
clustered by voter (Liang and Zeger 1986). Where the votes cannot tell a term, for there are too few or they all go one
way ("separation", found exactly by a linear programme: Konis 2007), a sentence says so. Knows votes; no pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.special import expit
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from chatbot.feedback.ballot import Pair
from chatbot.feedback.tally import Counted, deciding

LEAST_VOTES = 20  # that prefer one of two; with fewer nothing is adjusted
LEAST_VOTERS = 15  # with fewer, clustered errors are too small: no interval is shown
SIDE, LENGTH = "side", "length"
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Share:
    """A chance, 0..1, with its 95% interval; None where voters are too few for one. One half is "no effect"."""

    value: float
    low: float | None
    high: float | None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if n is None else round(n, 4) for name, n in numbers.items()}


@dataclass(frozen=True)
class Effects:
    """Between replies that are alike in all else. What could not be told is None, and `why` has the sentences."""

    n: int  # votes that prefer one of two
    adjusted: Mapping[Pair, Share]  # the first mode's win rate, were sides and lengths the same
    left: Share | None  # chance of the left one
    longer: Share | None  # chance of the one with twice the words
    worth: int | None  # how many votes of as many voters would tell as much: votes of one voter resemble each other
    why: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "n": self.n, "adjusted": {" / ".join(pair): one.document() for pair, one in self.adjusted.items()},
            "left": self.left and self.left.document(), "longer": self.longer and self.longer.document(),
            "worth": self.worth, "why": list(self.why),
        }  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """A fitted regression: one number for each column. `errors` are clustered, `plain` as if all votes were apart."""

    values: Array
    errors: Array
    plain: Array
    low: Array
    high: Array

    def share(self, place: int, interval: bool = True) -> Share:
        """A column's number as a chance."""
        low, high = (float(expit(self.low[place])), float(expit(self.high[place]))) if interval else (None, None)
        return Share(float(expit(self.values[place])), low, high)


@dataclass(frozen=True)
class Voters:
    """Who voted how often."""

    voters: int
    votes: int
    again: int  # voters with more than one vote
    by_them: int  # votes of those
    most: int  # votes of the busiest one

    def document(self) -> dict[str, int]:
        """For JSON."""
        return dict(vars(self))


def effects(votes: Sequence[Counted]) -> Effects:
    """Of the votes that prefer one of two."""
    found = deciding(votes)
    if len(found) < LEAST_VOTES:
        return _nothing(
            found, f"{len(found)} votes prefer one of two: nothing is adjusted before there are {LEAST_VOTES}."
        )
    told, reasons = _tellable(found)
    if not told:
        return _nothing(found, *reasons)
    names, design, won = _design(told)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return _nothing(found, *reasons, "Modes stood on one side always: side and mode cannot be told apart.")
    if separated(design, won):
        return _nothing(found, *reasons, _separation(told))
    groups = [one.voter for one in told]
    enough = len(set(groups)) >= LEAST_VOTERS
    fit = fitted(design, won, groups if enough else None)
    if not enough:
        reasons.append(
            f"{len(set(groups))} voters: adjusted numbers get an interval from {LEAST_VOTERS} voters on; "
            "with fewer it would look surer than it is."
        )
    shares = {name: fit.share(place, enough) for place, name in enumerate(names)}
    return Effects(
        len(found), {name: one for name, one in shares.items() if isinstance(name, tuple)}, shares[SIDE],
        shares.get(LENGTH), _worth(fit, len(told)) if enough else None, tuple(reasons),
    )  # fmt: skip


def voters(votes: Sequence[Counted]) -> Voters:
    """How far the votes are a few people's."""
    cast: dict[str, int] = {}
    for one in votes:
        cast[one.voter] = cast.get(one.voter, 0) + 1
    often = [n for n in cast.values() if n > 1]
    return Voters(len(cast), len(votes), len(often), sum(often), max(cast.values(), default=0))


def each_voter_once(votes: Sequence[Counted], pair: Pair) -> float | None:
    """The first mode's win rate if every voter had one voice, however often they voted; None without votes."""
    cast: dict[str, list[bool]] = {}
    for one in deciding(votes, pair):
        cast.setdefault(one.voter, []).append(one.won)
    return float(np.mean([np.mean(given) for given in cast.values()])) if cast else None


def fitted(design: Array, won: Array, groups: Sequence[str] | None = None) -> Fit:
    """A binomial regression of `won` (n,) in 0..1 on `design` (n, columns), without a constant of its own.

    `groups`: the voter of each row; without them errors are the ordinary ones. Columns must not be separated.
    """
    model = GLM(won, design, family=Binomial())
    plain = model.fit()
    if groups is None:
        used = plain
    else:
        numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
        used = model.fit(cov_type="cluster", cov_kwds={"groups": numbers}, use_t=True)
    low, high = used.conf_int().T
    return Fit(np.asarray(used.params), np.asarray(used.bse), np.asarray(plain.bse), low, high)


def separated(design: Array, won: Array) -> bool:
    """Does some mixture of the columns foretell every vote, so that no finite number fits? Exact."""
    signed = design * (2 * won - 1)[:, None]
    rows = np.unique(signed, axis=0)
    found = linprog(-rows.sum(0), A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=[(-1, 1)] * rows.shape[1])
    return bool(-found.fun > 1e-7)


def _design(votes: Sequence[Counted]) -> tuple[list[Pair | str], Array, Array]:
    """Names of the columns, the columns, and whether the left one won. A column that says nothing is left out."""
    pairs = sorted({one.pair for one in votes})
    facing = np.array(
        [[(1.0 if one.left == pair[0] else -1.0) * (one.pair == pair) for pair in pairs] for one in votes]
    )
    longer = np.array([_longer(one) for one in votes])
    columns = [facing, np.ones((len(votes), 1)), longer[:, None]]
    names: list[Pair | str] = [*pairs, SIDE, LENGTH]
    design = np.hstack(columns)
    if np.linalg.matrix_rank(design) == np.linalg.matrix_rank(design[:, :-1]):
        names, design = names[:-1], design[:, :-1]  # all of one length, or length is the mode in other words
    return names, design, np.array([float(one.left_won) for one in votes])


def _facing(vote: Counted, pair: Pair) -> float:
    """1 where the pair's first mode stood left, -1 where it stood right, 0 for another pair."""
    return 0.0 if vote.pair != pair else 1.0 if vote.left == pair[0] else -1.0


def _longer(vote: Counted) -> float:
    """log2 of the words on the left over those on the right."""
    right = next(mode for mode in vote.pair if mode != vote.left)
    return float(np.log2(max(vote.words[vote.left], 1) / max(vote.words[right], 1)))


def _tellable(votes: Sequence[Counted]) -> tuple[list[Counted], list[str]]:
    """Without the pairs whose votes all prefer one mode: no finite number fits those, and they tell nothing else."""
    why, kept = [], []
    for pair in sorted({one.pair for one in votes}):
        here = deciding(votes, pair)
        if len({one.won for one in here}) == 1:
            why.append(f"All {len(here)} votes on {' and '.join(pair)} prefer {here[0].winner}: that is not adjusted.")
        else:
            kept += here
    return kept, why


def _separation(votes: Sequence[Counted]) -> str:
    lefts = {one.left_won for one in votes}
    if len(lefts) == 1:
        side = "left" if lefts == {True} else "right"
        return f"Every vote went {side}: the side explains all, and nothing can be adjusted."
    return "Side, length and mode together explain every vote: there are too few votes to tell them apart."


def _nothing(votes: Sequence[Counted], *why: str) -> Effects:
    return Effects(len(votes), {}, None, None, None, why)


def _worth(fit: Fit, n: int) -> int:
    """Kish's effective number of votes: n over the mean design effect, (clustered error / plain error) squared."""
    return min(n, round(n / float(np.mean((fit.errors / fit.plain) ** 2))))
