"""Two modes against each other: the verdict, its curve over time, and situation by situation. Shares are the first's.

Knows votes; no words and no pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatbot.feedback.ballot import Pair
from chatbot.feedback.effects import Effects, Share, each_voter_once
from chatbot.feedback.sequential import Verdict, follow, interval
from chatbot.feedback.tally import Counted, Document, deciding
from chatbot.quality.stats import Rate, rate_of

FEW = 10  # votes that prefer one of two; a situation with fewer is not read
POINTS = 200  # of a curve, at most


@dataclass(frozen=True)
class Point:
    """One place on the curve: what stood after `n` votes that prefer one of two."""

    n: int
    at: str  # UTC, ISO 8601: when the last of them was cast
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Duel:
    """One pair of modes: the votes that prefer one, and what else was said of it."""

    pair: Pair
    verdict: Verdict
    adjusted: Share | None  # were sides and lengths the same: see effects.py
    each_voter_once: float | None  # were every voter given one voice
    ties: int
    both_bad: Rate  # of the votes on the pair that are weighed
    curve: tuple[Point, ...]

    def document(self) -> Document:
        """For JSON."""
        return {
            "pair": list(self.pair), **self.verdict.document(),
            "adjusted": self.adjusted and self.adjusted.document(),
            "each_voter_once": None if self.each_voter_once is None else round(self.each_voter_once, 4),
            "ties": self.ties, "both_bad": self.both_bad.document(),
        }  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One situation and pair. Without `low` and `high` the votes are too few to read."""

    n: int  # votes that prefer one of the two
    wins: int
    ties: int
    both_bad: int
    low: float | None
    high: float | None

    def document(self) -> Document:
        """For JSON."""
        return {name: round(n, 4) if isinstance(n, float) else n for name, n in vars(self).items()}


def duel(votes: Sequence[Counted], pair: Pair, known: Effects, alpha: float) -> Duel:
    """Of all votes, the pair's. `alpha`: how often this pair may be called wrongly."""
    weighed = [one for one in votes if one.pair == pair and not one.aside]
    found = deciding(weighed)
    bad = sum(one.verdict == "both-bad" for one in weighed)
    return Duel(
        pair, follow([one.won for one in found], alpha), known.adjusted.get(pair), each_voter_once(found, pair),
        sum(one.verdict == "tie" for one in weighed), rate_of(bad, len(weighed)), curve(found, alpha),
    )  # fmt: skip


def curve(found: Sequence[Counted], alpha: float) -> tuple[Point, ...]:
    """The share and its interval after every vote, the last one always; of very many votes every few."""
    step = -(-len(found) // POINTS) if found else 1
    points, wins = [], 0
    for n, one in enumerate(found, 1):
        wins += one.won
        if n % step == 0 or n == len(found):
            points.append(Point(n, one.at, wins / n, *interval(wins, n, alpha)))
    return tuple(points)


def situations(votes: Sequence[Counted], pairs: Sequence[Pair], alpha: float) -> dict[str, dict[Pair, Cell]]:
    """situation -> pair -> its votes; the situation with most votes first. A pair without any has no cell."""
    weighed = [one for one in votes if not one.aside]
    names: dict[str, int] = {}
    for one in weighed:
        names[one.situation] = names.get(one.situation, 0) + 1
    cells: Mapping[str, dict[Pair, Cell]] = {
        name: {
            pair: _cell(here, alpha)
            for pair in pairs
            if (here := [one for one in weighed if one.situation == name and one.pair == pair])
        }
        for name in sorted(names, key=lambda name: (-names[name], name))
    }
    return dict(cells)


def _cell(votes: Sequence[Counted], alpha: float) -> Cell:
    found = deciding(votes)
    n, wins = len(found), sum(one.won for one in found)
    ties, bad = (sum(one.verdict == what for one in votes) for what in ("tie", "both-bad"))
    low, high = interval(wins, n, alpha) if n >= FEW else (None, None)
    return Cell(n, wins, ties, bad, low, high)
