"""Every file of a folder or a zip, however deep, as name and bytes; what may not be read is named with the reason.

A zip from outside can be made to fill a disk or to write where it should not: nothing is unpacked to the disk here,
and all that comes out of zips is bounded. Knows nothing about what documents are."""

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from knowledge.errors import DocumentError

MOST_BYTES = 50 * 2**20  # in one file
MOST_UNPACKED = 500 * 2**20  # bytes out of all zips of one import
MOST_FILES = 2000  # in one import
MOST_RATIO = 100  # unpacked to packed; text packs to a tenth, a bomb to a thousandth
RATIO_FROM = 2**20  # unpacked bytes from which the ratio is looked at: ten equal lines pack well, too
DEEPEST = 2  # a zip in a zip
OFFICE = (".docx", ".xlsx")  # zips inside, with the same dangers
IGNORED = re.compile(r"(?:\..*|~\$.*|Thumbs\.db|desktop\.ini|__MACOSX)", re.IGNORECASE)  # what systems leave behind
BAD_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class Found:
    """One file: its path from the source on, and its bytes; or `fault`, the sentence why it was not read."""

    name: str
    data: bytes = field(default=b"", repr=False)
    fault: str = ""
    kind: str = ""  # ".pdf" where the name does not say it: a page of the web

    @property
    def ending(self) -> str:
        """Its kind in small letters, as ".pdf"."""
        return self.kind or PurePosixPath(self.name).suffix.lower()


@dataclass
class Budget:
    """What one import may still take."""

    files: int = MOST_FILES
    unpacked: int = MOST_UNPACKED


def walk(source: Path | Found, budget: Budget) -> Iterator[Found]:
    """The files of one source: a file, a folder, a zip, or bytes that somebody sent. Never raises for one bad file."""
    if isinstance(source, Found):
        yield from _opened(source, budget, 1)
    elif source.is_dir():
        yield from _of_folder(source, source.name or "folder", budget)
    elif not source.exists():
        yield Found(str(source), fault=f"{source} is not there. Check the path.")
    else:
        yield from _of_file(source, source.name, budget)


def members(name: str, data: bytes, budget: Budget) -> Iterator[Found]:
    """The files of a zip, each within its bounds; one Found with a fault where the zip as a whole is refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as whole:
            infos = [info for info in whole.infolist() if not info.filename.endswith("/")]
            check_bounds(name, infos, len(data), budget)
            for info in infos:
                if not any(IGNORED.fullmatch(part) for part in PurePosixPath(info.filename).parts if part != ".."):
                    yield _member(name, whole, info, budget)
    except DocumentError as error:
        yield Found(name, fault=str(error))
    except BAD_ZIP:
        yield Found(name, fault=f"{name} is damaged: it cannot be read as a zip. Pack or download it again.")


def check_bounds(name: str, infos: list[zipfile.ZipInfo], packed: int, budget: Budget) -> None:
    """Raises DocumentError for a zip that says itself that it is too much."""
    size = sum(info.file_size for info in infos)
    if len(infos) > budget.files:
        raise DocumentError(f"{name} holds {len(infos)} files; {MOST_FILES} in one import is the most. Split it.")
    if size > budget.unpacked:
        raise DocumentError(
            f"{name} unpacks to {size / 2**20:.0f} MB; {MOST_UNPACKED // 2**20} MB in one import is the most. Split it."
        )
    if size > RATIO_FROM and size > MOST_RATIO * packed:
        raise DocumentError(
            f"{name} unpacks to {size // max(packed, 1)} times its size, as a zip bomb does. Import its files unpacked."
        )


def _of_folder(folder: Path, name: str, budget: Budget) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Found(name, fault=f"{name} could not be opened ({error.strerror}). Give yourself the right to read it.")
        return
    for entry in entries:
        inside = f"{name}/{entry.name}"
        if IGNORED.fullmatch(entry.name):
            continue
        if entry.is_symlink():
            yield Found(inside, fault=f"{inside} is a link, and links are not followed. Import what it leads to.")
        elif entry.is_dir():
            yield from _of_folder(Path(entry.path), inside, budget)
        else:
            yield from _of_file(Path(entry.path), inside, budget)


def _of_file(path: Path, name: str, budget: Budget) -> Iterator[Found]:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            found = Found(name, fault=f"{name} is no ordinary file. Leave it out.")
        elif facts.st_size > MOST_BYTES:
            found = Found(name, fault=_too_big(name, facts.st_size))
        else:
            found = Found(name, path.read_bytes())
    except OSError as error:
        found = Found(name, fault=f"{name} could not be read ({error.strerror}). Give yourself the right to read it.")
    yield from _opened(found, budget, 1)


def _opened(found: Found, budget: Budget, depth: int) -> Iterator[Found]:
    """A zip gives its files, zips among them too; all else is itself."""
    if budget.files <= 0:
        yield Found(
            found.name, fault=f"{found.name} is one file too many: {MOST_FILES} in one import. Import it alone."
        )
    elif found.fault:
        yield found
    elif len(found.data) > MOST_BYTES:
        yield Found(found.name, fault=_too_big(found.name, len(found.data)))
    elif found.ending == ".zip":
        yield from _of_zip(found, budget, depth)
    else:
        budget.files -= 1
        yield Found(found.name, fault=fault) if (fault := _office_fault(found)) else found


def _of_zip(found: Found, budget: Budget, depth: int) -> Iterator[Found]:
    if depth > DEEPEST:
        yield Found(found.name, fault=f"{found.name} is a zip in a zip in a zip. Unpack it and import its files.")
    elif not found.data:
        yield Found(found.name, fault=f"{found.name} is empty. Pack or download it again.")
    else:
        for one in members(found.name, found.data, budget):
            yield from _opened(one, budget, depth + 1)


def _member(name: str, whole: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> Found:
    inside = f"{name}/{_printable(info)}"
    if fault := _member_fault(inside, info):
        return Found(inside, fault=fault)
    try:
        with whole.open(info) as file:
            data = file.read(min(MOST_BYTES, budget.unpacked) + 1)
    except BAD_ZIP:
        return Found(inside, fault=f"{inside} is damaged. Pack or download the zip again.")
    budget.unpacked -= len(data)
    if len(data) > MOST_BYTES or budget.unpacked < 0:
        return Found(inside, fault=_too_big(inside, len(data)))
    return Found(inside, data)


def _member_fault(inside: str, info: zipfile.ZipInfo) -> str:
    if leads_out(info.orig_filename) or leads_out(info.filename):
        return f"{inside} has a path that leads out of its zip. Import the file by itself."
    if stat.S_ISLNK(info.external_attr >> 16):
        return f"{inside} is a link, and links are not followed. Pack the file that it leads to."
    if info.flag_bits & 1:
        return f"{inside} is locked with a password. Pack it without one."
    return _too_big(inside, info.file_size) if info.file_size > MOST_BYTES else ""


def leads_out(name: str) -> bool:
    """Is this name in a zip absolute, of a drive, or does it climb? Both kinds of slash count."""
    parts = re.split(r"[/\\]", name)
    return parts[0] == "" or ".." in parts or bool(re.match(r"[A-Za-z]:", name)) or "\x00" in name


def _printable(info: zipfile.ZipInfo) -> str:
    """Its name; old packers write UTF-8 without saying so, and zipfile reads that as code page 437."""
    name = info.filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return re.sub(r"[\x00-\x1f\x7f]", "?", name)


def _office_fault(found: Found) -> str:
    """Word and Excel files are zips: the bounds hold for them too. A damaged one is left to its reader."""
    if found.ending not in OFFICE:
        return ""
    try:
        with zipfile.ZipFile(io.BytesIO(found.data)) as whole:
            check_bounds(found.name, whole.infolist(), len(found.data), Budget())
    except DocumentError as error:
        return str(error)
    except BAD_ZIP:
        return ""
    return ""


def _too_big(name: str, size: int) -> str:
    return f"{name} has {size / 2**20:.0f} MB; {MOST_BYTES // 2**20} MB is the most. Split it."
