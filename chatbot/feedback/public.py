"""Is the arithmetic right on votes that nobody here cast? Prints what tests/…/test_public.py asserts.

Three public sets, kept outside the product: the baseball table of Agresti (2002, p. 438), with published strengths;
LLMFAO's crowd votes on 59 models (CC BY 4.0) with scores by evalica's authors; and the verdicts of two language models
on the same pairs, whose taste for one side is known. Run: python -m chatbot.feedback.public FOLDER"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chatbot.feedback.balance import side_bias
from chatbot.feedback.effects import Array, fitted
from chatbot.feedback.ranking import OUTCOMES, rows_of, strengths
from chatbot.feedback.sequential import Verdict

STRENGTHS = (0.68, 1.11, 1.25, 1.29, 1.44, 1.58)  # published: logarithms, against Baltimore
HOME = 0.302  # published: logarithm of the odds that the home side gains
WITH_HOME = (0.044, 0.088, 0.137, 0.157, 0.164, 0.190, 0.220)  # published: scaled to a sum of 1
EQUALS = {"crowd": 0.547, "gpt4-crowd": 0.410, "gpt3-crowd": 0.741}  # known: chance of the left one between equals
Vote = tuple[str, str, str]  # left, right, and which won: left, right or tie


@dataclass(frozen=True)
class Baseball:
    """What the published table should give again."""

    plain: tuple[float, ...]  # the six logarithms, ascending
    home: float
    with_home: tuple[float, ...]  # the seven shares, ascending


@dataclass(frozen=True)
class Judge:
    """Who chose, and how much by the side."""

    name: str
    votes: int
    raw: Verdict  # wins are the left one's
    equals: float  # chance of the left one between two equals

    @property
    def warned(self) -> bool:
        """Is the warning of side bias raised?"""
        return self.raw.called_at is not None


def baseball(folder: Path) -> Baseball:
    """`folder`: .../votes/baseball."""
    lines = _read(folder / "baseball.csv")
    games: list[Vote] = []
    for line in lines:
        meeting = line["home_team"], line["away_team"]
        games += [(*meeting, "left")] * int(line["home_wins"]) + [(*meeting, "right")] * int(line["away_wins"])
    plain, _ = between(games, side=False)
    with_home, home = between(games)
    shares = np.exp(list(with_home.values()))
    return Baseball(
        tuple(sorted(value - plain["Baltimore"] for name, value in plain.items() if name != "Baltimore")),
        home,
        tuple(sorted((shares / shares.sum()).tolist())),
    )


def golden(folder: Path) -> tuple[int, float]:
    """Votes, and the greatest difference of a model's strength from the golden one. `folder`: .../votes/llmfao."""
    votes = comparisons(folder / "crowd-comparisons.csv")
    known = {
        line["item"]: float(line["score"])
        for line in _read(folder / "llmfao-golden.csv")
        if line["algorithm"] == "bradley_terry"
    }
    names = sorted(known)
    found = strengths(tally(votes, names), len(names), prior=0)
    scale = sum(known.values())
    return len(votes), max(abs(float(found[place]) - known[name] / scale) for place, name in enumerate(names))


def judge(folder: Path, name: str) -> Judge:
    """`name`: one of EQUALS."""
    votes = comparisons(folder / f"{name}-comparisons.csv")
    decided = [one for one in votes if one[2] != "tie"]
    _, side = between(decided)
    return Judge(name, len(votes), side_bias([won == "left" for _, _, won in decided]), 1 / (1 + float(np.exp(-side))))


def comparisons(path: Path) -> list[Vote]:
    """LLMFAO's form: left, right, winner."""
    return [(line["left"], line["right"], line["winner"]) for line in _read(path)]


def tally(votes: Sequence[Vote], names: Sequence[str]) -> Array:
    """Votes in the order of ranking.rows_of."""
    rows = {row: place for place, row in enumerate(rows_of(len(names)))}
    numbers = {name: number for number, name in enumerate(names)}
    counts = np.zeros(len(rows))
    for left, right, won in votes:
        first, second = sorted((numbers[left], numbers[right]))
        winner = {"left": numbers[left], "right": numbers[right]}.get(won)
        outcome = OUTCOMES[2 if winner is None else 0 if winner == first else 1]
        counts[rows[first, second, outcome]] += 1
    return counts


def between(votes: Sequence[Vote], side: bool = True) -> tuple[dict[str, float], float]:
    """Bradley-Terry by regression: log strengths (the first name's is 0), and the left one's gain in log odds."""
    names = sorted({name for left, right, _ in votes for name in (left, right)})
    numbers = {name: number for number, name in enumerate(names)}
    design = np.zeros((len(votes), len(names)))
    for row, (left, right, _) in enumerate(votes):
        design[row, numbers[left]], design[row, numbers[right]] = 1.0, -1.0
    design[:, 0] = float(side)  # the first name's column is the sum of the others: its place is the side's
    kept = design if side else design[:, 1:]
    values = fitted(kept, np.array([float(won == "left") for _, _, won in votes])).values
    strong = dict(zip(names, [0.0, *values[-(len(names) - 1) :]], strict=True))
    return {name: float(value) for name, value in strong.items()}, float(values[0]) if side else 0.0


def table(folder: Path) -> list[tuple[str, str, str, bool]]:
    """What, published, found, and whether they agree. `folder`: .../votes."""
    games = baseball(folder / "baseball")
    votes, worst = golden(folder / "llmfao")
    made = [
        ("baseball, strengths", _row(STRENGTHS, 2), _row(games.plain, 2), _row(STRENGTHS, 2) == _row(games.plain, 2)),
        ("baseball, home effect", f"{HOME:.3f}", f"{games.home:.3f}", f"{HOME:.3f}" == f"{games.home:.3f}"),
        (
            "baseball, with home effect", _row(WITH_HOME, 3), _row(games.with_home, 3),
            _row(WITH_HOME, 3) == _row(games.with_home, 3),
        ),
        (f"LLMFAO, {votes} votes, Bradley-Terry", "within 1e-6", f"{worst:.1e}", worst < 1e-6),
    ]  # fmt: skip
    for name, known in EQUALS.items():
        found = judge(folder / "llmfao", name)
        told = f"{found.equals:.3f}, {'warned' if found.warned else 'no warning'}"
        made.append((f"P(left) between equals, {name}", f"{known:.3f}", told, abs(found.equals - known) < 0.005))
    return made


def _row(numbers: Sequence[float], places: int) -> str:
    return " ".join(f"{number:.{places}f}" for number in numbers)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main(folder: Path) -> None:
    """Print the table for the public data in `folder` (.../votes)."""
    for what, published, found, agrees in table(folder):
        print(f"{'ok   ' if agrees else 'WRONG'} {what:<40} published {published}; found {found}")


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]))
