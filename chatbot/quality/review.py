"""People read replies and mark them, blind: which reply comes next, and what was said of it.

A reviewer is shown a question, its passages and one reply: never the mode, never the machine's marks, never what
another said before they are done themselves. One in twenty replies comes twice, to see whether a reviewer agrees
with themselves. A mark is one JSON line, on the disk before the page says so. Knows nothing of pages."""

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from filelock import FileLock

from chatbot.errors import SuiteError
from chatbot.journal import append
from chatbot.message import Message
from chatbot.quality.marks import Outcome
from chatbot.quality.suite import Case

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


@dataclass(frozen=True)
class _Showing:
    outcome: Outcome
    again: bool


class Desk:
    """One reviewer's pile for one run: `Desk(outcomes, home, "2026-11-20", "ana").next()`.

    The order is drawn from `seed` and the reviewer's name: the same after every restart, another one for each.
    With `cases` an item shows the earlier messages of its conversation."""

    def __init__(
        self,
        outcomes: Sequence[Outcome],
        home: Path,
        run: str,
        reviewer: str,
        seed: int = 0,
        cases: Sequence[Case] = (),
    ):
        self._history = {case.id: case.history for case in cases}
        self.reviewer = _name(reviewer, "reviewer")
        self.folder = home / "reviews" / _name(run, "run")
        self.path = self.folder / f"{self.reviewer}.jsonl"
        self._showings = _order(outcomes, f"{seed} {run} {self.reviewer}")

    def mine(self) -> list[Review]:
        """What this reviewer said so far, by number."""
        return [one for one in _read(self.path, self.reviewer) if self._knows(one)]

    def next(self) -> Item | None:
        """The first reply without a verdict; None when all are done."""
        done = {one.number for one in self.mine()}
        return next((self.item(n) for n in range(len(self._showings)) if n not in done), None)

    def item(self, number: int) -> Item:
        """One reply of the pile, also one already judged: to look again and save another verdict."""
        outcome = self._at(number).outcome
        history = self._history.get(outcome.case, ())
        return Item(number, len(self._showings), history, outcome.question, outcome.text, outcome.passages)

    def save(self, number: int, verdict: Verdict, when: str) -> None:
        """Write the verdict down; said twice, the last one counts. `when` is a date and time to be kept with it."""
        showing = self._at(number)
        review = Review(self.reviewer, number, showing.outcome.case, showing.outcome.mode, showing.again, verdict)
        _append(self.path, asdict(review) | {"when": when})

    def finished(self) -> bool:
        """Has every reply of the pile a verdict?"""
        return self.next() is None

    def everyones(self) -> list[Review]:
        """The verdicts of all reviewers of the run, once this one has finished. Raises SuiteError before."""
        if not self.finished():
            left = len(self._showings) - len(self.mine())
            raise SuiteError(f"{self.reviewer} still has {left} replies to mark; then the others' marks can be seen.")
        return read_reviews(self.folder)

    def _at(self, number: int) -> _Showing:
        if not 0 <= number < len(self._showings):
            raise SuiteError(f"There is no reply number {number}: this pile has {len(self._showings)}.")
        return self._showings[number]

    def _knows(self, review: Review) -> bool:
        """Is it about this pile? A file of an older draw of the run counts for nothing."""
        if not 0 <= review.number < len(self._showings):
            return False
        showing = self._showings[review.number]
        return (review.case, review.mode) == (showing.outcome.case, showing.outcome.mode)


def read_reviews(folder: Path) -> list[Review]:
    """All verdicts of a run, for `agreement`; not for the eyes of a reviewer who is not done."""
    return [one for path in sorted(folder.glob("*.jsonl")) for one in _read(path, path.stem)]


def _order(outcomes: Sequence[Outcome], seed: str) -> list[_Showing]:
    """Every reply once, shuffled; and one in twenty again, in a later place."""
    rng = random.Random(blake2b(seed.encode()).digest())
    by_name = sorted(outcomes, key=lambda one: (one.case, one.mode))
    showings = [_Showing(one, False) for one in rng.sample(by_name, len(by_name))]
    repeats = len(showings) // REPEAT_EVERY
    for one in rng.sample(showings, repeats):
        first = showings.index(one)
        showings.insert(rng.randint(first + 1, len(showings)), _Showing(one.outcome, True))
    return showings


def _name(given: str, what: str) -> str:
    """A name that is safe as a file's: lower case, so that Ana and ana are one on every disk."""
    name = given.strip().lower()
    if not NAME.fullmatch(name) or name.endswith("."):
        raise SuiteError(f"{given!r} cannot name a {what}: use up to 40 letters, digits, spaces, dots or hyphens.")
    return name


def _append(path: Path, document: dict[str, Any]) -> None:
    """One whole line at the end; one writer at a time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            append(path, [document])
    except OSError as error:
        raise SuiteError(f"The mark was not saved to {path}: {error.strerror}. Save it again.") from error


def _read(path: Path, reviewer: str) -> list[Review]:
    """By number, the last verdict on each. Damaged lines are passed over."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SuiteError(f"The marks in {path} cannot be read: {error.strerror}.") from error
    found = {one.number: one for one in _whole(lines, reviewer)}
    return [found[number] for number in sorted(found)]


def _whole(lines: Iterable[bytes], reviewer: str) -> Iterable[Review]:
    for line in lines:
        try:
            data = json.loads(line)
            said = data["verdict"]
            verdict = Verdict(_yes(said["on_brand"]), _yes(said["send"]), tuple(said["broke"]), said["comment"])
            yield Review(reviewer, int(data["number"]), data["case"], data["mode"], _yes(data["again"]), verdict)
        except (ValueError, KeyError, TypeError):
            continue


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither yes nor no")
    return value
