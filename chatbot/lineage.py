"""The versions of a brand's adapter: every training makes one, one of them is in use, and the one before comes back.

home/adapters/<brand>/versions/<number>/ each holds one, whole. "shipped" is the one that came with the program; "0" is
what a program without versions left in home/adapters/<brand>/ itself. `current.json` there says which is in use and
which were before it; without that file it is "0" if there is one, else "shipped". Knows cards; loads no weights."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from adapters.attach import gate
from adapters.card import CARD, Card, read_card
from adapters.errors import AdapterError
from chatbot.brand import HERE
from knowledge.disk import disk_named, write_whole

SHIPPED, FIRST = "shipped", "0"
POINTER, ROOM = "current.json", "versions"


@dataclass(frozen=True)
class Version:
    """One adapter of a brand. `folder` may be gone, or hold something damaged: `card` then raises."""

    brand: str
    name: str  # "shipped", or a number
    folder: Path

    @property
    def card(self) -> Card:
        """What it was made of. Raises AdapterError."""
        return read_card(self.folder)


@dataclass(frozen=True)
class _Pointer:
    current: str
    before: tuple[str, ...]  # in the order of their use


def versions(brand: str, home: Path) -> tuple[Version, ...]:
    """Every one that is there: shipped, then by number."""
    own = home / "adapters" / brand
    there = [Version(brand, SHIPPED, HERE / "adapters" / brand), Version(brand, FIRST, own)]
    numbered = sorted((int(path.name), path) for path in (own / ROOM).glob("[1-9]*") if path.name.isdecimal())
    there += [Version(brand, str(number), path) for number, path in numbered]
    return tuple(one for one in there if (one.folder / CARD).exists())


def named(brand: str, home: Path, name: str) -> Version:
    """The version of that name. Raises AdapterError."""
    found = {one.name: one for one in versions(brand, home)}
    if name not in found:
        known = ", ".join(found) or "none yet"
        raise AdapterError(f"Brand {brand!r} has no version {name!r} of its adapter. Known: {known}.")
    return found[name]


def chosen(brand: str, home: Path, wanted: str = "") -> Version:
    """The version `wanted`, or the one in use. Raises AdapterError: none trained, or the one in use is gone."""
    if wanted:
        return named(brand, home, wanted)
    pointer = _read(brand, home)
    if pointer is None:
        raise AdapterError(f"Brand {brand!r} has no adapter yet. Train one: triptych train {brand}")
    try:
        return named(brand, home, pointer.current)
    except AdapterError as error:
        raise AdapterError(
            f"Version {pointer.current} of {brand}'s adapter is the one in use, but it is gone from "
            f"{_place(brand, home, pointer.current)}. {_way_out(brand)}"
        ) from error


def use(brand: str, home: Path, name: str) -> Version:
    """Take a version into use from the next start on. Raises AdapterError: not there, or refused by the gate."""
    version = _fit(brand, home, name)
    try:
        pointer = _read(brand, home)
    except AdapterError:  # damaged: this is the way out
        pointer = None
    if pointer is None:
        _write(brand, home, _Pointer(name, ()))
    elif pointer.current != name or not _pointer(brand, home).exists():
        before = (*pointer.before, pointer.current) if pointer.current != name else pointer.before
        _write(brand, home, _Pointer(name, before))
    return version


def back(brand: str, home: Path) -> Version:
    """Take the version into use that was before the one in use. Raises AdapterError where there was none."""
    pointer = _read(brand, home)
    if pointer is None or not pointer.before:
        raise AdapterError(f"No version of {brand}'s adapter was in use before this one. {_way_out(brand)}")
    *before, name = pointer.before
    version = _fit(brand, home, name)
    _write(brand, home, _Pointer(name, tuple(before)))
    return version


def _fit(brand: str, home: Path, name: str) -> Version:
    """The version, once the gate has let it pass."""
    version = named(brand, home, name)
    gate(version.folder, version.card.base, brand)
    return version


def remove(brand: str, home: Path, name: str) -> None:
    """Delete a version for good. Raises AdapterError for the one in use, the shipped one and "0"."""
    version = named(brand, home, name)
    if name in (SHIPPED, FIRST):
        raise AdapterError(f"Version {name} of {brand}'s adapter is none of the numbered ones, and stays.")
    pointer = _read(brand, home)
    if pointer is not None and pointer.current == name:
        raise AdapterError(f"Version {name} of {brand}'s adapter is in use. {_way_out(brand)}")
    with disk_named(version.folder):
        away = version.folder.with_name(f".removed-{name}")
        shutil.rmtree(away, ignore_errors=True)
        os.rename(version.folder, away)  # at once: half a version is none
        shutil.rmtree(away)
    if pointer is not None and name in pointer.before:
        _write(brand, home, _Pointer(pointer.current, tuple(one for one in pointer.before if one != name)))


@contextmanager
def new_version(brand: str, home: Path) -> Iterator[Version]:
    """A place for the next version, for as long as it is being trained; a failure leaves none behind.

    Raises AdapterError while another one is being trained.
    """
    room = home / "adapters" / brand / ROOM
    with disk_named(room):
        room.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(room / ".lock", timeout=0):
            for litter in (*room.glob(".making-*"), *room.glob(".removed-*")):  # of a program that was killed
                shutil.rmtree(litter, ignore_errors=True)
            numbers = [int(path.name) for path in room.glob("[1-9]*") if path.name.isdecimal()]
            number = str(max(numbers, default=0) + 1)
            version = Version(brand, number, room / number)
            try:
                yield version
            except BaseException:
                shutil.rmtree(version.folder, ignore_errors=True)  # trained, but refused by its own gate
                raise
    except Timeout as error:
        raise AdapterError(
            f"Another training of {brand!r} is running. Wait until it is done, or give this one a folder: --out DIR."
        ) from error


def document(brand: str, home: Path) -> dict[str, Any]:
    """For JSON: every version with what it was made of, and what is amiss with it."""
    found = versions(brand, home)
    current, fault = "", ""
    try:
        current = chosen(brand, home).name
    except AdapterError as error:
        fault = str(error)
    names: dict[str, str] = {}
    for one in found:
        with suppress(AdapterError):
            names.setdefault(one.card.weights, one.name)
    return {
        "brand": brand,
        "current": current,
        "fault": fault,
        "versions": [{**_facts(one, names), "current": one.name == current} for one in found],
    }


def _facts(version: Version, names: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {"version": version.name, "folder": str(version.folder), "fault": ""}
    try:
        card = version.card
    except AdapterError as error:
        return {**facts, "fault": str(error)}
    made = card.preferences
    parent = made.parent if made else card.parent
    return {
        **facts,
        "made": card.trained,
        "adapter": card.weights,
        "base": card.base.name,
        "examples": card.examples,
        "pairs": made.pairs if made else None,
        "parent": names.get(parent, parent[:12]) if parent else None,
        "held_out": made.held_out if made else None,
        "accuracy": made.accuracy if made else None,
        "eval_loss": card.eval_loss,
    }


def _pointer(brand: str, home: Path) -> Path:
    return home / "adapters" / brand / POINTER


def _place(brand: str, home: Path, name: str) -> Path:
    own = home / "adapters" / brand
    return {SHIPPED: HERE / "adapters" / brand, FIRST: own}.get(name, own / ROOM / name)


def _way_out(brand: str) -> str:
    return f"Choose one: triptych adapter use {brand} VERSION (triptych adapter list {brand} shows them)."


def _read(brand: str, home: Path) -> _Pointer | None:
    """What is in use: as chosen, or as it is before anything was; None where there is no adapter."""
    path = _pointer(brand, home)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return _Pointer(str(found["current"]), tuple(str(one) for one in found["before"]))
    except FileNotFoundError:
        there = {one.name for one in versions(brand, home)}
        name = next((one for one in (FIRST, SHIPPED) if one in there), None)
        return _Pointer(name, ()) if name else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterError(
            f"{path}, which says what version of {brand}'s adapter is in use, is damaged. {_way_out(brand)}"
        ) from error


def _write(brand: str, home: Path, pointer: _Pointer) -> None:
    path = _pointer(brand, home)
    with disk_named(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"current": pointer.current, "before": pointer.before}) + "\n")
