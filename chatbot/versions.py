"""Every wording of a brand's prompt files, kept by content: changes can be looked at, saved whole, and taken back.

A version is named by its files (guide.version_of), so a reply that notes its version can be traced to the very words
that wrote it. The history is one JSON line for each save; the words of a version are one file. Writers take turns; a
save that was cut short is finished by whoever reads next."""

import errno
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from chatbot.brand import Brand
from chatbot.errors import PromptError
from chatbot.guide import Files, Guide, read_files, read_guide, version_of
from chatbot.journal import append, lines, now
from chatbot.quality.rules import read_moves, read_rules
from knowledge.disk import whole_folder, write_whole

LOCK_WAIT = 10.0  # seconds for another writer
PENDING = "pending"  # names the version that a save is laying out


@dataclass(frozen=True)
class Saved:
    """One line of the history."""

    version: str
    before: str  # the version it took the place of
    at: str  # UTC, ISO 8601
    changed: tuple[str, ...]  # files, by their path in the brand's prompt folder
    note: str


class History:
    """The versions of one brand's prompt files under `home`. The shipped files are never written to."""

    def __init__(self, brand: Brand, home: Path):
        self._brand, self._own = brand, home / "prompts" / brand.key
        self._room = home / "versions" / brand.key

    def files(self) -> dict[str, str]:
        """The files as they stand now, after a save that was cut short is finished. Raises PromptError."""
        self.finish()
        return read_files(self._folder)

    def saves(self) -> list[Saved]:
        """Every save, newest first."""
        found = [one for one in lines(self._room / "log.jsonl") if {"version", "before", "at", "changed"} <= set(one)]
        return [
            Saved(one["version"], one["before"], one["at"], tuple(one["changed"]), one.get("note", ""))
            for one in reversed(found)
        ]

    def finish(self) -> None:
        """Lay out what a save that was cut short had promised. Raises PromptError."""
        if (self._room / PENDING).exists():
            with self._alone():
                self._finish()

    def version(self, key: str) -> dict[str, str]:
        """The files of that version. Raises PromptError if they are not kept, or not those words any more."""
        try:
            files = {str(k): str(v) for k, v in json.loads(self._kept(key).read_text(encoding="utf-8")).items()}
        except (OSError, ValueError, AttributeError) as error:
            raise PromptError(f"Version {key} of {self._brand.key}'s prompts is not kept in {self._room}.") from error
        if version_of(files) != key:
            raise PromptError(f"{self._kept(key)} is damaged: its words are not those of version {key}. Delete it.")
        return files

    def save(self, files: Files, onto: str, note: str = "") -> str:
        """Make `files` the brand's prompts; returns their version. `onto` is the version they were written from.

        Raises PromptError: a fault in a file, somebody else's save in between, or a disk that refuses.
        """
        check(files, self._brand.key)
        with self._alone():
            self._finish()
            old = read_files(self._folder)
            if version_of(old) != onto:
                raise PromptError(
                    "These prompts were changed by somebody else while you wrote. Your text is still here: copy it, "
                    "discard your changes to see theirs, and put yours in again."
                )
            version = version_of(files)
            if version != onto:
                self._keep(old)
                self._keep(files)
                self._lay_out(files, version)
                changed = sorted(name for name in {*old, *files} if old.get(name) != files.get(name))
                line = {"version": version, "before": onto, "at": now(), "changed": changed, "note": note}
                append(self._room / "log.jsonl", [line])
        return version

    @property
    def _folder(self) -> Path:
        return self._own if (self._own / "voice.md").exists() else self._brand.prompts

    def _kept(self, version: str) -> Path:
        return self._room / f"{version}.json"

    def _keep(self, files: Files) -> None:
        path = self._kept(version_of(files))
        if not path.exists():
            write_whole(path, json.dumps(dict(files), ensure_ascii=False))

    def _lay_out(self, files: Files, version: str) -> None:
        """File by file, each whole; what is pending is written down first, so that a crash cannot leave a mixture."""
        write_whole(self._room / PENDING, version)
        if not (self._own / "voice.md").exists():
            self._first(files)
        for name, text in files.items():
            if _text(self._own / name) != text:
                (self._own / name).parent.mkdir(exist_ok=True)
                write_whole(self._own / name, text)
        for name in read_files(self._own):
            if name not in files:
                (self._own / name).unlink()
        (self._room / PENDING).unlink()

    def _first(self, files: Files) -> None:
        """The user's own folder comes into being whole: half of one would hide the shipped prompts."""
        with whole_folder(self._own) as beside:
            lay_out(files, beside)
            if self._own.exists():
                shutil.rmtree(self._own)  # without a voice.md it is no brand's

    def _finish(self) -> None:
        if version := _text(self._room / PENDING):
            self._lay_out(self.version(version), version)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with _disk_named(self._room):
            self._room.mkdir(parents=True, exist_ok=True)
            try:
                with FileLock(self._room / ".lock", timeout=LOCK_WAIT):
                    yield
            except Timeout as error:
                raise PromptError("Somebody else is saving these prompts just now. Save again in a moment.") from error


def check(files: Files, brand: str) -> Guide:
    """Read `files` as if they were saved. Raises PromptError or SuiteError by file and line."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "prompts" / brand
        lay_out(files, folder)
        guide = read_guide(folder)
        keys = [one.key for one in guide.situations]
        for name in ("rules.toml", "situations.toml"):
            if name in files:
                read_rules(folder / name, keys)
        read_moves(folder / "situations")
    return guide


def lay_out(files: Files, folder: Path) -> None:
    """Write `files` below `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


@contextmanager
def _disk_named(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = "The disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        raise PromptError(f"The prompts could not be saved in {place}: {why}. Mend that and save again.") from error
