"""Stored records become votes that can be counted: one plain value each, in the order in which they were cast blind.

A vote may count and still be set aside from the comparison of two modes, with a word why: the coin that chose the
sides was tossed once for a pair of replies, so one vote on it can be weighed, not two; and a choice that was changed
after the first vote was changed when the names had been shown. What is added to a vote later, its choice unchanged, is
kept apart from what was said blind. Knows records of export.py, and no statistics."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chatbot.feedback.ballot import Experiment, Pair
from chatbot.mode import EVERY

Document = Mapping[str, Any]
ANEW = "changed after the names were shown"
SECOND = "a further vote on the same pair of replies"
PLACES = ("first", "second")


@dataclass(frozen=True)
class Counted:
    """One vote that counts. What it says of a side stands under the side's mode."""

    battle: str
    experiment: str
    voter: str
    at: str  # UTC, ISO 8601
    pair: Pair
    left: str  # the mode that stood on the left
    verdict: str  # better, tie or both-bad
    winner: str  # a mode, "" for a tie or both bad
    situation: str
    words: Mapping[str, int]  # of each reply
    good: Mapping[str, bool | None]  # good enough to send? said blind; None: not said
    late: Mapping[str, bool | None]  # the same, where it was said only after the names were shown
    reasons: Mapping[str, tuple[str, ...]]  # all of them
    late_reasons: int  # of which so many were given after the names were shown
    item: str  # the same for every vote on the same question with the same two texts
    aside: str = ""  # why it is no part of the comparison; "" if it is

    @property
    def decides(self) -> bool:
        """Does it prefer one of two modes, and is it weighed?"""
        return bool(self.winner) and not self.aside

    @property
    def won(self) -> bool:
        """Did it prefer the pair's first mode?"""
        return self.winner == self.pair[0]

    @property
    def left_won(self) -> bool:
        """Did it prefer what stood on the left?"""
        return self.winner == self.left


def counted(found: Iterable[Document]) -> list[Counted]:
    """The votes that count of `export.records`, in the order in which each voter first voted on the pair."""
    votes = [_counted(chain[0], chain[-1]) for chain in chains(found) if not chain[-1]["excluded"]]
    weighed: set[str] = set()
    made = []
    for one in sorted(votes, key=lambda one: (one.at, one.battle, one.voter)):
        weighs = bool(one.winner) and not one.aside
        made.append(replace(one, aside=SECOND) if weighs and one.battle in weighed else one)
        weighed |= {one.battle} if weighs else set()
    return made


def taken_back(found: Iterable[Document]) -> dict[str, int]:
    """mode -> votes that had preferred it and were taken back, or changed, once the names were shown."""
    gone = [one[0] for one in chains(found) if one[-1]["withdrawn"] or _choice(one[0]) != _choice(one[-1])]
    return dict(Counter(one["winner"] for one in gone if one["winner"]))


def chains(found: Iterable[Document]) -> list[list[Document]]:
    """Each voter's votes on each pair of replies, the blind one first: a later one took its place."""
    made: dict[tuple[str, str], list[Document]] = {}
    for one in sorted((one for one in found if one["kind"] == "vote"), key=lambda one: (one["cast_at"], one["vote"])):
        made.setdefault((one["battle"], one["voter"]), []).append(one)
    return list(made.values())


def deciding(votes: Iterable[Counted], pair: Pair | None = None) -> list[Counted]:
    """Those that prefer one of two and are weighed: of that pair, or of all."""
    return [one for one in votes if one.decides and pair in (None, one.pair)]


def pairs_of(experiments: Iterable[Experiment]) -> tuple[Pair, ...]:
    """Every pair that one of them compares, once, as it is read."""
    found = {ordered(pair) for one in experiments for pair in one.pairs}
    return tuple(sorted(found, key=lambda pair: (place(pair[0]), place(pair[1]))))


def ordered(pair: Iterable[str]) -> Pair:
    """The pair as it is read: the mode with more levers first, whatever the experiment's order was."""
    first, second = sorted(pair, key=place)
    return first, second


def place(mode: str) -> tuple[int, str]:
    """Sorts modes: those with more levers first, unknown ones last."""
    known = [one.key for one in EVERY]
    return -known.index(mode) if mode in known else 1, mode


def modes_of(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """The modes that meet in `pairs`, each once, in the order of the columns on the screen."""
    return tuple(sorted({mode for pair in pairs for mode in pair}, key=place, reverse=True))


def battles_of(found: Iterable[Document]) -> list[Document]:
    """One record for each battle, with a vote or without, as they were made."""
    return list({one["battle"]: one for one in found if one["kind"] in ("vote", "battle")}.values())


def _choice(one: Document) -> tuple[str, str]:
    return one["verdict"], one["winner"]


def _counted(blind: Document, one: Document) -> Counted:
    """`blind`: the voter's first vote on the pair, as often as not the same as `one`, which counts."""
    sides = [(one[f"{place}_mode"], place) for place in PLACES]
    kept = _choice(blind) == _choice(one)
    said = {mode: blind[f"{place}_good"] if kept else None for mode, place in sides}
    given = {mode: tuple(one[f"{place}_reasons"]) for mode, place in sides}
    first = {mode: blind[f"{place}_reasons"] if kept else [] for mode, place in sides}
    return Counted(
        battle=one["battle"], experiment=one["experiment"], voter=one["voter"],
        at=blind["cast_at"] if kept else one["cast_at"],
        pair=ordered(mode for mode, _ in sides), left=one["left_mode"], verdict=one["verdict"], winner=one["winner"],
        situation=one["situation"], words={mode: len(one[f"{place}_text"].split()) for mode, place in sides},
        good=said, late={mode: one[f"{place}_good"] if said[mode] is None else None for mode, place in sides},
        reasons=given, late_reasons=sum(key not in first[mode] for mode, keys in given.items() for key in keys),
        item=_item(one), aside="" if kept else ANEW,
    )  # fmt: skip


def _item(one: Document) -> str:
    texts = sorted(one[f"{place}_text"] for place in PLACES)
    return "\0".join((*map(str, one["history"]), one["question"], *texts))
