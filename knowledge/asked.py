"""How customers ask for a line of an article: asked.jsonl beside the articles, for words the articles do not use.

One JSON line per line of an article: {"article": "returns.md", "line": "<as in the article>", "asked": ["...", ...]}
and, if there are any, "told": the same questions inside the stories that people tell around them. The search compares a
question with these as well; what is told with its meaning alone, for a story's words are about dogs, jobs and in-laws.
A brand without the file is searched by its articles alone."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.chunk import Passage, Place, sentences
from knowledge.errors import ArticleError

FILE = "asked.jsonl"
FORM = '{"article": "...", "line": "...", "asked": ["...", ...]}'


@dataclass(frozen=True)
class Asked:
    """One phrasing, and the line of a passage (by place in `Passage.lines`) that answers it."""

    passage: str  # Passage.id
    line: int
    text: str
    told: bool = False  # inside a story


def asking(message: str) -> str:
    """The sentences of `message` that ask, the last one if none does; all of it where that is one sentence."""
    said = sentences(message.strip())
    return " ".join([one for one in said if "?" in one] or said[-1:])


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
        self._phrasings: dict[Place, list[Asked]] = {}
        for one in asked:
            self._phrasings.setdefault((one.passage, one.line), []).append(one)

    def __len__(self) -> int:
        return sum(len(one.lines) for one in self._passages.values())

    def __iter__(self) -> Iterator[Place]:
        return ((one.id, n) for one in self._passages.values() for n in range(len(one.lines)))

    def __getitem__(self, place: Place) -> str:
        return "\n".join([self._cited(place), *(one.text for one in self._phrasings.get(place, ()) if not one.told)])

    def texts(self, place: Place) -> list[str]:
        """All that a line's vector stands in the middle of: the line itself, how it is asked for, and what is told."""
        return [self._cited(place), *(one.text for one in self._phrasings.get(place, ()))]

    def _cited(self, place: Place) -> str:
        passage = self._passages[place[0]]
        return passage.cite(passage.lines[place[1]])


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
        article, line, asked = str(data["article"]), str(data["line"]), _questions(data["asked"], place, "asked")
    except KeyError as error:
        raise ArticleError(f"{place} must read {FORM}.") from error
    told = _questions(data["told"], place, "told") if "told" in data else []
    found = _found(article.removesuffix(".md"), plain(line), places)
    if found is None:
        raise ArticleError(f'{place}: {article} has no line "{line[:80]}". Copy one from it, or delete this.')
    return [Asked(*found, one) for one in asked] + [Asked(*found, one, told=True) for one in told]


def _questions(found: Any, place: str, key: str) -> list[str]:
    if not isinstance(found, list) or not found or not all(isinstance(one, str) and one.strip() for one in found):
        raise ArticleError(f"{place}: `{key}` must be a list of questions.")
    return [plain(one) for one in found]


def _found(article: str, line: str, places: dict[tuple[str, str], Place]) -> Place | None:
    """The line itself, or the one that it is a sentence of."""
    whole = places.get((article, line))
    return whole or next((at for (name, text), at in places.items() if name == article and line in text), None)


def plain(text: str) -> str:
    """One line, single spaces."""
    return " ".join(text.split())
