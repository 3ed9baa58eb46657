"""Long work that can be counted: how far it is and how long it still takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from knowledge.filling import Tell

EVERY_S = 15.0  # seconds between two lines where there is no terminal


@contextmanager
def counted(console: Console, what: str, quiet: bool = False) -> Iterator[Tell]:
    """How many of `what` are done, as a bar; as a line now and then where there is no terminal."""
    if quiet or not console.is_terminal:
        yield _lines(console, what, quiet)
        return
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(console: Console, what: str, quiet: bool) -> Tell:
    began = last = time.monotonic()
    first: tuple[int, float] | None = None  # those kept from before, and when the work on the others began

    def tell(done: int, total: int) -> None:
        nonlocal first, last
        now = time.monotonic()
        start = first is None
        kept, since = first = first or (done, now)
        if quiet or (not start and done < total and now - last < EVERY_S):
            return
        last = now
        console.print(f"{what} {done}/{total}  {now - began:.0f} s{_left(done - kept, total - done, now - since)}")

    return tell


def _left(written: int, missing: int, seconds: float) -> str:
    return f"  about {seconds / written * missing / 60:.1f} min left" if written and missing else ""
