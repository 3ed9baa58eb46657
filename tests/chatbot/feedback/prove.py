"""`make prove-feedback`: simulate voters, compute public data again, do every fault to SQLite and to a PostgreSQL.

Prints what was counted, and JSON. Exit code 1 if a promise is broken, a published number missed, a fault not survived."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path

from chatbot.feedback import public
from chatbot.settings import Settings
from tests.chatbot.feedback import faults, postgres, simulate
from tests.chatbot.feedback.faults import Ground, Outcome

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
NO_MOUNT = "NO SMALL DISK: mounting one needs root; a full disk was not tried on PostgreSQL."
ROUNDS = {SQLITE: 100, POSTGRESQL: 40}  # of kill -9: a PostgreSQL connection takes longer to open
NUMBERS = count()
DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "votes"
FAULTS: dict[str, tuple[Callable[[Ground], Outcome], ...]] = {
    SQLITE: (
        faults.double_posts, faults.two_forms, partial(faults.killed_writers, rounds=ROUNDS[SQLITE]), faults.locked,
        faults.full_by_pragma, faults.old_version, faults.newer_version, faults.damaged, faults.not_writable,
    ),
    POSTGRESQL: (
        faults.double_posts, faults.two_forms, partial(faults.killed_writers, rounds=ROUNDS[POSTGRESQL]),
        faults.locked, faults.restarted, faults.old_version, faults.newer_version, faults.damaged,
        faults.not_writable, faults.no_answer,
    ),
}  # fmt: skip


def fresh(folder: Path, server: postgres.Server | None = None, tablespace: str = "") -> Ground:
    """An empty database in `folder`, or a new one on the server."""
    folder.chmod(0o755)
    if server is None:
        return Ground(SQLITE, Settings(home=folder))
    name = f"votes{next(NUMBERS)}"
    server.sql(f"CREATE DATABASE {name} {tablespace and f'TABLESPACE {tablespace}'}")
    return Ground(POSTGRESQL, Settings(home=folder, database_url=server.url(name)), server)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Callable[[], None]]:
    """A disk of so many megabytes at `folder`; call what it gives to make it larger. PermissionError unless root."""
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        raise PermissionError(NO_MOUNT)
    try:
        yield partial(subprocess.run, ["mount", "-o", f"remount,size={megabytes * 4}m", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def full_disk(folder: Path, server: postgres.Server | None = None) -> Outcome:
    """A disk that is really full. PermissionError where none can be mounted."""
    small = folder / "small"
    small.mkdir()
    folder.chmod(0o755)
    with small_disk(small, 16 if server else 1) as larger:
        if server is None:
            return faults.full(fresh(small), larger)
        shutil.chown(small, postgres.USER)
        name = f"small{next(NUMBERS)}"
        server.sql(f"CREATE TABLESPACE {name} LOCATION '{small}'")
        ground = fresh(folder, server, name)
        try:
            return faults.full(ground, larger)
        finally:
            server.sql(f"DROP DATABASE {ground.settings.database_url.rsplit('/', 1)[1]}", f"DROP TABLESPACE {name}")


def counted() -> Iterator[dict[str, object]]:
    """Every fault on both grounds, as it is done: fault, database, tried, right, seconds, seen."""
    with postgres.server() as server:
        for name, there in ((SQLITE, None), (POSTGRESQL, server)):
            for fault in FAULTS[name]:
                yield _timed(name, there, lambda folder, there=there, fault=fault: fault(fresh(folder, there)))
            yield _timed(name, there, lambda folder, there=there: full_disk(folder, there))


def _timed(name: str, server: postgres.Server | None, act: Callable[[Path], Outcome]) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        try:
            found = act(Path(folder))
        except PermissionError as error:
            found = Outcome("disk full, mounted", 0, 0, str(error))
        return {"database": name, **asdict(found), "seconds": round(time.monotonic() - began, 2)}


def told(runs: Iterable[simulate.Simulated]) -> list[dict[str, object]]:
    """Every simulation, and whether it keeps what it promises."""
    return [{**asdict(one), "kept": one.kept} for one in runs]


def published(folder: Path) -> list[dict[str, object]]:
    """Every published number, computed again; [] where the data are not beside the repository."""
    names = ("what", "published", "found", "agrees")
    return [dict(zip(names, row, strict=True)) for row in public.table(folder)] if folder.is_dir() else []


def main() -> int:
    """Print the tables as they are done, then the JSON."""
    runs = told(simulate.every())
    for run in runs:
        print(
            f"{'ok   ' if run['kept'] else 'WRONG'} {run['what']:<40} {run['called']:>6.1%} called within {run['votes']} votes"
            f" in {run['runs']} runs; exactly {run['exact']:.1%}"
        )
    known = published(DATA)
    for row in known:
        print(
            f"{'ok   ' if row['agrees'] else 'WRONG'} {row['what']:<40} published {row['published']}; found {row['found']}"
        )
    if not known:
        print("NO PUBLIC DATA: shared/data/votes is not beside the repository; nothing was computed again.")
    found = []
    for one in counted():
        found.append(one)
        verdict = "ok   " if one["right"] == one["tried"] else "FAULT"
        counts = f"{one['right']:>4} of {one['tried']:<4}{one['seconds']:>7} s"
        print(f"{verdict} {one['database']:<11}{one['fault']:<24}{counts}", flush=True)
    print(json.dumps({"simulations": runs, "public": known, "faults": found}, indent=1))
    kept = all(run["kept"] for run in runs) and all(row["agrees"] for row in known)
    return int(not kept or any(one["right"] != one["tried"] for one in found))


if __name__ == "__main__":
    sys.exit(main())
