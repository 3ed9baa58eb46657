"""A brand is a name: three folders that bear it, shipped with the program or in the user's home."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import BrandError
from knowledge.disk import disk_named, whole_folder

HERE = Path(__file__).resolve().parent.parent  # the folder that holds chatbot/, adapters/, knowledge/
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Brand:
    """Where a brand's prompts, articles and examples are. Which adapter is in use: chatbot/lineage.py."""

    key: str
    prompts: Path
    examples: Path  # examples.jsonl, which may not be there yet
    articles: Path


def find_brand(key: str, home: Path) -> Brand:
    """The brand's folders: the user's own before the shipped ones. Raises BrandError."""
    if not NAME.fullmatch(key):
        raise BrandError(f"{key!r} is not a brand's name: small letters, digits, '-' and '_', at most 63.")
    prompts = _first(home / "prompts" / key, HERE / "chatbot" / "prompts" / key, holds="voice.md")
    articles = _first(home / "knowledge" / key, HERE / "knowledge" / key)
    if prompts is None or articles is None:
        lacks = "prompts" if prompts is None else "articles"
        raise BrandError(
            f"There is no brand {key!r}: its {lacks} are missing. Known: {', '.join(brands(home)) or 'none'}."
        )
    own, shipped = home / "adapters" / key, HERE / "adapters" / key
    examples = _first(own, shipped, holds="examples.jsonl") or own
    return Brand(key, prompts, examples / "examples.jsonl", articles)


def brands(home: Path) -> tuple[str, ...]:
    """Names of all brands that have prompts, sorted."""
    rooms = (home / "prompts", HERE / "chatbot" / "prompts")
    return tuple(sorted({p.parent.name for room in rooms if room.is_dir() for p in room.glob("*/voice.md")}))


def own_articles(brand: Brand, home: Path) -> tuple[Path, bool]:
    """The user's own folder of its articles, and whether they were copied there just now: shipped files stay as they
    are. Raises KnowledgeError where the disk will not have them."""
    own = home / "knowledge" / brand.key
    if own.is_dir():
        return own, False
    with disk_named(home), whole_folder(own) as beside:
        for path in sorted(brand.articles.iterdir()):
            if path.suffix in (".md", ".jsonl"):
                shutil.copyfile(path, beside / path.name)
    return own, True


def _first(*folders: Path, holds: str = "") -> Path | None:
    return next((folder for folder in folders if (folder / holds).exists()), None)
