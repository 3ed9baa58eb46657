"""An article: one markdown file, a title in its front matter, one section per `## Heading`."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import frontmatter
import yaml

from knowledge.errors import ArticleError

PATH = " › "  # between the headings that lead to a section


@dataclass(frozen=True)
class Section:
    """What stands under one heading; the text before the first heading has the heading ""."""

    heading: str  # with those above it: "Returns › Postage"
    text: str


@dataclass(frozen=True)
class Article:
    """One file. `name` is the file's name without .md, `digest` the sha256 of its text."""

    name: str
    title: str
    sections: tuple[Section, ...]
    digest: str
    source: str = ""  # the document it was imported from; "" for an article written by hand
    source_digest: str = ""  # sha256 of that document's bytes
    place: str = ""  # where that document lay: its folders and name, from what was imported on
    parts: int = 1  # how many articles that document became: a workbook is one for each sheet
    edited: bool = False  # imported, and changed by hand since


def read_article(path: Path) -> Article:
    """Read one markdown file. Raises ArticleError naming it and the way out."""
    try:
        text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ArticleError(f"The article {path.name} is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise ArticleError(f"The article {path} could not be read ({error.strerror}).") from error
    return parse_article(path.stem, text)


def parse_article(name: str, text: str) -> Article:
    """The article that the text of `name`.md holds. Raises ArticleError naming it and the way out."""
    try:
        post = frontmatter.loads(text)
    except yaml.YAMLError as error:
        raise ArticleError(f"The article {name}.md has front matter that is not valid YAML. Mend it.") from error
    title = str(post.metadata.get("title") or "").strip()
    if not title:
        raise ArticleError(f"The article {name}.md has no title. Begin it with '---', 'title: ...', '---'.")
    sections = _sections(post.content)
    if not sections:
        raise ArticleError(f"The article {name}.md has no text below its title. Write some or delete it.")
    return Article(name, title, sections, hashlib.sha256(text.encode()).hexdigest(), **_origin(post))


def body_digest(body: str) -> str:
    """What an import writes into an article's front matter, to know later whether a hand has changed its text."""
    return hashlib.sha256(body.strip().encode()).hexdigest()


def read_articles(folder: Path) -> list[Article]:
    """Every *.md of `folder`, by name. Raises ArticleError when there is none, or a bad one."""
    return [read_article(path) for path in article_files(folder)]


def article_files(folder: Path) -> list[Path]:
    """The *.md of `folder`, by name. Raises ArticleError when there is none."""
    paths = sorted(folder.glob("*.md"))
    if not paths:
        raise ArticleError(f"There are no articles (*.md) in {folder}.")
    return paths


def _origin(post: frontmatter.Post) -> dict[str, Any]:
    """What the front matter says of the document that the article was made of; nothing where a hand wrote it."""
    facts = {key: str(post.metadata.get(key) or "") for key in ("source", "digest", "place", "body")}
    parts = post.metadata.get("parts")
    return {
        "source": facts["source"],
        "source_digest": facts["digest"],
        "place": facts["place"] or facts["source"],
        "parts": parts if isinstance(parts, int) and not isinstance(parts, bool) and parts > 1 else 1,
        "edited": bool(facts["body"]) and facts["body"] != body_digest(post.content),
    }


def _sections(text: str) -> tuple[Section, ...]:
    """The text before the first heading, then one per heading of the levels 1 to 3; deeper ones stay in their text."""
    pieces = re.split(r"(?m)^(#{1,3})[ \t]+(.+?)[ \t]*$", text)
    above: dict[int, str] = {}  # level -> the heading that is open there
    found = [("", pieces[0])]
    for marks, heading, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        above = {level: name for level, name in above.items() if level < len(marks)} | {len(marks): heading.strip()}
        found.append((PATH.join(above.values()), body))
    return tuple(Section(heading, body.strip()) for heading, body in found if body.strip())
