"""What an examination leaves behind: a JSON document, its outcomes line by line, JUnit XML and one HTML page.

The JSON document is a contract with outsiders: see DESIGN, `triptych qa`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.errors import SuiteError
from chatbot.message import Message
from chatbot.mode import COMBINED
from chatbot.quality.gate import PRIMARY, Gate, gate_of
from chatbot.quality.junit import junit
from chatbot.quality.marks import Outcome, outcome_of
from chatbot.quality.measures import Measures, measures_document, measures_of
from chatbot.quality.page import Histories, context, histories, page
from chatbot.quality.stats import Rate, by_mode, by_situation, held, modes_in, modes_paired
from chatbot.quality.suite import Case

NOTHING = Measures()
REPORT, OUTCOMES, JUNIT, PAGE = "qa.json", "outcomes.jsonl", "junit.xml", "report.html"


def room(home: Path, brand: str) -> Path:
    """Where the brand's runs and kept replies lie."""
    return home / "qa" / brand


@dataclass(frozen=True)
class Examined:
    """A whole run, read back from its folder."""

    folder: Path
    outcomes: tuple[Outcome, ...]
    gate: Gate
    settings: Mapping[str, str]
    measures: Measures
    histories: Histories  # earlier messages by case, where there are any


def document(
    outcomes: Sequence[Outcome],
    gate: Gate,
    settings: Mapping[str, str],
    measures: Measures = NOTHING,
    cases: Sequence[Case] = (),
) -> dict[str, Any]:
    """The JSON contract: "cases", "modes", "gate"; and beside them what the page shows."""
    return {
        "cases": len({one.case for one in outcomes}),
        "modes": _modes(by_mode(outcomes)),
        "gate": gate.document(),
        "held_in": _modes(by_mode(held(outcomes, out=False))),
        "held_out": _modes(by_mode(held(outcomes, out=True))),
        "situations": {name: _modes(modes) for name, modes in by_situation(outcomes).items()},
        "combined_against": combined_against(outcomes),
        **measures_document(outcomes, measures),
        "settings": dict(settings),
        "histories": {case: [vars(message) for message in said] for case, said in histories(cases).items()},
    }


def combined_against(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """mode -> how combined does against it on the same cases: `p` is exact McNemar, two-sided."""
    modes = modes_in(outcomes)
    against = {}
    for other in modes if COMBINED.key in modes else []:
        if other != COMBINED.key:
            found = modes_paired(outcomes, PRIMARY, COMBINED.key, other)
            against[other] = {
                "check": PRIMARY, "n": found.n, "only_combined": found.gains, "only_other": found.losses,
                "p": float(f"{found.p:.4g}"),
            }  # fmt: skip
    return against


def write_report(
    folder: Path,
    outcomes: Sequence[Outcome],
    gate: Gate,
    settings: Mapping[str, str],
    cases: Sequence[Case] = (),
    measures: Measures = NOTHING,
) -> dict[str, Path]:
    """Write all four into `folder` (made if need be); name -> path. `settings` is shown as given: seed, base digest,
    adapter digest, date. With `cases` the page shows the earlier messages of a conversation."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        texts = {
            REPORT: json.dumps(document(outcomes, gate, settings, measures, cases), ensure_ascii=False, indent=2)
            + "\n",
            OUTCOMES: "".join(json.dumps(one.document(), ensure_ascii=False) + "\n" for one in outcomes),
            JUNIT: junit(outcomes, settings),
            PAGE: page(context(outcomes, gate, settings, combined_against(outcomes), histories(cases), measures)),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise SuiteError(
            f"The report cannot be written to {folder}: {error.strerror}. Choose another --out."
        ) from error
    return {name: folder / name for name in texts}


def read_report(folder: Path) -> Examined:
    """The run that `write_report` left in `folder`. Raises SuiteError naming the file."""
    made = report_document(folder)
    try:
        said = {case: tuple(Message(**one) for one in found) for case, found in made["histories"].items()}
        gate, measures, settings = gate_of(made["gate"]), measures_of(made), dict(made["settings"])
    except (KeyError, TypeError, AttributeError) as error:
        raise SuiteError(f"{folder / REPORT} is not the report of a run. Choose another run.") from error
    return Examined(folder, tuple(read_outcomes(folder)), gate, settings, measures, said)


def report_document(folder: Path) -> dict[str, Any]:
    """The JSON document in `folder`. Raises SuiteError."""
    path = folder / REPORT
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SuiteError(f"{path} cannot be read as the report of a run. Choose another run.") from error
    if not isinstance(made, dict):
        raise SuiteError(f"{path} is not the report of a run. Choose another run.")
    return made


def read_outcomes(path: Path) -> list[Outcome]:
    """The outcomes of an earlier run, for `--baseline`: its outcomes.jsonl, or the folder that holds it.
    Raises SuiteError naming the file and the line."""
    path = path / OUTCOMES if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: a reply may hold U+2028
    except FileNotFoundError as error:
        raise SuiteError(f"There is no baseline {path}. Give the {OUTCOMES} of an earlier run.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"The baseline {path} cannot be read as UTF-8 text.") from error
    outcomes = [_outcome(line, f"{path.name}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    if not outcomes:
        raise SuiteError(f"The baseline {path} holds no outcomes. Give the {OUTCOMES} of an earlier run.")
    return outcomes


def _outcome(line: str, place: str) -> Outcome:
    try:
        return outcome_of(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SuiteError(f"{place} is not an outcome. Give the {OUTCOMES} of an earlier run as baseline.") from error


def _modes(rates: Mapping[str, Mapping[str, Rate]]) -> dict[str, dict[str, dict[str, Any]]]:
    return {mode: {check: one.document() for check, one in checks.items()} for mode, checks in rates.items()}
