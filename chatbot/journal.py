"""JSON lines and files that survive a crash: on the disk before anybody is told, never half of one."""

import json
import os
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


def write_whole(path: Path, text: str) -> None:
    """The file is `text`, or what it was before. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _ends_a_line(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
