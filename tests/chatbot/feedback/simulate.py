"""Votes without voters: many experiments at once, each looked at after every vote. prove.py prints, tests assert.

An experiment is a row of votes, True where the first of two modes is preferred. The chances are also worked out
exactly, by carrying the distribution of wins from vote to vote: what is simulated must lie near what is exact."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.feedback.ballot import left_of
from chatbot.feedback.sequential import ALPHA, log_e, threshold

RUNS = 2000
PAIR = ("combined", "fine-tuned")
THREE = ALPHA / 3  # what each of three pairs is called at
LONG, SHORT = 1000, 100  # votes: of an A/A experiment, and within which a true preference is to be called


@dataclass(frozen=True)
class Simulated:
    """How often a winner was called within `votes` in `runs` experiments, and how often exactly it is."""

    what: str
    runs: int
    votes: int
    called: float
    exact: float
    least: float  # share of calls that is promised; 0 where there is nothing to call
    most: float
    wrong: float = 0.0  # share of the runs that called the one that is not preferred

    @property
    def kept(self) -> bool:
        """Is the promise kept, by the runs and by the exact chance?"""
        return all(self.least <= share <= self.most for share in (self.called, self.exact))


def votes_of(share: float, votes: int, seed: int, runs: int = RUNS) -> np.ndarray:
    """(runs, votes) of independent votes that prefer the first one with a chance of `share`."""
    return np.random.default_rng(seed).random((runs, votes)) < share


def called(outcomes: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """(runs,): after how many votes a winner was called, 0 if never; and was it the first one?"""
    wins, n = np.cumsum(outcomes, axis=1), np.arange(1, outcomes.shape[1] + 1)
    over = log_e(wins, n) >= -math.log(alpha)
    ever, at = over.any(1), over.argmax(1)
    ahead = 2 * wins[np.arange(len(wins)), at] > n[at]
    return np.where(ever, at + 1, 0), ever & ahead


def exact(share: float, votes: int, alpha: float) -> float:
    """The chance that a winner is called within so many votes, if each prefers the first one with chance `share`."""
    alive = np.zeros(votes + 1)  # by wins, of the experiments in which nothing was called yet
    alive[0], gone = 1.0, 0.0
    for n in range(1, votes + 1):
        alive = np.concatenate(([0.0], alive[:-1])) * share + alive * (1 - share)
        least = threshold(n, alpha)
        if least is not None:
            out = np.arange(votes + 1)
            stop = (out >= least) | (out <= n - least)
            gone += float(alive[stop & (out <= n)].sum())
            alive[stop] = 0.0
    return gone


def one_pair(what: str, share: float, votes: int, alpha: float, seed: int, least: float = 0.0) -> Simulated:
    """Experiments of one pair. `least`: how often a true preference is promised to be called."""
    at, first = called(votes_of(share, votes, seed), alpha)
    wrong = float(((at > 0) & ~first).mean()) if share > 0.5 else 0.0
    found = float((at > 0).mean())
    return Simulated(what, RUNS, votes, found, exact(share, votes, alpha), least, 1.0 if least else ALPHA, wrong)


def three_pairs(seed: int, votes: int = LONG) -> Simulated:
    """A/A experiments of three pairs: how often is any winner called?"""
    found = [called(votes_of(0.5, votes, seed + place), THREE)[0] > 0 for place in range(3)]
    any_of = 1 - (1 - exact(0.5, votes, THREE)) ** 3
    share = float(np.any(found, axis=0).mean())
    return Simulated("A/A, three pairs, any winner", RUNS, votes, share, any_of, 0.0, ALPHA)


def left_lovers(habit: float, seed: int, votes: int = SHORT, voters: int = 3) -> Simulated:
    """Few voters who vote again and again and choose the left reply with a chance of `habit`, whoever wrote it.

    The ballot's own coin decides who stands left, so the votes say nothing of the modes: the exact chance is that of
    a fair coin, whatever the habit."""
    random = np.random.default_rng(seed)
    goes_left = random.random((RUNS, votes)) < habit
    first_left = np.array([_lefts(f"{seed}-{run}", votes, voters) for run in range(RUNS)])
    at, _ = called(goes_left == first_left, ALPHA)
    what = f"A/A, {voters} voters, {habit:.0%} of votes go left"
    return Simulated(what, RUNS, votes, float((at > 0).mean()), exact(0.5, votes, ALPHA), 0.0, ALPHA)


def _lefts(salt: str, votes: int, voters: int) -> Sequence[bool]:
    return [left_of(salt, "e", f"v{turn % voters}", turn // voters, PAIR) == PAIR[0] for turn in range(votes)]


def every() -> list[Simulated]:
    """All that is promised, in the order in which it is told."""
    return [
        one_pair("A/A, one pair", 0.5, LONG, ALPHA, 1),
        three_pairs(10),
        left_lovers(0.8, 4),
        left_lovers(1.0, 5),
        one_pair("70% prefer one, one pair", 0.7, SHORT, ALPHA, 2, least=0.88),
        one_pair("70% prefer one, of three pairs", 0.7, SHORT, THREE, 3, least=0.80),
        one_pair("60% prefer one, one pair", 0.6, 2 * SHORT, ALPHA, 6, least=0.50),
    ]
