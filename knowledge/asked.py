"""How customers ask for a line of an article: asked.jsonl beside the articles, for words the articles do not use.

One JSON line per line of an article: {"article": "returns.md", "line": "<as in the article>", "asked": ["...", ...]}.
The search compares a question with these as well. A brand without the file is searched by its articles alone."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge.chunk import Passage
from knowledge.errors import ArticleError

FILE = "asked.jsonl"


@dataclass(frozen=True)
class Asked:
    """One phrasing, and the line of a passage (by place in `Passage.lines`) that answers it."""

    passage: str  # Passage.id
    line: int
    text: str


def read_asked(folder: Path, passages: Sequence[Passage]) -> list[Asked]:
    """The phrasings of `folder`; [] when there are none. Raises ArticleError naming file, line and way out."""
    path = folder / FILE
    try:
        rows = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise ArticleError(f"{path.name} is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise ArticleError(f"{path} could not be read ({error.strerror}).") from error
    places = {(one.article, _plain(line)): (one.id, n) for one in passages for n, line in enumerate(one.lines)}
    named = [(f"{path.name}, line {n}", row) for n, row in enumerate(rows, 1) if row.strip()]
    return [made for place, row in named for made in _row(row, place, places)]


def documents(passages: Sequence[Passage], asked: Sequence[Asked]) -> dict[tuple[str, int], str]:
    """Every line with its heading path and, a line each, how customers ask for it: what is indexed for it
    (document expansion, Nogueira et al. 2019, arXiv:1904.08375, by hand)."""
    phrasings: dict[tuple[str, int], list[str]] = {}
    for one in asked:
        phrasings.setdefault((one.passage, one.line), []).append(one.text)
    return {
        (one.id, n): "\n".join([one.cite(line), *phrasings.get((one.id, n), [])])
        for one in passages
        for n, line in enumerate(one.lines)
    }


def _row(row: str, place: str, places: dict[tuple[str, str], tuple[str, int]]) -> list[Asked]:
    try:
        data = json.loads(row)
        article, line, asked = str(data["article"]), str(data["line"]), data["asked"]
    except (ValueError, KeyError, TypeError) as error:
        raise ArticleError(f'{place} must read {{"article": "...", "line": "...", "asked": ["...", ...]}}.') from error
    if not isinstance(asked, list) or not asked or not all(isinstance(one, str) and one.strip() for one in asked):
        raise ArticleError(f"{place}: `asked` must be a list of questions.")
    found = _found(article.removesuffix(".md"), _plain(line), places)
    if found is None:
        raise ArticleError(f'{place}: {article} has no line "{line[:80]}". Copy one from it, or delete this.')
    return [Asked(*found, _plain(one)) for one in asked]


def _found(article: str, line: str, places: dict[tuple[str, str], tuple[str, int]]) -> tuple[str, int] | None:
    """The line itself, or the one that it is a sentence of."""
    whole = places.get((article, line))
    return whole or next((at for (name, text), at in places.items() if name == article and line in text), None)


def _plain(text: str) -> str:
    return " ".join(text.split())
