"""Which situation is this message, how sure, and the words that decided it.

A situation's cues come first: words that decide by themselves. Then a linear head decides (head.py); the nearest
example utterances show why, and say whether the message is like anything at all. Without a head they decide too:
each of the `VOTERS` nearest votes with its cosine, and a situation's confidence is its share of all votes. Knows
nothing about prompts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chatbot.engine.protocol import Decoding
from chatbot.errors import TurnError
from chatbot.head import Encoder, Head, sure

VOTERS = 7  # utterances that vote
SURE = 0.30  # cosine of the nearest utterance; below it the message is like none of them
UNKNOWN = "unknown"  # the situation of a question that no passage answers
ALSO = 0.25  # chance from which a second situation is looked at
LEAST = 0.20  # chance of the likeliest situation; below it the head is only guessing
FOLLOW_UP = "follow-up"  # the situation of a message that says too little alone
# what a situation wants of the articles: without a line it becomes "unknown"; a line helps; there is nothing to look
# up, so no mode is given one
KNOWLEDGE = NEEDED, WELCOME, NOTHING = "needed", "welcome", "none"
# whether a situation, once found, gives way to a question for the articles: never; where the message is about the shop
# and the head is in doubt; where it is about the shop, however sure the head is; where the articles plainly answer;
# where they may answer
GIVES_WAY = NEVER, DOUBTFUL, SHOP, PLAINLY, ANSWERED = "never", "doubtful", "shop", "plainly", "answered"
# how long a situation stands: for its message; until the topic changes; for the rest of the conversation
LASTS = TURN, TOPIC, CONVERSATION = "turn", "topic", "conversation"
FORMATS = PLAIN, STEPS, SHORT = "plain", "steps", "short"  # what a reply looks like
# is a person called, offered, or left out
ESCALATE = YES, OFFER, NO = "yes", "offer", "no"
SHARPNESS = 8.0  # how much more a near utterance counts than a far one


@dataclass(frozen=True)
class Shown:
    """An example reply, with the passages it answers from."""

    passages: tuple[str, ...]
    said: str  # by the customer
    reply: str


@dataclass(frozen=True)
class Situation:
    """One situation file."""

    key: str  # the file's name: refund
    name: str  # for the screen: Refund or return
    description: str
    knowledge: str  # one of KNOWLEDGE
    utterances: tuple[str, ...]
    guidance: str
    examples: tuple[Shown, ...]
    gives_way: str = NEVER  # one of GIVES_WAY
    escalate: str = NO  # one of ESCALATE
    priority: int = 0  # of two whose cues both stand in a message, the higher one decides
    excludes: tuple[str, ...] = ()  # situations that never stand beside this one in a prompt
    least: float = 0.0  # chance below which another situation is taken: for those where a false alarm costs an answer
    odds: float = 0.0  # for moods: how many times as likely as all NEEDED ones together; else the likeliest of those
    quiet: bool = False  # its example messages are not shown as evidence: nobody should read them on a stage
    cues: tuple[str, ...] = ()  # regular expressions: words that decide by themselves, where a miss costs most
    counter: tuple[tuple[str, str], ...] = ()  # (situation, message): what sounds like this one and is that one
    approved: tuple[str, ...] = ()  # where no line of the articles is given, one of these is the reply in every mode
    lasts: str = TURN  # one of LASTS
    format: str = PLAIN  # one of FORMATS
    decoding: Mapping[str, Any] = field(default_factory=dict)  # fields of engine.protocol.Decoding, in every mode
    ticket: Mapping[str, Any] = field(default_factory=dict)  # JSON schema of what a person needs to know

    def decoded(self, decoding: Decoding) -> Decoding:
        """`decoding` with what this situation sets itself, the same for every mode."""
        return replace(decoding, **self.decoding) if self.decoding else decoding


@dataclass(frozen=True)
class Evidence:
    """One example utterance that voted, and how near the message is to it."""

    situation: str
    utterance: str
    cosine: float  # -1..1


@dataclass(frozen=True)
class Verdict:
    """The decision and its reasons. `origin` is one of detected, cue, fallback, no-passages, answered, override."""

    situation: Situation
    confidence: float  # 0..1, calibrated: of a hundred at .8 about eighty are right
    origin: str
    evidence: tuple[Evidence, ...]
    also: Situation | None = None  # a second one whose guidance stands in the prompt too
    dropped: tuple[str, ...] = ()  # for each likely one that does not: the sentence why
    chance: float = 1.0  # 0..1, what the head gave it; what is decided by thresholds is decided by this
    lasting: str = ""  # key of the one in `also` that lasts from an earlier message


class Detector:
    """Holds the utterances' vectors; `detect` is one small matrix product."""

    def __init__(
        self, situations: Sequence[Situation], encoder: Encoder, fallback: str = "question", head: Head | None = None
    ):
        self.situations = {situation.key: situation for situation in situations}
        if fallback not in self.situations:
            raise TurnError(f"There is no situation {fallback!r} to fall back on.")
        self._fallback = fallback
        self.encoder, self.head = encoder, head
        self._said = [(s.key, utterance) for s in situations for utterance in s.utterances]
        self._vectors = encoder.encode([utterance for _, utterance in self._said])  # (n, d)

    def named(self, key: str) -> Situation:
        """The situation of that name, or a sentence that lists them."""
        if key not in self.situations:
            raise TurnError(f"There is no situation {key!r}. Choose one of {', '.join(self.situations)}.")
        return self.situations[key]

    def detect(self, message: str, kinds: Sequence[str] = KNOWLEDGE) -> Verdict:
        """The situation of `message`, one whose `knowledge` is in `kinds`; the fallback where no utterance is near."""
        vector = self.encoder.encode([message])[0]  # (d,)
        # not `@`: the threads of its BLAS go on spinning and make the next embedding wait, 13 ms becomes 30
        cosines = np.einsum("ij,j->i", self._vectors, vector)  # (n,)
        nearest = np.argsort(-cosines, kind="stable")[:VOTERS]
        evidence = tuple(self._evidence(int(i), float(cosines[i])) for i in nearest)
        shares = self.head.chances(vector, message) if self.head else _shares(evidence)
        if cues := self._cues(message, kinds):
            dropped = tuple(self._outranked(cues[0], other) for other in cues[1:])
            return Verdict(self.situations[cues[0].situation], 1.0, "cue", (cues[0], *evidence), dropped=dropped)
        if evidence[0].cosine < SURE or max(shares.values()) < LEAST:
            chance = shares.get(self._fallback, 0.0)
            return Verdict(self.situations[self._fallback], chance, "fallback", evidence, chance=chance)
        of_kind, outweighed = self._possible(shares, kinds)
        winner = max(of_kind, key=lambda key: of_kind[key], default=self._fallback)
        likely = sorted((key for key in of_kind if of_kind[key] >= ALSO), key=lambda key: -of_kind[key])
        also, dropped = beside(self.situations[winner], [self.situations[key] for key in likely if key != winner])
        told = sure(shares, self.head.sharpness).get(winner, 0.0) if self.head else shares.get(winner, 0.0)
        chance = shares.get(winner, 0.0)
        return Verdict(self.situations[winner], told, "detected", evidence, also, (*outweighed, *dropped), chance)

    def _possible(self, shares: Mapping[str, float], kinds: Sequence[str]) -> tuple[dict[str, float], tuple[str, ...]]:
        """Of `shares` those whose situation is of a kind asked for, and as likely as its file wants; for each likely
        one that the matters outweigh the sentence that says so."""
        of_kind = {key: share for key, share in shares.items() if self.situations[key].knowledge in kinds}
        matter = sum(share for key, share in of_kind.items() if self.situations[key].knowledge == NEEDED)
        possible = {key: share for key, share in of_kind.items() if share >= self.situations[key].least}
        lighter = [key for key, share in possible.items() if share < self.situations[key].odds * matter]
        told = tuple(_outweighed(self.situations[key]) for key in lighter if shares[key] >= ALSO)
        return {key: share for key, share in possible.items() if key not in lighter}, told

    def _cues(self, message: str, kinds: Sequence[str]) -> list[Evidence]:
        """The words of `message` that decide by themselves, each situation once, the highest priority first."""
        plain = message.replace("\u2019", "'")
        matches = (
            (one.key, next(filter(None, (re.search(cue, plain, re.IGNORECASE) for cue in one.cues)), None))
            for one in sorted(self.situations.values(), key=lambda one: -one.priority)
            if one.knowledge in kinds
        )
        return [Evidence(key, found[0], 1.0) for key, found in matches if found]

    def _outranked(self, first: Evidence, other: Evidence) -> str:
        names = self.situations[other.situation].name, self.situations[first.situation].name
        words = "" if self.situations[other.situation].quiet else f" (“{other.utterance}”)"
        return f"“{names[0]}” has its words there too{words} and is left out: “{names[1]}” comes before it."

    def _evidence(self, index: int, cosine: float) -> Evidence:
        situation, utterance = self._said[index]
        shown = "an example message that is not shown" if self.situations[situation].quiet else utterance
        return Evidence(situation, shown, cosine)


def _outweighed(mood: Situation) -> str:
    return (
        f"“{mood.name}” is likely too and is left out: it would have to be {mood.odds:g} times as likely as all "
        "matters that the articles may answer together."
    )


def lasted(found: Verdict, earlier: Sequence[Situation]) -> Verdict:
    """`found` with the situations of `earlier` messages that still stand, the newest first: a fact about the customer
    goes before what this message is a little like."""
    still = [one for one in earlier if one.key != found.situation.key]
    if not still:
        return found
    likely = [found.also] if found.also and found.also not in still else []
    also, dropped = beside(found.situation, [*still, *likely])
    lasting = also.key if also in still and also is not None else ""
    return replace(found, also=also, dropped=(*dropped, *found.dropped), lasting=lasting)


def beside(first: Situation, others: Sequence[Situation]) -> tuple[Situation | None, tuple[str, ...]]:
    """Which of `others`, likeliest first, joins `first` in the prompt, and for each of the rest the sentence why not.

    At most two: a small model follows no more. A mood and a matter go together ("angry" and "refund"); two of a kind
    would say the same twice, and where nothing is looked up a reply stands alone.
    """
    joined, dropped = None, []
    for other in others:
        why = _why_not(first, other, joined)
        if why:
            dropped.append(f"“{other.name}” goes with it too and is left out: {why}.")
        else:
            joined = other
    return joined, tuple(dropped)


def _why_not(first: Situation, other: Situation, joined: Situation | None) -> str:
    if other.key in first.excludes or first.key in other.excludes:
        return f"its file and that of “{first.name}” exclude each other"
    if NOTHING in (first.knowledge, other.knowledge):
        return "where nothing is looked up, a situation stands alone"
    if first.knowledge == other.knowledge:
        return f"its guidance says much the same as that of “{first.name}”"
    return f"“{joined.name}” is there already, and two are the most" if joined else ""


def _shares(evidence: Sequence[Evidence]) -> dict[str, float]:
    votes: dict[str, float] = {}
    for one in evidence:
        votes[one.situation] = votes.get(one.situation, 0.0) + float(np.exp(SHARPNESS * one.cosine))
    total = sum(votes.values())
    return {key: vote / total for key, vote in votes.items()}
