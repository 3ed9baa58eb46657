"""Look at every package, model, file and folder the program needs; say ok, or the way out."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from adapters.base import base_faults, load_base
from chatbot.bot import find_index, models_root, open_embedder, stale_index
from chatbot.brand import HERE, Brand, find_brand
from chatbot.errors import SHOWN
from chatbot.guide import read_guide
from chatbot.lineage import chosen
from chatbot.settings import Settings

ROOM_MB = 1000  # free space below which set-up or saving may fail


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `way_out` is empty when it is ok."""

    what: str
    ok: bool
    detail: str
    way_out: str = ""

    def document(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def examine(settings: Settings) -> list[Finding]:
    """Everything, in the order in which faults cause each other."""
    found = [_python(), *_packages(), _home(settings.home), _room(settings.home)]
    found += [_asked("feedback store", lambda: _feedback(settings))]
    found += [_base(settings), _asked("embedding model all-MiniLM-L6-v2", _small_embedder)]
    found.append(_asked("embedding model all-mpnet-base-v2", lambda: _embedder(settings)))
    if settings.reranker:
        found.append(_asked("reranker", lambda: _reranker(settings.reranker)))
    try:
        brand = find_brand(settings.brand, settings.home)
    except SHOWN as error:
        return [*found, Finding(f"brand {settings.brand}", False, "not found", str(error))]
    return [*found, *_brand(brand, settings)]


def _brand(brand: Brand, settings: Settings) -> Iterator[Finding]:
    yield _asked(f"prompts of {brand.key}", lambda: _prompts(brand))
    yield _asked(f"articles of {brand.key}", lambda: _articles(brand))
    yield _asked(f"index of {brand.key}", lambda: _index(brand, settings))
    yield _asked(f"examples of {brand.key}", lambda: _examples(brand))
    yield _asked(f"adapter of {brand.key}", lambda: _adapter(brand, settings))


def _asked(what: str, look: Callable[[], str]) -> Finding:
    """`look` gives the detail, or raises the sentence with the way out."""
    try:
        return Finding(what, True, look())
    except SHOWN as error:
        return Finding(what, False, "not usable", str(error))


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, sys.version.split()[0], "" if ok else "Install Python 3.11 or newer.")


def _packages() -> Iterator[Finding]:
    pins = _pins()
    for name in _needed():
        wanted = pins.get(_plain(name), "")
        try:
            there = version(name)
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", "Run `make demo`; it installs what is missing.")
            continue
        ok = not wanted or there.split("+")[0] == wanted
        yield Finding(name, ok, there, "" if ok else f"{wanted} is what was tested. Run `rm -r .venv` and `make demo`.")


def _pins() -> dict[str, str]:
    path = HERE / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {_plain(name): pin for name, _, pin in (line.partition("==") for line in lines) if pin}


def _needed() -> list[str]:
    """This package and every one that it says it needs, none of those for developers."""
    try:
        said = requires("triptych") or []
    except PackageNotFoundError:  # run from its folder without having been installed: `_packages` says so
        said = []
    return ["triptych", *(re.split(r"[^\w.-]", one)[0] for one in said if "extra ==" not in one)]


def _plain(name: str) -> str:
    """As the Python Packaging User Guide compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _home(home: Path) -> Finding:
    what = "home folder"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home):
            pass
    except OSError as error:
        way_out = f"Make {home} writable, or set TRIPTYCH_HOME to a folder that is."
        return Finding(what, False, f"{home} ({error.strerror})", way_out)
    return Finding(what, True, str(home))


def _room(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free // 1_000_000
    ok = free >= ROOM_MB
    return Finding("free disk", ok, f"{free} MB", "" if ok else f"Free about 1 GB on the disk of {there}.")


def _feedback(settings: Settings) -> str:
    from chatbot.feedback.database import open_database

    database = open_database(settings)
    database.close()
    return f"up to date in {database.place}"


def _base(settings: Settings) -> Finding:
    what = f"base model {settings.base}"
    faults = base_faults(settings.base, settings.home, deep=True)
    return Finding(what, not faults, "damaged or missing" if faults else "every byte right", " ".join(faults))


def _small_embedder() -> str:
    from knowledge.embed import check_model

    check_model()
    return "checksum right"


def _embedder(settings: Settings) -> str:
    from knowledge.mpnet import check

    check(models_root(settings.home))
    return "checksums right"


def _reranker(folder: str) -> str:
    from knowledge.rerank import CrossEncoder

    return f"{CrossEncoder(Path(folder)).name} loads"


def _prompts(brand: Brand) -> str:
    guide = read_guide(brand.prompts)
    return f"{len(guide.voice.rules)} rules, {len(guide.situations)} situations, version {guide.version}"


def _articles(brand: Brand) -> str:
    from knowledge.article import read_articles

    return f"{len(read_articles(brand.articles))} articles in {brand.articles}"


def _index(brand: Brand, settings: Settings) -> str:
    if why := stale_index(settings):
        return why
    searcher = find_index(settings, brand, open_embedder(settings))
    found = "answers" if searcher.search("How can I pay?", 1) else "answers, but finds nothing about paying"
    return f"{found}; {searcher.place}"


def _examples(brand: Brand) -> str:
    from adapters.examples import read_examples

    return f"{len(read_examples(brand.examples))} examples"


def _adapter(brand: Brand, settings: Settings) -> str:
    from adapters.attach import attach

    base = load_base(settings.base, settings.home, settings.dtype, settings.device)
    version = chosen(brand.key, settings.home, settings.adapter)
    _, card = attach(base, version.folder, brand.key)
    where = f"{os.cpu_count()} cores, {base.model.dtype}"
    return f"version {version.name}, trained {card.trained}, loads and changes the logits ({where})"
