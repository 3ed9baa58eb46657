"""`triptych qa`: an examination with a bar, and its tables. What is examined and judged: chatbot/quality/session.py."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from chatbot.bot import Bot
from chatbot.mode import mode_of
from chatbot.quality.consistency import RUNS
from chatbot.quality.gate import Gate
from chatbot.quality.page import LABELS, ORDER
from chatbot.quality.report import PAGE, Examined
from chatbot.quality.run import Tell
from chatbot.quality.session import Order, carry_out
from chatbot.quality.stats import Rate, by_mode, held, modes_in

EVERY_S = 15.0  # seconds between two lines where there is no terminal
STYLES = {"pass": "green", "fail": "red"}


def examine_brand(bot: Bot, what: Order, console: Console, quiet: bool) -> Examined:
    """Carry out `what`, showing how far it is. Ctrl-C says how to go on. Raises errors.SHOWN."""
    try:
        with _shown(console, quiet) as tell:
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


@contextmanager
def _shown(console: Console, quiet: bool) -> Iterator[Tell]:
    """What is told of the replies as a bar; as a line now and then where there is no terminal."""
    if quiet or not console.is_terminal:
        yield _lines(console, quiet)
        return
    columns = (
        TextColumn("replies"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(console: Console, quiet: bool) -> Tell:
    began = last = time.monotonic()
    first: int | None = None  # replies that were kept from before

    def tell(done: int, total: int) -> None:
        nonlocal first, last
        now = time.monotonic()
        start = first is None
        first = done if first is None else first
        if quiet or (not start and done < total and now - last < EVERY_S):
            return
        last = now
        console.print(f"replies {done}/{total}  {now - began:.0f} s{_left(done - first, total - done, now - began)}")

    return tell


def _left(written: int, missing: int, seconds: float) -> str:
    return f"  about {seconds / written * missing / 60:.1f} min left" if written and missing else ""
