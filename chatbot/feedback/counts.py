"""What is counted besides who won: good enough to send, reasons, days, and which versions of the modes wrote.

Knows votes and records; no statistics beyond a rate with its interval."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from chatbot.feedback.tally import PLACES, Counted, Document, place
from chatbot.quality.stats import Rate, rate_of


@dataclass(frozen=True)
class Said:
    """What was said of one mode's replies, whichever reply was preferred."""

    good: Rate  # "good enough to send?": yes, of yes and no, said before the vote
    late: Rate  # the same, said after it, when the names were shown
    reasons: Mapping[str, int]  # reason -> votes that gave it, most often first
    votes: int  # on this mode's replies

    def document(self) -> Document:
        """For JSON."""
        good = {"good_enough": self.good.document(), "good_enough_late": self.late.document()}
        return {**good, "reasons": dict(self.reasons), "votes": self.votes}


@dataclass(frozen=True)
class Wrote:
    """A version of a mode that wrote replies: digests, "" where a lever is off."""

    mode: str
    arm: str
    adapter: str
    base: str
    prompt_version: str
    battles: int  # with a reply of it


def said(votes: Iterable[Counted], mode: str) -> Said:
    """Of one mode, over every vote that counts, also those that are not weighed."""
    here = [one for one in votes if mode in one.pair]
    given = Counter(reason for one in here for reason in one.reasons[mode])
    ordered = dict(sorted(given.items(), key=lambda one: (-one[1], one[0])))
    return Said(_yes(one.good[mode] for one in here), _yes(one.late[mode] for one in here), ordered, len(here))


def _yes(marks: Iterable[bool | None]) -> Rate:
    told = [good for good in marks if good is not None]
    return rate_of(sum(told), len(told))


def both_bad(votes: Sequence[Counted]) -> Rate:
    """Of the votes that are weighed."""
    weighed = [one for one in votes if not one.aside]
    return rate_of(sum(one.verdict == "both-bad" for one in weighed), len(weighed))


def set_aside(votes: Iterable[Counted]) -> dict[str, int]:
    """Why -> votes that count and are not weighed."""
    return dict(Counter(one.aside for one in votes if one.aside))


def days(votes: Iterable[Counted]) -> tuple[tuple[str, int, int], ...]:
    """Each day (UTC) with votes, how many, and how many up to its end."""
    found = sorted(Counter(one.at[:10] for one in votes).items())
    return tuple((day, n, total) for (day, n), total in zip(found, accumulate(n for _, n in found), strict=True))


def wrote(battles: Iterable[Document]) -> tuple[Wrote, ...]:
    """Each version of each mode, in the order in which modes are read, the one with most battles first."""
    names = ("mode", "arm", "adapter", "base", "prompt_version")
    found = Counter(tuple(str(one[f"{at}_{name}"]) for name in names) for one in battles for at in PLACES)
    made = [Wrote(mode, arm, adapter, base, prompts, n) for (mode, arm, adapter, base, prompts), n in found.items()]
    return tuple(sorted(made, key=lambda one: (place(one.mode), -one.battles, one.arm)))


def decodings(battles: Iterable[Document]) -> tuple[Document, ...]:
    """Every way of decoding that was used, each once; seeds may differ."""
    found = dict.fromkeys(json.dumps({**one["decoding"], "seed": None}, sort_keys=True) for one in battles)
    return tuple(json.loads(text) for text in found)
