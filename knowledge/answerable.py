"""Do the articles answer this question at all? Code decides, the same for every mode.

A small embedding finds a near line for any question about the topic, answered or not. So the question is
held against two lists: how customers ask for what the articles say (asked.jsonl), and what they ask in vain
(unanswered.jsonl). Its nearest neighbours in both vote, each the more the nearer it is; how near the nearest
answered one is counts too; and a comparison with that one, number by number of the embeddings, which learns what
makes two questions about one thing different questions ("how long" against "who", "which make"). Three more signs
say how well the nearest line fits (nearline.py). A logistic regression makes a chance of the six. All is learnt when
the index is built, on the lists themselves, each question judged as if it were not in them (leave one out), and
compared by weights that were learnt without the questions for its line."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embed import Vectors

Places = NDArray[np.intp]  # of questions, in their list
Yes = NDArray[np.bool_]  # (n,): is it an answered one?

VERSION = "6"  # of what follows: part of the index's fingerprint
NEAREST = 10  # questions that vote
SHARP = 12.0  # how much more a near one counts: exp(SHARP x cosine)
LEAST_EACH = 40  # questions of either list, below which nothing is learnt
MOST = 4000  # of either list that are learnt from: plenty. Neighbours are all of them
FOLDS = 5  # parts of the lists, each compared by weights learnt on the others
STRENGTH = 0.001  # scikit-learn's C of the comparison, whose numbers are many; by the left-out questions' AUC
BLOCK = 500  # questions whose cosines are worked out at once
OURS = 0.61  # cosine to a question of either list, from which a message is about the shop: what is off topic or small
# talk lies below it (northwind's held-in cases and kept utterances), answerable held-in questions reach .62
EVEN = 0.5  # the chance at which a balanced regression is undecided
NO_LINE = (0.0, 0.0, 0.0)
KEPT = 0.91  # share of answered questions that must keep their lines, each judged without itself. The lists are harder
# than life: on northwind's suite .97 of them keep theirs (adapters/LOG.md). A refused answer costs more than a vain one

QUANTILES = 201  # of the chances that `least` was chosen on: enough to draw what another one would do


@dataclass(frozen=True)
class Chances:
    """Those of a whole list, each question judged as if it were not in it: how many, and QUANTILES of them, rising."""

    n: int
    quantiles: tuple[float, ...]


@dataclass(frozen=True)
class Judge:
    """The fitted regressions. `least` is the chance below which a question counts as unanswered."""

    share: float
    nearest: float
    compared: float
    bias: float
    least: float
    weights: tuple[float, ...]  # (3d,), of the comparison
    offset: float  # of the comparison
    line: tuple[float, ...] = NO_LINE  # what the signs of the nearest line count
    answered: Chances | None = None  # what `least` was chosen on; None in an index of an older program
    unanswered: Chances | None = None

    def chance(
        self,
        question: Vectors,
        answered: Vectors,
        unanswered: Vectors,
        twin: Vectors,
        line: Sequence[float] = NO_LINE,
    ) -> float:
        """0..1 that the articles answer `question` (d,), from the cosines (n,) of the nearest questions of either list,
        the vector of the nearest answered one, `twin` (d,), and the signs of the nearest `line`."""
        compared = _pairs(question[None, :], twin[None, :]) @ np.asarray(self.weights) + self.offset
        row = np.concatenate([_signs(answered, unanswered), compared, line])
        return float(self._chances(row[None, :])[0])

    def _chances(self, rows: Vectors) -> Vectors:
        logits = rows @ np.array([self.share, self.nearest, self.compared, *self.line]) + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))

    def document(self) -> dict[str, object]:
        """For the index's manifest; `Judge.of` makes it the judge again."""
        return asdict(self)

    @staticmethod
    def of(document: Mapping[str, Any]) -> "Judge":
        """What `document` made, read back."""
        return Judge(**{name: _read_back(value) for name, value in document.items()})


@dataclass(frozen=True)
class Judgement:
    """What the judge says of one question; without a judge nothing is known and everything may be answered. `near` is
    the cosine of the nearest question of either list."""

    chance: float | None = None
    least: float = 0.0
    near: float = 0.0

    @property
    def answered(self) -> bool:
        """May the articles answer it? False where that is unlikely."""
        return self.chance is None or self.chance >= self.least

    @property
    def plainly(self) -> bool:
        """Is it more like what the articles answer than like anything else?"""
        return self.chance is not None and self.chance >= EVEN

    @property
    def ours(self) -> bool:
        """Is it about the shop, answered or not? False where that is not known."""
        return self.near >= OURS


def learn(
    answered: Vectors,
    unanswered: Vectors,
    lines: Sequence[object] | None = None,
    near: tuple[Vectors, Vectors] | None = None,
) -> Judge | None:
    """From the vectors (n, d) of both lists; `lines` says for what line each answered one asks, if any share one, and
    `near` holds the signs (n, 3) of every question's nearest line (nearline.py), the answered ones' left out.

    None where a list is too short. Takes some seconds.
    """
    if min(len(answered), len(unanswered)) < LEAST_EACH:
        return None
    lists, taken = (answered, unanswered), [_some(answered), _some(unanswered)]
    left_out = [_left_out(own, lists, taken[own]) for own in (0, 1)]
    signs, twins = (np.concatenate(part) for part in zip(*left_out, strict=True))
    is_answered = np.arange(len(signs)) < len(taken[0])
    pairs = _pairs(np.concatenate([some[rows] for some, rows in zip(lists, taken, strict=True)]), twins)
    lines = lines or range(len(answered))
    groups = _groups([lines[row] for row in taken[0]], len(taken[1]))
    fits = np.concatenate([some[rows] for some, rows in zip(near, taken, strict=True)]) if near else NO_LINE
    rows = np.column_stack([signs, _by_others(pairs, is_answered, groups), np.broadcast_to(fits, (len(signs), 3))])
    signs_model, comparison = _fitted(rows, is_answered, 1.0), _fitted(pairs, is_answered, STRENGTH)
    share, nearest, compared, *line = signs_model[0]
    judge = Judge(share, nearest, compared, signs_model[1], 0.0, comparison[0], comparison[1], tuple(line))
    chances = judge._chances(rows)
    return replace(
        judge,
        least=float(np.quantile(chances[is_answered], 1 - KEPT)),
        answered=_summed(chances[is_answered]),
        unanswered=_summed(chances[~is_answered]),
    )


def _read_back(value: Any) -> Any:
    if isinstance(value, dict):
        return Chances(value["n"], tuple(value["quantiles"]))
    return tuple(value) if isinstance(value, list) else value


def _summed(chances: Vectors) -> Chances:
    made = np.quantile(chances, np.linspace(0, 1, QUANTILES))
    return Chances(len(chances), tuple(round(float(chance), 4) for chance in made))


def _some(vectors: Vectors) -> Places:
    """The places (m,) of at most MOST of `vectors`, evenly spread."""
    return np.arange(0, len(vectors), -(-len(vectors) // MOST))


def _left_out(own: int, lists: tuple[Vectors, Vectors], rows: Places) -> tuple[Vectors, Vectors]:
    """The signs (m, 2) and twins (m, d) of the questions `rows` of list `own`, each without itself."""
    found, twins = [], []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        cosines = [lists[own][block] @ side.T for side in lists]
        cosines[own][np.arange(len(block)), block] = -1.0
        found += [_signs(*pair) for pair in zip(*cosines, strict=True)]
        twins.append(lists[0][cosines[0].argmax(axis=1)])
    return np.stack(found), np.concatenate(twins)


def _groups(lines: Sequence[object], unanswered: int) -> Places:
    """A number for each line, and one for each unanswered question."""
    numbers = {line: number for number, line in enumerate(dict.fromkeys(lines))}
    return np.array([*(numbers[line] for line in lines), *range(len(numbers), len(numbers) + unanswered)])


def _by_others(pairs: Vectors, is_answered: Yes, groups: Places) -> Vectors:
    """The comparison (m,) of each pair, by weights learnt without its group."""
    from sklearn.model_selection import GroupKFold

    found = np.zeros(len(pairs), np.float32)
    for others, these in GroupKFold(FOLDS).split(pairs, is_answered, groups):
        weights, offset = _fitted(pairs[others], is_answered[others], STRENGTH)
        found[these] = pairs[these] @ np.array(weights) + offset
    return found


def _fitted(rows: Vectors, is_answered: Yes, strength: float) -> tuple[tuple[float, ...], float]:
    """Weights and offset of a logistic regression, for rows as they are."""
    from sklearn.linear_model import LogisticRegression

    middle, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    # balanced: how often each list is asked for in life is not how long it is
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
    model.fit((rows - middle) / spread, is_answered)
    weights = model.coef_[0] / spread
    return tuple(float(weight) for weight in weights), float(model.intercept_[0] - weights @ middle)


def _pairs(questions: Vectors, twins: Vectors) -> Vectors:
    """(n, 3d): questions (n, d), and where they and their twins (n, d) agree and differ."""
    return np.concatenate([questions, questions * twins, np.abs(questions - twins)], axis=1)


def _signs(answered: Vectors, unanswered: Vectors) -> Vectors:
    """(2,): the share of the vote for answered, and the cosine of the nearest answered question."""
    cosines = np.concatenate([answered, unanswered])
    is_answered = np.arange(len(cosines)) < len(answered)
    most = min(NEAREST, len(cosines))
    nearest = np.argpartition(-cosines, most - 1)[:most] if most else np.zeros(0, np.intp)
    nearest = nearest[np.argsort(-cosines[nearest])]
    votes = np.exp(SHARP * cosines[nearest])
    share = float(votes[is_answered[nearest]].sum() / max(votes.sum(), 1e-9))  # 0 where nothing is near
    return np.array([share, float(answered.max(initial=0.0))])
