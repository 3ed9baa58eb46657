"""What held-out pairs say of a training with preferences: plain arithmetic on log-probabilities of replies.

A reply's reward is beta times what the training added to its log-probability, the margin is the better reply's reward
less the worse one's, and DPO's loss is -log sigmoid of it (Rafailov et al. 2023, arXiv:2305.18290, eq. 7). Knows no
model and no file."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log1p
from statistics import fmean


@dataclass(frozen=True)
class Asked:
    """One pair: (chosen, rejected) each. `tokens` of the replies, `before` and `after` their log-probabilities."""

    tokens: tuple[int, int]
    before: tuple[float, float]
    after: tuple[float, float]

    def margin(self, beta: float) -> float:
        """Above 0 where the training moved towards the better reply."""
        chosen, rejected = (after - before for after, before in zip(self.after, self.before, strict=True))
        return beta * (chosen - rejected)


@dataclass(frozen=True)
class Measured:
    """The held-out pairs together; see card.Preferences for what each is."""

    accuracy: float
    margin: float
    likelier: float
    likelier_before: float
    chosen_loss: float
    chosen_loss_before: float
    loss: float  # DPO's


def measured(pairs: Sequence[Asked], beta: float) -> Measured:
    """Over one pair or more."""
    margins = [one.margin(beta) for one in pairs]
    tokens = sum(one.tokens[0] for one in pairs)
    return Measured(
        accuracy=_above(margins),
        margin=round(fmean(margins), 4),
        likelier=_above([_per_token(one, one.after) for one in pairs]),
        likelier_before=_above([_per_token(one, one.before) for one in pairs]),
        chosen_loss=round(-sum(one.after[0] for one in pairs) / tokens, 4),
        chosen_loss_before=round(-sum(one.before[0] for one in pairs) / tokens, 4),
        loss=round(fmean(_softplus(-margin) for margin in margins), 4),
    )


def _per_token(one: Asked, log_probs: tuple[float, float]) -> float:
    return log_probs[0] / one.tokens[0] - log_probs[1] / one.tokens[1]


def _above(numbers: Sequence[float]) -> float:
    """The share above 0; a 0 counts as half."""
    return round(fmean((number > 0) + (number == 0) / 2 for number in numbers), 4)


def _softplus(number: float) -> float:
    """-log sigmoid(-number), without overflow."""
    return max(number, 0.0) + log1p(exp(-abs(number)))
