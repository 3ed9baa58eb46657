"""`triptych qa`: an examination with a bar, and its tables. What is examined and judged: chatbot/quality/session.py."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatbot.bot import Bot
from chatbot.mode import mode_of
from chatbot.quality.consistency import RUNS
from chatbot.quality.gate import Gate
from chatbot.quality.page import LABELS, ORDER
from chatbot.quality.report import PAGE, Examined
from chatbot.quality.session import Order, carry_out
from chatbot.quality.stats import Rate, by_mode, held, modes_in
from ui.counted import counted

STYLES = {"pass": "green", "fail": "red"}


def examine_brand(bot: Bot, what: Order, console: Console, quiet: bool) -> Examined:
    """Carry out `what`, showing how far it is. Ctrl-C says how to go on. Raises errors.SHOWN."""
    try:
        with counted(console, "replies", quiet) as tell:
            return carry_out(bot, what, tell)
    except KeyboardInterrupt:
        console.print("The same command goes on where this one stopped: finished replies are kept.")
        raise


def print_examined(found: Examined, console: Console) -> None:
    """Every check by mode, in all, held-in and held-out; the gate; where the report lies."""
    console.print(_table(found))
    for mode, one in found.measures.consistency.items():
        swing = "" if one.spread is None else f"; voice score ± {one.spread:.2f} (n {one.scored})"
        console.print(f"{mode_of(mode).label}, asked {RUNS} times: the same facts in {_cell(one.same)}{swing}")
    for mode, wait in found.measures.latency.items():
        console.print(
            f"{mode_of(mode).label}: first word after {wait.first_token_s:.1f} s, whole reply after "
            f"{wait.total_s:.1f} s (median of {wait.n} questions, one mode at a time)"
        )
    _print_gate(found.gate, console)
    console.print(f"Report: {found.folder / PAGE}", soft_wrap=True, markup=False)


def _print_gate(gate: Gate, console: Console) -> None:
    console.print(Text(f"Gate: {gate.sentence}", style=STYLES.get(gate.verdict, "yellow")), soft_wrap=True)
    console.print(f"  judged: {mode_of(gate.mode).label}, {gate.judged}", soft_wrap=True, markup=False)
    for one in gate.findings:
        mark = Text(f"  {one.verdict}  ", style=STYLES.get(one.verdict, "yellow"))
        console.print(mark.append(f"{LABELS[one.check][0]}: {one.why}", style="none"), soft_wrap=True)


def _table(found: Examined) -> Table:
    modes = modes_in(found.outcomes)
    table = Table("Check", *(mode_of(mode).label for mode in modes))
    parts = {
        "All cases": found.outcomes,
        "Held-in: training saw the topic": held(found.outcomes, out=False),
        "Held-out: training did not": held(found.outcomes, out=True),
    }
    for title, outcomes in parts.items():
        if outcomes:
            table.add_row(Text(title, style="bold"))
            _add_rows(table, modes, by_mode(outcomes))
            table.add_section()
    return table


def _add_rows(table: Table, modes: Sequence[str], rates: Mapping[str, Mapping[str, Rate]]) -> None:
    for check in ORDER:
        cells = [_cell(rates[mode][check]) if mode in rates else "–" for mode in modes]
        table.add_row(f"  {LABELS[check][0]}", *cells)


def _cell(found: Rate) -> str:
    """ "88% (80–93), n 95"."""
    if found.rate is None or found.low is None or found.high is None:
        return "–"
    return f"{found.rate:.0%} ({found.low * 100:.0f}–{found.high * 100:.0f}), n {found.n}"
