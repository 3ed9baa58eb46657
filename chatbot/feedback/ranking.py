"""All modes in one order: Bradley-Terry, with intervals that draw voters anew, not votes.

The chance that i is preferred to j is s_i / (s_i + s_j) (Bradley and Terry 1952), fitted by evalica (Newman 2023); a
tie is half a win for each. Both bad prefers nobody and is left out. With a handful of votes a mode may never lose,
and then no finite strength fits: every two modes are given PRIOR ties more than were cast, which fades as votes come.
One voter's votes resemble each other, so the interval redraws whole voters. Knows votes; no files and no pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import evalica
import numpy as np
from evalica import Winner

from chatbot.feedback.tally import Counted

PRIOR = 1.0  # ties added to every two modes
RESAMPLES = 1000  # of the voters
LEAST_VOTERS = 5  # with fewer, drawing them anew says nothing
OUTCOMES = (Winner.X, Winner.Y, Winner.Draw)
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Standing:
    """One mode. `score` is its chance, 0..1, to be preferred to another mode, the mean over the others."""

    mode: str
    score: float
    low: float | None  # 95%, over voters; None with too few of them
    high: float | None
    leads: float | None  # share of the redrawn electorates in which it stands first

    def document(self) -> dict[str, Any]:
        """For JSON."""
        numbers = {"score": self.score, "low": self.low, "high": self.high, "leads": self.leads}
        return {"mode": self.mode, **{name: None if n is None else round(n, 4) for name, n in numbers.items()}}


def ranking(votes: Sequence[Counted], modes: Sequence[str], seed: int = 0) -> list[Standing]:
    """The modes of `modes` that votes were cast on, best first; [] where there are none."""
    votes = [one for one in votes if not one.aside and one.verdict != "both-bad"]
    seen = [mode for mode in modes if any(mode in one.pair for one in votes)]
    if not seen:
        return []
    tallies = tallied(votes, seen)
    by_voter = np.array([tallies[voter] for voter in sorted(tallies)])  # (voters, rows)
    scores, redrawn = scored(by_voter.sum(0), len(seen)), _redrawn(by_voter, len(seen), seed)
    made = [_standing(mode, scores[place], redrawn, place) for place, mode in enumerate(seen)]
    return sorted(made, key=lambda one: -one.score)


def tallied(votes: Sequence[Counted], modes: Sequence[str]) -> dict[str, Array]:
    """voter -> how often each of OUTCOMES was said of each two of `modes`, in the order of `rows_of`."""
    rows = {row: place for place, row in enumerate(rows_of(len(modes)))}
    made: dict[str, Array] = {}
    for one in votes:
        first, second = sorted(map(modes.index, one.pair))
        won = modes.index(one.winner) if one.winner else None
        outcome = Winner.Draw if won is None else Winner.X if won == first else Winner.Y
        made.setdefault(one.voter, np.zeros(len(rows)))[rows[first, second, outcome]] += 1
    return made


def scored(tally: Array, modes: int, prior: float = PRIOR) -> Array:
    """Each mode's chance to be preferred to another, the mean over the others: (modes,)."""
    found = strengths(tally, modes, prior)
    chances = found[:, None] / (found[:, None] + found[None, :])
    score: Array = (chances.sum(1) - 0.5) / (modes - 1)
    return score


def strengths(tally: Array, modes: int, prior: float = PRIOR) -> Array:
    """Bradley-Terry's s, scaled to a sum of 1: (modes,). `tally`: votes in the order of `rows_of`."""
    rows = rows_of(modes)
    weights = tally + [prior * (outcome is Winner.Draw) for _, _, outcome in rows]
    fitted = evalica.bradley_terry(
        [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows],
        weights=weights.tolist(), tolerance=1e-10, limit=10_000,
    )  # fmt: skip
    made: Array = np.array([fitted.scores[mode] for mode in range(modes)], dtype=np.float64)
    made /= made.sum()
    return made


def rows_of(modes: int) -> list[tuple[int, int, Winner]]:
    """Every two of so many modes with each outcome: what a tally counts."""
    return [(first, second, outcome) for first, second in combinations(range(modes), 2) for outcome in OUTCOMES]


def _redrawn(by_voter: Array, modes: int, seed: int) -> Array | None:
    """(RESAMPLES, modes): the scores of electorates drawn from the voters with replacement."""
    voters = len(by_voter)
    if voters < LEAST_VOTERS:
        return None
    times = np.random.default_rng(seed).multinomial(voters, np.full(voters, 1 / voters), size=RESAMPLES)
    return np.array([scored(tally, modes) for tally in times @ by_voter])


def _standing(mode: str, score: float, redrawn: Array | None, place: int) -> Standing:
    if redrawn is None:
        return Standing(mode, float(score), None, None, None)
    low, high = np.quantile(redrawn[:, place], [0.025, 0.975])
    leads = float((redrawn.argmax(1) == place).mean())
    # of few voters the redrawn ones may all lie on one side of what was seen
    return Standing(mode, float(score), min(float(low), float(score)), max(float(high), float(score)), leads)
