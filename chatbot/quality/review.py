"""People read replies and mark them, blind: which reply comes next, and what was said of it.

A reviewer is shown a question, its passages and one reply: never the mode, never the machine's marks, never what
another said before they are done themselves. One in twenty replies comes twice, to see whether a reviewer agrees
with themselves. A run is more than most will read, so a pile is about 20 of its replies, about 60 or all, the same
for every reviewer. A mark is on the disk before the page says so: in the `Marks` that a desk is given, else as one
JSON line in a file. Knows nothing of pages."""

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from chatbot.errors import SuiteError
from chatbot.journal import append
from chatbot.message import Message
from chatbot.quality.marks import Outcome
from chatbot.quality.report import OUTCOMES, room
from chatbot.quality.suite import Case, evenly

PILES = (20, 60)  # replies at most, the repeated ones counted twice; the last pile is all of the run
REPEAT_EVERY = 20  # replies; one among so many is shown a second time
NAME = re.compile(r"\w[\w .-]{0,39}")


@dataclass(frozen=True)
class Item:
    """What a reviewer is shown. Nothing here tells the mode or a mark, nor whether it was seen before."""

    number: int  # 0, 1, ...: its place in this reviewer's order; `save` is told it
    total: int
    history: tuple[Message, ...]  # what was said before the question
    question: str
    text: str
    passages: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What a reviewer says of one reply."""

    on_brand: bool
    send: bool  # good enough to send?
    broke: tuple[str, ...] = ()  # the rules that it broke, by name
    comment: str = ""


@dataclass(frozen=True)
class Review:
    """A verdict as it was saved."""

    reviewer: str
    number: int
    case: str
    mode: str
    again: bool  # is it the second time that the reviewer saw this reply?
    verdict: Verdict
    reply: str = ""  # digest of question and reply: a run made anew under the same name has other replies
    when: str = ""  # date and time


class Marks(Protocol):
    """Where the marks of one run are kept. feedback.shelf.StoredMarks is one, `FileMarks` another."""

    def mine(self, reviewer: str) -> list[Review]:
        """One reviewer's, the last verdict on each number."""

    def everyones(self) -> list[Review]:
        """All reviewers'."""

    def add(self, given: Review) -> None:
        """Keep one more: on the disk when this returns."""


@dataclass(frozen=True)
class FileMarks:
    """A file for each reviewer, a JSON line for each mark. Raises SuiteError."""

    folder: Path

    def mine(self, reviewer: str) -> list[Review]:
        """See Marks."""
        return _read(self.folder / f"{reviewer}.jsonl", reviewer)

    def everyones(self) -> list[Review]:
        """See Marks."""
        return read_reviews(self.folder)

    def add(self, given: Review) -> None:
        """See Marks."""
        _append(self.folder / f"{given.reviewer}.jsonl", asdict(given))


@dataclass(frozen=True)
class _Showing:
    outcome: Outcome
    again: bool


class Desk:
    """One reviewer's pile for one run: `Desk(outcomes, home / "reviews" / "2026-11-20", "ana", 60).next()`.

    The order is drawn from `seed`, the folder's name and the reviewer's: the same after every restart, another one
    for each. `size` is one of `pile_sizes`, all if None: a small pile is the beginning of a larger one, so a reviewer
    may go on with more, and one that was begun is to be finished. With `cases` an item shows the earlier messages.
    `marks` is where marks are kept; files of the folder if None."""

    def __init__(
        self,
        outcomes: Sequence[Outcome],
        folder: Path,
        reviewer: str,
        size: int | None = None,
        seed: int = 0,
        cases: Sequence[Case] = (),
        marks: Marks | None = None,
    ):
        self._history = {(case.id, case.question): case.history for case in cases}
        self._replies = {(one.case, one.mode, _digest(one)) for one in outcomes}
        self.reviewer = _name(reviewer)
        self.folder = folder
        self.marks = marks or FileMarks(folder)
        self.path = folder / f"{self.reviewer}.jsonl"
        layers = enumerate(_layers(outcomes, seed))
        lot = f"{seed} {folder.name} {self.reviewer}"
        self._showings = [one for n, layer in layers for one in _order(layer, f"{lot} {n}")]
        begun = max((one.number + 1 for one in self.mine()), default=0)
        least = len(self._showings) if size is None else max(size, begun)
        self.total = next((n for n in pile_sizes(outcomes, seed) if n >= least), len(self._showings))
        del self._showings[self.total :]

    def mine(self) -> list[Review]:
        """What this reviewer said so far, by number."""
        return [one for one in self.marks.mine(self.reviewer) if self._knows(one)]

    def next(self) -> Item | None:
        """The first reply without a verdict; None when all are done."""
        done = {one.number for one in self.mine()}
        return next((self.item(n) for n in range(len(self._showings)) if n not in done), None)

    def item(self, number: int) -> Item:
        """One reply of the pile, also one already judged: to look again and save another verdict."""
        outcome = self._at(number).outcome
        history = self._history.get((outcome.case, outcome.question), ())
        return Item(number, self.total, history, outcome.question, outcome.text, outcome.passages)

    def save(self, number: int, verdict: Verdict, when: str) -> None:
        """Write the verdict down; said twice, the last one counts. `when` is a date and time to be kept with it."""
        showing = self._at(number)
        one = showing.outcome
        place = number, one.case, one.mode, showing.again
        self.marks.add(Review(self.reviewer, *place, verdict, _digest(one), when))

    def finished(self) -> bool:
        """Has every reply of the pile a verdict?"""
        return self.next() is None

    def everyones(self) -> list[Review]:
        """The verdicts of all reviewers of the run, once this one has finished. Raises SuiteError before."""
        if not self.finished():
            left = self.total - len(self.mine())
            raise SuiteError(f"{self.reviewer} still has {left} replies to mark; then the others' marks can be seen.")
        return [one for one in self.marks.everyones() if (one.case, one.mode, one.reply) in self._replies]

    def _at(self, number: int) -> _Showing:
        if not 0 <= number < len(self._showings):
            raise SuiteError(f"There is no reply number {number}: this pile has {self.total}.")
        return self._showings[number]

    def _knows(self, review: Review) -> bool:
        """Is it about this pile? A file of an older draw of the run counts for nothing."""
        if not 0 <= review.number < len(self._showings):
            return False
        one = self._showings[review.number].outcome
        return (review.case, review.mode, review.reply) == (one.case, one.mode, _digest(one))


def runs(home: Path, brand: str) -> list[Path]:
    """The folders of the brand's runs that hold replies to be read, newest first."""
    try:
        found = [(path.stat().st_mtime, path.parent) for path in room(home, brand).glob(f"*/{OUTCOMES}")]
    except OSError as error:
        raise SuiteError(f"The runs in {room(home, brand)} cannot be listed: {error.strerror}.") from error
    return [folder for _, folder in sorted(found, reverse=True)]


def pile_sizes(outcomes: Sequence[Outcome], seed: int = 0) -> list[int]:
    """How many replies a reviewer may choose to mark: about 20, about 60, all; those that there are."""
    return list(accumulate(_shown(len(layer)) for layer in _layers(outcomes, seed)))


def read_reviews(folder: Path) -> list[Review]:
    """All verdicts of a run, for `agreement`; not for the eyes of a reviewer who is not done."""
    return [one for path in sorted(folder.glob("*.jsonl")) for one in _read(path, path.stem)]


def _layers(outcomes: Sequence[Outcome], seed: int) -> list[list[Outcome]]:
    """What each pile adds to the one before: whole cases with all their modes, in turn from every situation."""
    cases: dict[str, list[Outcome]] = {}
    for one in sorted(outcomes, key=lambda one: (one.case, one.mode)):
        cases.setdefault(one.case, []).append(one)
    left = evenly({case: group[0].situation for case, group in cases.items()}, seed)
    layers: list[list[Outcome]] = []
    before = 0
    for limit in (*PILES, float("inf")):
        layer: list[Outcome] = []
        while left and before + _shown(len(layer) + len(cases[left[0]])) <= limit:
            layer += cases[left.pop(0)]
        before += _shown(len(layer))
        layers += [layer] if layer else []
    return layers


def _shown(replies: int) -> int:
    """How many a reviewer sees of so many replies: one in twenty twice."""
    return replies + round(replies / REPEAT_EVERY)


def _order(layer: Sequence[Outcome], seed: str) -> list[_Showing]:
    """Every reply once, shuffled; and one in twenty again, half of the layer later: too far to be remembered."""
    rng = random.Random(blake2b(seed.encode()).digest())
    showings = [_Showing(one, False) for one in rng.sample(layer, len(layer))]
    half = len(layer) // 2
    for first in rng.sample(range(half), _shown(len(layer)) - len(layer)):
        showings.insert(rng.randint(first + half, len(showings)), _Showing(showings[first].outcome, True))
    return showings


def _digest(outcome: Outcome) -> str:
    return blake2b(f"{outcome.question}\n{outcome.text}".encode("utf-8", "replace"), digest_size=8).hexdigest()


def _name(given: str) -> str:
    """A name that is safe as a file's: lower case, so that Ana and ana are one on every disk."""
    name = given.strip().lower()
    if not NAME.fullmatch(name) or name.endswith("."):
        raise SuiteError(f"{given!r} cannot name a reviewer: use up to 40 letters, digits, spaces, dots or hyphens.")
    return name


def _append(path: Path, document: dict[str, Any]) -> None:
    """One whole line at the end; one writer at a time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            append(path, [document])
    except OSError as error:
        raise SuiteError(f"The mark was not saved to {path}: {error.strerror or error}. Save it again.") from error


def _read(path: Path, reviewer: str) -> list[Review]:
    """By number, the last verdict on each. Damaged lines are passed over."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SuiteError(f"The marks in {path} cannot be read: {error.strerror}. Make that file readable.") from error
    found = {one.number: one for one in _whole(lines, reviewer)}
    return [found[number] for number in sorted(found)]


def _whole(lines: Iterable[bytes], reviewer: str) -> Iterable[Review]:
    for line in lines:
        try:
            data = json.loads(line)
            said = data["verdict"]
            verdict = Verdict(_yes(said["on_brand"]), _yes(said["send"]), tuple(said["broke"]), said["comment"])
            place = int(data["number"]), str(data["case"]), str(data["mode"]), _yes(data["again"])
            yield Review(reviewer, *place, verdict, str(data["reply"]), str(data["when"]))
        except (ValueError, KeyError, TypeError):
            continue


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither yes nor no")
    return value
