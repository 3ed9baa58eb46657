"""JSON lines that survive a crash: on the disk before anybody is told, never joined to half a line."""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any


def append(path: Path, documents: Iterable[Any]) -> None:
    """Whole lines at the end, on the disk when this returns. A half line left by a crash is closed off first.

    Raises OSError.
    """
    lines = [json.dumps(one, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for one in documents]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if file.tell() and not _ends_a_line(file):
            lines.insert(0, b"\n")
        file.write(b"".join(lines))
        file.flush()
        os.fsync(file.fileno())


def lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line that is a JSON object; none without a file. A line that a crash cut short is left out."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for line in filter(str.strip, text.split("\n")):
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [one for one in found if isinstance(one, dict)]


def now() -> str:
    """UTC, ISO 8601, to the second: when something was kept."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _ends_a_line(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
