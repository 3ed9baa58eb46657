"""The votes as one HTML page that opens with the network off: verdict, curves, tables, every transcript, settings.

Made as tone QA's page is: what a model, a customer or a voter wrote is escaped, and the page forbids scripts besides.
The curves are drawn here, as pictures made of numbers alone. Voters are numbered; no id of theirs leaves the store."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from chatbot.feedback.duels import Duel, Point
from chatbot.feedback.gather import Reading
from chatbot.feedback.sequential import line
from chatbot.feedback.tabled import tables
from chatbot.feedback.tally import PLACES, Document, battles_of, ordered
from chatbot.feedback.wording import excluded, label, reason, verdict_lines, versus, warnings
from chatbot.mode import EVERY, Mode, mode_of
from chatbot.quality.page import environment

WIDTH, HEIGHT = 640, 160  # of a curve, in its own units
BRACKETS = re.compile(r"(\([^()]*\))")
SAID = {"tie": "both alike", "both-bad": "both bad"}


@dataclass(frozen=True)
class Curve:
    """A duel ready to be drawn. `line` and `band` are points of SVG; `last` is the share at the end, for its mark."""

    name: str
    sentence: str
    mode: Mode  # whose share it is
    n: int
    rate: float | None
    low: float
    high: float
    line: str
    band: str


@dataclass(frozen=True)
class Spoken:
    """One vote under a transcript."""

    voter: int
    said: str
    notes: tuple[str, ...]
    comment: str
    why: str  # it does not count; "" if it does


@dataclass(frozen=True)
class Column:
    """One reply of a transcript."""

    mode: Mode
    side: str  # left or right
    text: str
    finish: str


@dataclass(frozen=True)
class Transcript:
    """One battle that was voted on."""

    question: str
    situation: str
    at: str
    history: tuple[Mapping[str, str], ...]
    columns: tuple[Column, ...]
    votes: tuple[Spoken, ...]
    seed: int


def page(reading: Reading) -> str:
    """The whole document."""
    return environment(Path(__file__).parent).get_template("report.html.j2").render(context(reading), unbroken=unbroken)


def unbroken(text: str) -> Markup:
    """`text` escaped; what stands in brackets, an interval, is not broken into lines."""
    parts = [
        part if n % 2 == 0 else Markup('<span class="whole">{}</span>').format(part)
        for n, part in enumerate(BRACKETS.split(text))
    ]
    return Markup("").join(parts)


def context(reading: Reading) -> dict[str, Any]:
    """All that the template draws from."""
    found = reading.results
    first, *lines = verdict_lines(found)
    return {
        "brand": reading.brand, "experiments": found.experiments, "every": EVERY, "theme": "auto",
        "account": first, "last": lines[-1] if len(found.duels) > 1 and lines else "", "warnings": warnings(found),
        "curves": [curve(one) for one in found.duels] if found.account.cast else [],
        "tables": tables(found, reading.labels, reading.unchecked),
        "transcripts": transcripts(reading.records, reading.labels), "width": WIDTH, "height": HEIGHT,
        "settings": circumstances(reading),
    }  # fmt: skip


def curve(duel: Duel) -> Curve:
    """Its sentence, and its share over the votes as two lines of points, 0% at the bottom."""
    points, told = duel.curve, duel.verdict
    around = [*((one, one.high) for one in points), *((one, one.low) for one in reversed(points))]
    return Curve(
        versus(duel.pair), line(told, *map(label, duel.pair)), mode_of(duel.pair[0]), told.n, told.rate, told.low,
        told.high, _points([(one, one.rate) for one in points], told.n), _points(around, told.n),
    )  # fmt: skip


def transcripts(records: Sequence[Document], labels: Mapping[str, str]) -> list[Transcript]:
    """Every battle that was voted on, the newest first."""
    cast: dict[str, list[Document]] = {}
    for one in records:
        if one["kind"] == "vote":
            cast.setdefault(one["battle"], []).append(one)
    voters = sorted({one["voter"] for votes in cast.values() for one in votes})
    numbers = {voter: number for number, voter in enumerate(_by_first_vote(cast, voters), 1)}
    battles = sorted(battles_of(records), key=lambda one: one["created"], reverse=True)
    return [_transcript(one, cast[one["battle"]], numbers, labels) for one in battles if one["battle"] in cast]


def _by_first_vote(cast: Mapping[str, Sequence[Document]], voters: Sequence[str]) -> list[str]:
    first = {
        voter: min(one["cast_at"] for votes in cast.values() for one in votes if one["voter"] == voter)
        for voter in voters
    }
    return sorted(voters, key=lambda voter: (first[voter], voter))


def _transcript(
    battle: Document, votes: Sequence[Document], numbers: Mapping[str, int], labels: Mapping[str, str]
) -> Transcript:
    places = {battle[f"{place}_mode"]: place for place in PLACES}
    columns = [
        Column(
            mode_of(mode), "left" if mode == battle["left_mode"] else "right", battle[f"{places[mode]}_text"],
            battle[f"{places[mode]}_finish"],
        )
        for mode in ordered(places)
    ]  # fmt: skip
    spoken = tuple(_spoken(one, numbers[one["voter"]], labels) for one in votes)
    situation = labels.get(battle["situation"], battle["situation"])
    return Transcript(
        battle["question"], situation, battle["created"][:16].replace("T", " "), tuple(battle["history"]),
        tuple(columns), spoken, battle["seed"],
    )  # fmt: skip


def _spoken(vote: Document, number: int, labels: Mapping[str, str]) -> Spoken:
    said = f"prefers {label(vote['winner'])}" if vote["winner"] else SAID[vote["verdict"]]
    notes = []
    for place in PLACES:
        told = [reason(key, labels) for key in vote[f"{place}_reasons"]]
        if (good := vote[f"{place}_good"]) is not None:
            told.insert(0, "good enough to send" if good else "not good enough to send")
        if told:
            notes.append(f"{label(vote[f'{place}_mode'])}: {', '.join(told)}")
    return Spoken(number, said, tuple(notes), vote["comment"], excluded(vote["excluded"]))


def _points(found: Sequence[tuple[Point, float]], n: int) -> str:
    return " ".join(f"{one.n / n * WIDTH:.1f},{(1 - share) * HEIGHT:.1f}" for one, share in found)


def circumstances(reading: Reading) -> dict[str, str]:
    """What the votes were cast under: brand, experiments, program, decoding, audit of the draws."""
    found = reading.results
    told = {"Brand": reading.brand, "Experiments": ", ".join(found.experiments)}
    told["Program"] = ", ".join(found.versions) or "–"
    for number, one in enumerate(found.decodings, 1):
        told[f"Decoding {number}" if len(found.decodings) > 1 else "Decoding"] = ", ".join(
            f"{name} {value}" for name, value in one.items() if value is not None
        )
    if found.audit is not None:
        told["Audit"] = "every pair and side is what the experiment's salt says" if not found.audit else found.audit[0]
    return told
