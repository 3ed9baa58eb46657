"""Writing that ends well: a file is whole or not there, and a disk that will not have it is named in a sentence."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from knowledge.errors import KnowledgeError


def write_whole(path: Path, text: str) -> None:
    """Whole or not at all, and on the disk before it counts."""
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def disk_named(place: Path) -> Iterator[None]:
    """What the disk says of writing in `place` becomes a KnowledgeError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            why = f"The disk that holds {place} is full. Free some space"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            why = f"The folder {place} may not be written. Give yourself the right to"
        else:
            why = f"The folder {place} could not be written ({error.strerror or error}). Mend that"
        raise KnowledgeError(f"{why}, or set TRIPTYCH_HOME to another folder, and run it again.") from error
