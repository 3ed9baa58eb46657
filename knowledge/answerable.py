"""Do the articles answer this question at all? Code decides, the same for every mode.

A small embedding finds a near line for any question about the topic, answered or not. So the question is
held against two lists: how customers ask for what the articles say (asked.jsonl), and what they ask in vain
(unanswered.jsonl). Its nearest neighbours in both vote, each the more the nearer it is, and a logistic
regression makes a chance of the vote and of the nearest answered one. It is learnt when the index is built, on
the lists themselves, each question judged as if it were not in them (leave one out)."""

from dataclasses import asdict, dataclass, replace

import numpy as np

from knowledge.embed import Vectors

VERSION = "1"  # of what follows: part of the index's fingerprint
NEAREST = 10  # questions that vote
SHARP = 12.0  # how much more a near one counts: exp(SHARP x cosine)
LEAST_EACH = 40  # questions of either list, below which nothing is learnt
MOST = 4000  # of either list that are learnt from: plenty for three numbers. Neighbours are all of them
BLOCK = 500  # questions whose cosines are worked out at once
EVEN = 0.5  # the chance at which a balanced regression is undecided
KEPT = 0.95  # share of answered questions that must keep their lines: a refused answer costs more than a vain one


@dataclass(frozen=True)
class Judge:
    """The fitted regression. `least` is the chance below which a question counts as unanswered."""

    share: float
    nearest: float
    bias: float
    least: float

    def chance(self, answered: Vectors, unanswered: Vectors) -> float:
        """0..1 that the articles answer, from the cosines (n,) of the nearest questions of either list."""
        return float(self._chances(_signs(answered, unanswered)[None, :])[0])

    def _chances(self, rows: Vectors) -> Vectors:
        logits = rows @ np.array([self.share, self.nearest]) + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))

    def document(self) -> dict[str, float]:
        """For the index's manifest."""
        return asdict(self)


@dataclass(frozen=True)
class Judgement:
    """What the judge says of one question; without a judge nothing is known and everything may be answered."""

    chance: float | None = None
    least: float = 0.0

    @property
    def answered(self) -> bool:
        """May the articles answer it? False where that is unlikely."""
        return self.chance is None or self.chance >= self.least

    @property
    def plainly(self) -> bool:
        """Is it more like what the articles answer than like anything else?"""
        return self.chance is not None and self.chance >= EVEN


def learn(answered: Vectors, unanswered: Vectors) -> Judge | None:
    """From the vectors (n, d) of both lists; None where one is too short. Takes a second or two."""
    from sklearn.linear_model import LogisticRegression

    if min(len(answered), len(unanswered)) < LEAST_EACH:
        return None
    lists = answered, unanswered
    rows = [_left_out(own, lists) for own in (0, 1)]
    taken = np.concatenate(rows)
    is_answered = np.arange(len(taken)) < len(rows[0])
    # balanced: how often each list is asked for in life is not how long it is
    model = LogisticRegression(class_weight="balanced", max_iter=2000).fit(taken, is_answered)
    share, nearest = (float(weight) for weight in model.coef_[0])
    judge = Judge(share, nearest, float(model.intercept_[0]), 0.0)
    return replace(judge, least=float(np.quantile(judge._chances(taken[is_answered]), 1 - KEPT)))


def _left_out(own: int, lists: tuple[Vectors, Vectors]) -> Vectors:
    """The signs (n, 2) of the questions of list `own`, each without itself among its neighbours."""
    some = lists[own]
    rows = np.arange(0, len(some), -(-len(some) // MOST))
    found = []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        cosines = [some[block] @ side.T for side in lists]
        cosines[own][np.arange(len(block)), block] = -1.0
        found += [_signs(*pair) for pair in zip(*cosines, strict=True)]
    return np.stack(found)


def _signs(answered: Vectors, unanswered: Vectors) -> Vectors:
    """(2,): the share of the vote for answered, and the cosine of the nearest answered question."""
    cosines = np.concatenate([answered, unanswered])
    is_answered = np.arange(len(cosines)) < len(answered)
    nearest = np.argsort(-cosines)[:NEAREST]
    votes = np.exp(SHARP * cosines[nearest])
    share = float(votes[is_answered[nearest]].sum() / max(votes.sum(), 1e-9))  # 0 where nothing is near
    return np.array([share, float(answered.max(initial=0.0))])
