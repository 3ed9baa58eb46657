"""Everything that is wrong with a brand's files, each fault by file and line: prompts, articles, examples."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.examples import check_line
from chatbot.brand import Brand
from chatbot.errors import SHOWN
from chatbot.quality.rules import read_moves, read_rules
from chatbot.situations import read_situation, read_situations
from chatbot.voice import Voice, read_voice
from knowledge.article import Article, read_article
from knowledge.asked import read_asked
from knowledge.chunk import passages_of
from knowledge.unanswered import read_unanswered


@dataclass(frozen=True)
class Checked:
    """What was looked at, and every fault as a sentence."""

    brand: str
    situations: int
    articles: int
    examples: int
    faults: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """For JSON."""
        counts = {"situations": self.situations, "articles": self.articles, "examples": self.examples}
        return {"brand": self.brand, "ok": not self.faults, **counts, "faults": list(self.faults)}


def check_brand(brand: Brand) -> Checked:
    """Read every file of `brand`; a fault in one does not hide those of the next."""
    faults: list[str] = []
    situations = list(_prompts(brand.prompts, faults))
    articles = [one for path in sorted(brand.articles.glob("*.md")) if (one := _tried(faults, read_article, path))]
    if not list(brand.articles.glob("*.md")):
        faults.append(f"There are no articles (*.md) in {brand.articles}. Import some: triptych brand import.")
    _lists(brand.articles, articles, faults)
    examples = list(_examples(brand.examples, situations, faults))
    return Checked(brand.key, len(situations), len(articles), len(examples), tuple(faults))


def _prompts(folder: Path, faults: list[str]) -> Iterator[str]:
    """The keys of the situations that are in order."""
    voice: Voice | None = _tried(faults, read_voice, folder / "voice.md")
    if voice is None:
        return  # its variables are missing: every other file would seem at fault
    before = len(faults)
    for path in sorted((folder / "situations").glob("*.md")):
        if one := _tried(faults, read_situation, path, voice):
            yield one.key
    if len(faults) == before:
        _tried(faults, read_situations, folder / "situations", voice)
        _tried(faults, read_moves, folder / "situations")
    for name in ("rules.toml", "situations.toml"):
        if (folder / name).exists():
            _tried(faults, read_rules, folder / name)


def _lists(folder: Path, articles: list[Article], faults: list[str]) -> None:
    passages = [passage for article in articles for passage in passages_of(article)]
    asked = _tried(faults, read_asked, folder, passages) or []
    _tried(faults, read_unanswered, folder, {one.name for one in articles}, [one.text for one in asked])


def _examples(path: Path, situations: list[str], faults: list[str]) -> Iterator[int]:
    """The numbers of the lines that are in order; a brand without the file is not trained yet, which is no fault."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n") if path.exists() else []
    except (OSError, UnicodeDecodeError):
        faults.append(f"{path} is not UTF-8 text that can be read. Save it as UTF-8.")
        return
    for number, line in enumerate(lines, 1):
        if line.strip() and _tried(faults, check_line, line, f"{path.name}, line {number}", situations or None):
            yield number


def _tried(faults: list[str], read: Callable[..., Any], *given: Any) -> Any:
    """What `read` gives; None where it raises, and the sentence goes to `faults`."""
    try:
        return read(*given)
    except SHOWN as error:
        faults.append(str(error))
        return None
