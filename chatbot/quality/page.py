"""The examination as one HTML page that opens with the network off: no script, no font, no picture from elsewhere.

Whatever a model or a customer wrote is escaped (Jinja2 autoescape, MarkupSafe), and the page forbids scripts besides.
The heat map is a table with coloured cells: it prints, scales to a phone and can be read aloud, as no chart can."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from chatbot.message import Message
from chatbot.mode import COMBINED, EVERY, Mode, mode_of
from chatbot.quality.consistency import RUNS, TEMPERATURE
from chatbot.quality.gate import PRIMARY, Gate
from chatbot.quality.marks import CHECKS, Mark, Outcome
from chatbot.quality.measures import Measures, readability
from chatbot.quality.stats import LESS_IS_BETTER, Rate, by_mode, by_situation, held, modes_in
from chatbot.quality.suite import Case

HERE = Path(__file__).parent
LABELS = {  # check -> its name and what it asks, for a reader who does not code
    "on_voice": ("On voice", "The reply keeps the rules of the brand's voice guide."),
    "grounded": ("Facts given", "The reply gives every fact that the answer needs."),
    "invented": ("Invented something", "A figure, price, date, link or name stands in no source. Less is better."),
    "abstained": ("Honest hand-over", "Where no article has the answer, the reply says so and hands over."),
    "situation_ok": ("Right for the situation", "The reply keeps the situation's own rules."),
    "on_brand_and_right": ("On brand and right", "All the other checks at once."),
}
PASSED = {  # how a pass of the check is put, where the name puts a fault
    "invented": "Nothing invented"
}
ORDER = (PRIMARY, *(check for check in CHECKS if check != PRIMARY))  # of the rows: the sum of all stands first
Histories = Mapping[str, tuple[Message, ...]]  # the earlier messages of a conversation, by case
EMPTY: Histories = {}
SHOWN_OPEN = 6  # worst cases that are unfolded from the start
FEW = 5  # cases; a cell of the heat map with fewer is drawn faint


@dataclass(frozen=True)
class Column:
    """One mode's reply to one case, ready to be shown."""

    mode: Mode
    text: Markup
    faults: tuple[tuple[str, str], ...]  # (label of the check, why)
    passed: tuple[str, ...]  # labels


@dataclass(frozen=True)
class Sheet:
    """One case with the replies of all modes side by side."""

    case: str
    question: str
    situation: str
    held_out: bool
    history: tuple[Message, ...]
    passages: tuple[str, ...]
    columns: tuple[Column, ...]
    faults: int


def context(
    outcomes: Sequence[Outcome],
    gate: Gate,
    settings: Mapping[str, str],
    against: Mapping[str, Mapping[str, Any]],
    said: Histories,
    measures: Measures,
) -> dict[str, Any]:
    """All that the templates draw from. `against` is `report.combined_against`; `settings` is shown in its order."""
    return {
        "every": EVERY,
        "theme": "auto",
        "modes": [mode_of(key) for key in modes_in(outcomes)],
        "total": len({one.case for one in outcomes}),
        "gate": gate,
        "judged": mode_of(gate.mode),
        "labels": LABELS,
        "primary": PRIMARY,
        "order": ORDER,
        "rates": by_mode(outcomes),
        "best": _best(by_mode(outcomes)),
        "situations": heat(outcomes),
        "held_in": by_mode(held(outcomes, out=False)),
        "held_out": by_mode(held(outcomes, out=True)),
        "against": [(mode_of(key), found) for key, found in against.items()],
        "combined": COMBINED,
        "latency": measures.latency,
        "consistency": measures.consistency,
        "runs": RUNS,
        "warmth": TEMPERATURE,
        "readability": readability(outcomes),
        "sheets": sheets(outcomes, said),
        "shown_open": SHOWN_OPEN,
        "few": FEW,
        "settings": settings,
    }


def page(given: Mapping[str, Any]) -> str:
    """The whole document from a `context`."""
    return environment().get_template("report.html.j2").render(given)


class Pieces:
    """The pieces of the document from a `context`, for another page to arrange. Each is escaped HTML in one box."""

    def __init__(self, given: Mapping[str, Any]):
        self._modes = len(given["modes"])
        self._parts = environment().get_template("parts.html.j2").make_module(dict(given))

    def section(self, name: str) -> str:
        """One of verdict, checks, heat, topics, same, ease."""
        return self._boxed(getattr(self._parts, name)())

    def case(self, sheet: Sheet, unfolded: bool) -> str:
        """One case with all its replies."""
        return self._boxed(self._parts.case(sheet, unfolded=unfolded))  # type: ignore[attr-defined]

    def _boxed(self, inner: Markup) -> str:
        return Markup('<div class="qa" style="--modes:{}">{}</div>').format(self._modes, inner)


def style(theme: str) -> str:
    """The style of the pieces. `theme`: light, dark, or auto (as the reader's system has it)."""
    return environment().get_template("style.css.j2").render(theme=theme, every=EVERY)


@cache
def environment(folder: Path = HERE) -> Environment:
    """Templates of `folder`, and of this room where it has none of that name: everything is escaped in them."""
    made = Environment(
        autoescape=True,
        loader=FileSystemLoader([folder, HERE]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["percent"] = _percent
    return made


def histories(cases: Sequence[Case]) -> Histories:
    """The earlier messages of every case that has some."""
    return {case.id: case.history for case in cases if case.history}


def sheets(outcomes: Sequence[Outcome], said: Histories = EMPTY) -> list[Sheet]:
    """The cases, worst first: those where combined is wrong, and among them those with the most faults."""
    grouped: dict[str, list[Outcome]] = {}
    for one in outcomes:
        grouped.setdefault(one.case, []).append(one)
    ordered = sorted(grouped.values(), key=_badness, reverse=True)
    return [_sheet(group, said.get(group[0].case, ())) for group in ordered]


def marked(text: str, marks: Mapping[str, Mark]) -> Markup:
    """`text` escaped, with the failing words of `marks` in <mark>. Longest words first; no mark inside a mark."""
    names: dict[str, str] = {}
    for check, mark in marks.items():
        for word in mark.words if mark.passed is False else ():
            names.setdefault(word, LABELS.get(check, (check, ""))[0])
    words = sorted(filter(str.strip, names), key=len, reverse=True)
    if not words:
        return escape(text)
    made, end = Markup(""), 0
    for found in re.finditer("|".join(map(_pattern, words)), text):
        made += escape(text[end : found.start()])
        made += Markup('<mark title="{}">{}</mark>').format(names[found[0]], found[0])
        end = found.end()
    return made + escape(text[end:])


def _pattern(word: str) -> str:
    """`word` alone: the "5" of "45" is not the failing "5"."""
    return (r"(?<!\w)" if word[0].isalnum() else "") + re.escape(word) + (r"(?!\w)" if word[-1].isalnum() else "")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _good(rate: Rate, check: str) -> float:
    """0 is bad, 1 is good, whichever way the check counts: what a cell's colour shows."""
    share = rate.rate or 0.0
    return round(1 - share if check in LESS_IS_BETTER else share, 3)


def _best(rates: Mapping[str, Mapping[str, Rate]]) -> dict[str, set[str]]:
    """check -> the modes that are best at it; nothing is best where all are alike."""
    best = {}
    for check in CHECKS:
        good = {mode: _good(found[check], check) for mode, found in rates.items() if found[check].n}
        top = {mode for mode, value in good.items() if value == max(good.values())}
        best[check] = top if len(top) < len(good) else set()
    return best


def heat(outcomes: Sequence[Outcome]) -> list[tuple[str, Mapping[str, Rate]]]:
    """situation -> mode -> rate of PRIMARY, the weakest situation of the combined mode first."""
    table = {
        name: {mode: checks[PRIMARY] for mode, checks in modes.items()}
        for name, modes in by_situation(outcomes).items()
    }
    return sorted(table.items(), key=lambda row: (_combined(row[1]), row[0]))


def _combined(row: Mapping[str, Rate]) -> float:
    found = row.get(COMBINED.key, next(iter(row.values())))
    return 1.0 if found.rate is None else found.rate


def _badness(group: Sequence[Outcome]) -> tuple[int, int]:
    combined = [one for one in group if one.mode == COMBINED.key]
    return sum(map(_faults, combined)), sum(map(_faults, group))


def _faults(outcome: Outcome) -> int:
    return sum(mark.passed is False for mark in outcome.marks.values())


def _sheet(group: Sequence[Outcome], history: tuple[Message, ...]) -> Sheet:
    first, order = group[0], modes_in(group)
    columns = [_column(one) for one in sorted(group, key=lambda one: order.index(one.mode))]
    return Sheet(
        first.case, first.question, first.situation, first.held_out, history, first.passages, tuple(columns),
        sum(map(_faults, group)),
    )  # fmt: skip


def _column(outcome: Outcome) -> Column:
    """PRIMARY is the sum of the others, so it is left out of the faults unless it stands alone."""
    parts = {check: mark for check, mark in outcome.marks.items() if check != PRIMARY or len(outcome.marks) == 1}
    faults = [
        (LABELS.get(check, (check, ""))[0], " ".join(mark.why)) for check, mark in parts.items() if mark.passed is False
    ]
    passed = [PASSED.get(check, LABELS.get(check, (check, ""))[0]) for check, mark in parts.items() if mark.passed]
    return Column(mode_of(outcome.mode), marked(outcome.text, outcome.marks), tuple(faults), tuple(passed))
