"""Writing that ends well: a file or folder is whole or not there, and a disk that will not have it is named in a
sentence."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from knowledge.errors import KnowledgeError


def sha256_of(path: Path) -> str:
    """The digest of a file's bytes, in hex; read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Whole or not at all, and on the disk before it counts."""
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:  # line ends stay as they are
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `place` at the end; nothing is left of it if that is not reached.

    What stands at `place` must be gone by then.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        yield beside
        beside.chmod(0o755)  # mkdtemp's are for one user alone
        beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


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
