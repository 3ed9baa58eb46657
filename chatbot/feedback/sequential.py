"""Which of two is preferred, told in a way that may be looked at after every vote.

Ordinary tests and intervals hold for one look at a number of votes fixed beforehand; looked at after every vote, an
ordinary test calls a winner in a quarter of the experiments where there is none. Here a bet against "both alike" is
kept: a beta-binomial mixture, whose payoff E is at least 1/alpha with a chance of at most alpha, whenever one looks
(Ville 1939; Robbins 1970; Johari et al., "Always valid inference", 2022; Howard, Ramdas et al., "Time-uniform,
nonparametric, nonasymptotic confidence sequences", 2021). Knows wins and losses; nothing of modes, sides or files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaln

ALPHA = 0.05  # how often a winner may be called where there is none, however often one looks
PRIOR = 4.0  # Beta(4, 4): the bet is on shares such as 30% and 70%, where demos have theirs
EQUAL = 0.1  # an interval that stays this near to one half says that there is no difference worth having
EARLY = 20  # votes; below, "too early" is the word
STEPS = (15, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 500, 700, 1000)  # totals that a forecast may name
State = Literal["first", "second", "alike", "open"]


@dataclass(frozen=True)
class Verdict:
    """What `n` votes say that prefer one of two; `wins` are the first one's. The interval holds at every look."""

    n: int
    wins: int
    rate: float | None  # the first one's share; None without votes
    low: float
    high: float
    log_e: float  # natural logarithm of the highest payoff so far
    p: float  # valid whenever one looks; never rises
    alpha: float
    called_at: int | None  # the number of votes after which a winner was called; it stays called
    state: State
    settles: tuple[int, int] | None  # (k, n): with k of n votes for the one ahead it would be called

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "n": self.n, "wins": self.wins, "rate": _rounded(self.rate), "low": _rounded(self.low),
            "high": _rounded(self.high), "log_e": round(self.log_e, 4), "p": float(f"{self.p:.4g}"),
            "alpha": _rounded(self.alpha), "called_at": self.called_at, "state": self.state,
            "settles": None if self.settles is None else list(self.settles),
        }  # fmt: skip


def log_e(wins: Any, n: Any, share: float = 0.5) -> Any:
    """Natural logarithm of the payoff against "the first one's true share is `share`". Arrays work, elementwise.

    E = B(a + wins, a + losses) / (B(a, a) share^wins (1 - share)^losses), a = PRIOR.
    """
    losses = np.subtract(n, wins)
    prior = betaln(PRIOR + wins, PRIOR + losses) - betaln(PRIOR, PRIOR)
    return prior - np.multiply(wins, math.log(share)) - losses * math.log1p(-share)


@lru_cache(maxsize=8192)
def interval(wins: int, n: int, alpha: float = ALPHA) -> tuple[float, float]:
    """The shares that the votes do not rule out: `interval(70, 100)` is about (.55, .82). (0, 1) without votes."""
    if not 0 <= wins <= n or not 0 < alpha < 1:
        raise ValueError(f"{wins} of {n} votes at alpha {alpha} cannot be")
    if n == 0:
        return 0.0, 1.0
    return _end(wins, n, alpha), 1.0 - _end(n - wins, n, alpha)


def follow(outcomes: Sequence[bool], alpha: float = ALPHA) -> Verdict:
    """The verdict on votes in the order they were cast: True where the first one was preferred."""
    n, wins = len(outcomes), int(sum(outcomes))
    payoffs = log_e(np.cumsum(outcomes, dtype=int), np.arange(1, n + 1)) if n else np.zeros(0)
    best = max(0.0, float(payoffs.max(initial=0.0)))
    over = np.flatnonzero(payoffs >= -math.log(alpha))
    called = int(over[0]) + 1 if len(over) else None
    low, high = interval(wins, n, alpha)
    state = _state(sum(outcomes[:called]), called, low, high)
    return Verdict(
        n, wins, wins / n if n else None, low, high, best, math.exp(-best), alpha, called, state,
        _settles(wins, n, alpha) if state == "open" else None,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def threshold(n: int, alpha: float = ALPHA) -> int | None:
    """The least wins of `n` votes that call a winner: `threshold(20)` is 17. None where even all would not do."""
    wins = np.arange(n // 2 + 1, n + 1)
    enough = wins[log_e(wins, n) >= -math.log(alpha)]
    return int(enough[0]) if len(enough) else None


def line(found: Verdict, first: str, second: str) -> str:
    """The verdict as one plain sentence; `first` and `second` are the names to call them by."""
    leader, votes = (first, found.wins) if 2 * found.wins >= found.n else (second, found.n - found.wins)
    if found.n == 0:
        return "No vote yet that prefers one of the two."
    cast = f"{found.n} vote{'s' if found.n != 1 else ''}"
    if found.state in ("first", "second"):
        return _called(found, *((first, second) if found.state == "first" else (second, first)))
    if found.state == "alike":
        return f"{cast}: no difference worth having. {first} wins between {found.low:.0%} and {found.high:.0%}."
    split = f"{votes} for each" if 2 * votes == found.n else f"{votes} for {leader}"
    word = "too early to call" if found.n < EARLY else "not settled"
    if found.settles is None:
        return f"{cast}, {split}: {word}."
    return f"{cast}, {split}: {word}; {found.settles[0]} of {found.settles[1]} would settle it."


def _called(found: Verdict, winner: str, loser: str) -> str:
    ours = found.wins if found.state == "first" else found.n - found.wins
    low, high = (found.low, found.high) if found.state == "first" else (1 - found.high, 1 - found.low)
    said = f"{winner} is preferred to {loser}: {ours} of {found.n} votes, {ours / found.n:.0%} ({_span(low, high)})."
    return (
        said if low > 0.5 else f"{said} It was called after {found.called_at} votes; the votes since have weakened it."
    )


def _span(low: float, high: float) -> str:
    return f"between {low:.0%} and {high:.0%}"


def _state(wins: int, called: int | None, low: float, high: float) -> State:
    if called is not None:
        return "first" if 2 * wins > called else "second"
    return "alike" if low > 0.5 - EQUAL and high < 0.5 + EQUAL else "open"


def _settles(wins: int, n: int, alpha: float) -> tuple[int, int] | None:
    """The next round total at which the one ahead can still be called."""
    ahead = max(wins, n - wins)
    for total in STEPS:
        least = threshold(total, alpha) if total > n else None
        if least is not None and least <= ahead + total - n:
            return least, total
    return None


def _end(wins: int, n: int, alpha: float) -> float:
    """The lower end: the share below wins / n at which the payoff reaches 1 / alpha."""
    if wins == 0:
        return 0.0

    def over(share: float) -> float:
        return float(log_e(wins, n, share)) + math.log(alpha)

    # against the share seen itself no bet can have won: the payoff is at most 1 there, and grows towards 0
    return float(brentq(over, 1e-300, min(wins / n, 1 - 1e-12), xtol=1e-12))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
