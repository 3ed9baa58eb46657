"""How customers ask for a line of an article: asked.jsonl beside the articles, for words the articles do not use.

One JSON line per line of an article: {"article": "returns.md", "line": "<as in the article>", "asked": ["...", ...]}.
The search compares a question with these as well. A brand without the file is searched by its articles alone."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.chunk import Passage, Place
from knowledge.errors import ArticleError

FILE = "asked.jsonl"
FORM = '{"article": "...", "line": "...", "asked": ["...", ...]}'


@dataclass(frozen=True)
class Asked:
    """One phrasing, and the line of a passage (by place in `Passage.lines`) that answers it."""

    passage: str  # Passage.id
    line: int
    text: str


def read_asked(folder: Path, passages: Iterable[Passage]) -> list[Asked]:
    """The phrasings of `folder`; [] when there are none. Raises ArticleError naming file, line and way out."""
    rows = rows_of(folder / FILE, FORM)
    named = {str(data.get("article")).removesuffix(".md") for _, data in rows}
    places = {
        (one.article, plain(line)): (one.id, n)
        for one in (passages if rows else ())
        if one.article in named
        for n, line in enumerate(one.lines)
    }
    return [made for place, data in rows for made in _row(data, place, places)]


class Documents(Mapping[Place, str]):
    """Every line with its heading path and, a line each, how customers ask for it: what is indexed for it
    (document expansion, Nogueira et al. 2019, arXiv:1904.08375, by hand). Made when asked for, so that they need no
    room."""

    def __init__(self, passages: Mapping[str, Passage], asked: Iterable[Asked]):
        self._passages = passages
        self._phrasings: dict[Place, list[str]] = {}
        for one in asked:
            self._phrasings.setdefault((one.passage, one.line), []).append(one.text)

    def __len__(self) -> int:
        return sum(len(one.lines) for one in self._passages.values())

    def __iter__(self) -> Iterator[Place]:
        return ((one.id, n) for one in self._passages.values() for n in range(len(one.lines)))

    def __getitem__(self, place: Place) -> str:
        passage = self._passages[place[0]]
        return "\n".join([passage.cite(passage.lines[place[1]]), *self._phrasings.get(place, [])])


def rows_of(path: Path, form: str) -> list[tuple[str, dict[str, Any]]]:
    """The JSON objects of a file, each with its place ("asked.jsonl, line 3"); [] when there is no file.

    `form` is what a line must read: ArticleError quotes it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise ArticleError(f"{path.name} is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise ArticleError(f"{path} could not be read ({error.strerror}).") from error
    places = [(f"{path.name}, line {n}", line) for n, line in enumerate(lines, 1) if line.strip()]
    return [(place, _object(place, line, form)) for place, line in places]


def _object(place: str, line: str, form: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError) as error:
        raise ArticleError(f"{place} must read {form}.") from error


def _row(data: dict[str, Any], place: str, places: dict[tuple[str, str], Place]) -> list[Asked]:
    try:
        article, line, asked = str(data["article"]), str(data["line"]), data["asked"]
    except KeyError as error:
        raise ArticleError(f"{place} must read {FORM}.") from error
    if not isinstance(asked, list) or not asked or not all(isinstance(one, str) and one.strip() for one in asked):
        raise ArticleError(f"{place}: `asked` must be a list of questions.")
    found = _found(article.removesuffix(".md"), plain(line), places)
    if found is None:
        raise ArticleError(f'{place}: {article} has no line "{line[:80]}". Copy one from it, or delete this.')
    return [Asked(*found, plain(one)) for one in asked]


def _found(article: str, line: str, places: dict[tuple[str, str], Place]) -> Place | None:
    """The line itself, or the one that it is a sentence of."""
    whole = places.get((article, line))
    return whole or next((at for (name, text), at in places.items() if name == article and line in text), None)


def plain(text: str) -> str:
    """One line, single spaces."""
    return " ".join(text.split())
