"""A brand as one file: made from nothing, packed for somebody else, installed from such a zip.

The zip holds prompts/<brand>/, knowledge/<brand>/ and adapters/<brand>/examples.jsonl; weights are trained anew. A
brand is there once its prompts are, so they are put in place last."""

import io
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from chatbot.brand import NAME, Brand, brands
from chatbot.brandcheck import check_brand
from chatbot.errors import BrandError
from chatbot.guide import read_files
from chatbot.starter import starter_article, starter_files
from knowledge.archive import BAD_ZIP, MOST_BYTES, Budget, members
from knowledge.disk import disk_named

ROOMS = ("knowledge", "adapters", "prompts")  # in the order they are put in place
HELD = re.compile(r"(prompts|knowledge|adapters)/([^/]+)/(.+\.(?:md|toml|jsonl))")
Files = Mapping[str, bytes]  # path in the home, as "prompts/acme/voice.md" -> what it holds


def new_brand(key: str, home: Path, name: str, trade: str, contact: str, signoff: str) -> None:
    """Make the brand `key` to begin with: prompts and one article. Raises BrandError, or KnowledgeError (disk)."""
    if key in brands(home):
        raise BrandError(f"There is a brand {key!r} already. Choose another name.")
    facts = {"name": name, "trade": trade, "contact": contact, "signoff": signoff}
    files = {f"prompts/{key}/{path}": text.encode() for path, text in starter_files(facts).items()}
    files[f"knowledge/{key}/contact.md"] = starter_article(name, contact).encode()
    _put(key, files, home, replace=False)


def export_brand(brand: Brand) -> bytes:
    """The zip of a brand. Raises PromptError for a file that cannot be read."""
    files = {f"prompts/{brand.key}/{path}": text.encode() for path, text in read_files(brand.prompts).items()}
    for path in sorted(brand.articles.iterdir()):
        if path.suffix in (".md", ".jsonl"):
            files[f"knowledge/{brand.key}/{path.name}"] = path.read_bytes()
    if brand.examples.exists():
        files[f"adapters/{brand.key}/examples.jsonl"] = brand.examples.read_bytes()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in sorted(files.items()):
            made.writestr(zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return whole.getvalue()


def holds_brand(path: Path) -> bool:
    """Is it a zip with a prompts/<brand>/voice.md in it?"""
    with suppress(*BAD_ZIP):
        if path.suffix.lower() == ".zip" and path.is_file():
            with zipfile.ZipFile(path) as whole:
                return any(re.fullmatch(r"prompts/[^/]+/voice\.md", name) for name in whole.namelist())
    return False


def install_brand(path: Path, key: str, home: Path, replace: bool = False) -> None:
    """Put the brand in the zip at `path` into `home`, by the name `key`. Raises BrandError: nothing is changed then."""
    if key in brands(home) and not replace:
        raise BrandError(f"There is a brand {key!r} already. Name another, or install over it with --replace.")
    if path.stat().st_size > MOST_BYTES:
        raise BrandError(f"{path.name} has more than {MOST_BYTES // 2**20} MB, the most. Pack it without the rest.")
    _put(key, _unpacked(path, key), home, replace)


def _unpacked(path: Path, key: str) -> dict[str, bytes]:
    """The brand's files by their new place. Raises BrandError for a file that may not be read, or a second brand."""
    files, names = {}, set()
    for one in members(path.name, path.read_bytes(), Budget()):
        if one.fault:
            raise BrandError(f"The brand in {path.name} was not installed. {one.fault}")
        if held := HELD.fullmatch(one.name.removeprefix(f"{path.name}/")):
            names.add(held[2])
            files[f"{held[1]}/{key}/{held[3]}"] = one.data
    if len(names) > 1:
        raise BrandError(f"{path.name} holds several brands: {', '.join(sorted(names))}. Pack one to a zip.")
    return files


def _put(key: str, files: Files, home: Path, replace: bool) -> None:
    """Lay the files out beside, look them over, then put each room in its place. Raises BrandError for a fault."""
    if not NAME.fullmatch(key):
        raise BrandError(f"{key!r} is not a brand's name: small letters, digits, '-' and '_', at most 63.")
    with disk_named(home):
        home.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".brand-", dir=home))
        try:
            for name, data in files.items():
                path = beside / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            _check(key, beside)
            for room in ROOMS:
                _move(beside / room / key, home / room / key, beside / "old" / room, replace)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _check(key: str, root: Path) -> None:
    prompts, adapter, articles = (root / room / key for room in ("prompts", "adapters", "knowledge"))
    found = check_brand(Brand(key, prompts, adapter / "examples.jsonl", articles))
    if found.faults:
        more = f" ({len(found.faults) - 1} more faults)" if len(found.faults) > 1 else ""
        raise BrandError(f"The brand {key!r} was not installed: {found.faults[0]}{more}")


def _move(new: Path, place: Path, old: Path, replace: bool) -> None:
    if not new.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        if not replace and any(place.iterdir()):
            raise BrandError(f"{place} is there already, without a brand's prompts. Move it away, or use --replace.")
        old.parent.mkdir(parents=True, exist_ok=True)
        place.rename(old)
    new.rename(place)
