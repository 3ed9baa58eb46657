"""Blind battles: which two modes meet, on which side each stands, and what may be said of them.

A battle is two modes on one frozen request. Permuted blocks choose the pair: every block of a stratum holds every
pair once. The side is an independent keyed coin, so a voter's habit of clicking left cannot favour a mode. Both are
digests of the experiment's salt: nobody can guess them, and whoever has the salt can recompute every one (`audit`).
Pure: knows no database, no page and no model."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from chatbot.engine.protocol import Decoding
from chatbot.message import Message
from chatbot.voice import Voice
from knowledge.chunk import slug

Pair = tuple[str, str]  # two modes' keys, in the order in which the experiment names them
Choice = Literal["left", "right", "tie", "both-bad"]
CHOICES: tuple[Choice, ...] = ("left", "right", "tie", "both-bad")
FREE = "free"  # the stratum of questions that voters type themselves
FIXED_REASONS = {
    "too-formal": "Too formal",
    "too-casual": "Too casual",
    "no-empathy": "No empathy",
    "wrong-fact": "Wrong fact",
    "off-vocabulary": "Not our words",
    "too-long": "Too long",
    "too-short": "Too short",
    "promised-too-much": "Promised too much",
    "missed-the-question": "Missed the question",
}


@dataclass(frozen=True)
class Arm:
    """What wrote one side. Digests are sha256; "" where a lever is off: an adapter that is not used says nothing."""

    mode: str  # its key
    adapter: str  # of the adapter's weights
    base: str  # of the base model's weights
    prompt_version: str  # of voice.md and all situation files together: guide.version, 12 digits
    prompt_hash: str  # of the exact text the model saw, for this question

    @property
    def id(self) -> str:
        """The same for every question that this mode, adapter, base and version of the prompts answer."""
        what = json.dumps([self.mode, self.adapter, self.base, self.prompt_version])
        return f"{self.mode}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Side:
    """One reply of a battle, and how it ended. Seconds as in engine.protocol.End; 0 where nothing was written."""

    arm: Arm
    text: str
    finish: str  # one of engine.protocol.Finish, or "failed"
    tokens_out: int
    first_token_s: float
    total_s: float


@dataclass(frozen=True)
class Experiment:
    """Votes that belong together. `salt` is secret while voting goes on."""

    id: str
    brand: str
    name: str
    salt: str
    modes: tuple[str, ...]  # the keys on offer
    created: str  # UTC, ISO 8601

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Every two of the modes, once."""
        return tuple(combinations(self.modes, 2))


@dataclass(frozen=True)
class Draw:
    """Who meets whom, and where: decided before a word is written, and kept even if no vote comes of it."""

    id: str  # the battle's id too
    experiment: str
    voter: str
    turn: int  # 0, 1, ...: the voter's battles in this experiment
    stratum: str  # FREE, or the situation of the deck's card
    number: int  # 0, 1, ...: the stratum's battles in this experiment
    pair: Pair
    left: str  # the mode's key on the left; never for the page before the vote
    counts: Mapping[str, int] | None  # votes by cell when the deck chose; None for a free question

    @property
    def right(self) -> str:
        """The mode's key on the right."""
        return self.pair[0] if self.left == self.pair[1] else self.pair[1]


@dataclass(frozen=True)
class Battle:
    """One frozen request and the two replies to it, in the order of the draw's pair."""

    draw: Draw
    brand: str
    question: str
    situation: str  # its key
    history: tuple[Message, ...]
    shared: tuple[Message, ...]  # the messages both sides were given alike: the prompt of a preference pair
    passages: tuple[str, ...]  # ids
    sides: tuple[Side, Side]
    decoding: Decoding  # with the seed
    version: str  # of the program
    created: str  # UTC, ISO 8601
    void_reason: str = ""  # why no vote on it counts; "" if votes do

    def side(self, mode: str) -> Side:
        """The side of that mode."""
        return next(one for one in self.sides if one.arm.mode == mode)

    @property
    def left(self) -> Side:
        """What the page draws on the left."""
        return self.side(self.draw.left)

    @property
    def right(self) -> Side:
        """What the page draws on the right."""
        return self.side(self.draw.right)


@dataclass(frozen=True)
class Vote:
    """What a voter says of a battle, in the page's words. `key` is new for every form, the same for a second click."""

    battle: str
    voter: str
    key: str
    choice: Choice
    left_good: bool | None = None  # good enough to send? None: not said
    right_good: bool | None = None
    left_reasons: tuple[str, ...] = ()  # keys of `reasons`
    right_reasons: tuple[str, ...] = ()
    comment: str = ""
    seconds: float | None = None  # from both texts on the screen to the vote


@dataclass(frozen=True)
class Card:
    """One card of a deck: a question planned for a situation."""

    situation: str
    question: str


def reasons(voice: Voice) -> dict[str, str]:
    """Every reason on offer, key to label: the fixed ones, then one for each of the brand's voice rules."""
    return {**FIXED_REASONS, **{f"rule-{slug(rule)}": rule for rule in voice.rules}}


def block_order(salt: str, stratum: str, block: int, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Every pair once, in the order of keyed digests: the same for the same salt, stratum and block."""
    return tuple(sorted(pairs, key=lambda pair: (_digest(salt, "block", stratum, block, *pair), pair)))


def pair_at(salt: str, stratum: str, number: int, pairs: Sequence[Pair]) -> Pair:
    """The pair of the stratum's battle `number` (0, 1, ...)."""
    block, place = divmod(number, len(pairs))
    return block_order(salt, stratum, block, pairs)[place]


def left_of(salt: str, experiment: str, voter: str, turn: int, pair: Pair) -> str:
    """The mode on the left: a fair coin of its own, which knows nothing of how the pair was chosen."""
    return pair[_digest(salt, "side", experiment, voter, turn)[0] & 1]


def cell(situation: str, pair: Pair) -> str:
    """The name of a cell of the deck: "refund: combined / fine-tuned"."""
    return f"{situation}: {' / '.join(pair)}"


def thinnest(
    salt: str, situations: Iterable[str], pairs: Sequence[Pair], counts: Mapping[str, int]
) -> tuple[str, Pair]:
    """The cell with the fewest votes; of several, the first in an order drawn anew for every total of votes."""
    cells = [(situation, pair) for situation in sorted(set(situations)) for pair in pairs]
    total = sum(counts.values())
    return min(cells, key=lambda one: (counts.get(cell(*one), 0), _digest(salt, "deck", total, cell(*one))))


def card_at(salt: str, cards: Sequence[Card], situation: str, number: int) -> Card:
    """The situation's card for its battle `number`: each once before any comes again. ValueError without one."""
    held = sorted({card for card in cards if card.situation == situation}, key=lambda one: one.question)
    if not held:
        raise ValueError(f"the deck has no card for the situation {situation!r}")
    around, place = divmod(number, len(held))
    return sorted(held, key=lambda one: _digest(salt, "card", around, one.question))[place]


def audit(experiment: Experiment, draws: Iterable[Draw], lefts: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What of the stored draws is not what the salt says; () when all is. `lefts`: battle -> mode stored as left."""
    found = []
    for draw in draws:
        if draw.pair != _pair_due(experiment, draw):
            found.append(f"Battle {draw.id}: the pair {' / '.join(draw.pair)} is not the one that was due.")
        if draw.left != left_of(experiment.salt, experiment.id, draw.voter, draw.turn, draw.pair):
            found.append(f"Battle {draw.id}: {draw.left} was not due on the left.")
        if lefts is not None and lefts.get(draw.id, draw.left) != draw.left:
            found.append(f"Battle {draw.id}: {lefts[draw.id]} stood on the left, {draw.left} was drawn.")
    return tuple(found)


def _pair_due(experiment: Experiment, draw: Draw) -> Pair:
    if draw.counts is None:
        return pair_at(experiment.salt, draw.stratum, draw.number, experiment.pairs)
    situations = {name.rsplit(": ", 1)[0] for name in draw.counts}
    situation, pair = thinnest(experiment.salt, situations, experiment.pairs, draw.counts)
    return pair if situation == draw.stratum else ("", "")


def void_reason(sides: Sequence[Side]) -> str:
    """Why a vote on these two replies would say nothing about the modes; "" if it would."""
    for side in sides:
        if side.finish == "approved":
            return "approved wording: the same text on both sides"
        if side.finish != "stop":
            return f"{side.arm.mode} did not finish its reply ({side.finish})"
        if not side.text.strip():
            return f"{side.arm.mode} wrote nothing"
    return "both replies are the same text" if len({" ".join(one.text.split()) for one in sides}) == 1 else ""


def _digest(salt: str, *what: Any) -> bytes:
    # a keyed digest of JSON: no two lists of values can be mistaken for each other
    return hashlib.blake2b(json.dumps(what).encode(), key=salt.encode()[:64], digest_size=16).digest()
