"""A prospect's own documents become a brand's articles: each file read, skipped because it is unchanged, or refused.

An article is written beside and renamed when whole; one writer at a time. What was written by hand stays."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from filelock import FileLock, Timeout

from knowledge.archive import Budget, Found, walk
from knowledge.article import Article, body_digest, parse_article, read_article
from knowledge.chunk import slug
from knowledge.disk import disk_named, write_whole
from knowledge.documents import Draft, read_document
from knowledge.errors import ArticleError, DocumentError, KnowledgeError
from knowledge.pages import is_list, is_url, pages

READ, SKIPPED, REFUSED, GONE = "read", "skipped", "refused", "gone"
LOCK_WAIT = 120.0  # seconds for another import to finish
LONGEST = 80  # letters in an article's name
Source = str | Path | Found  # an address or a path, a path, or bytes that somebody sent


@dataclass(frozen=True)
class Outcome:
    """How one document ended. `article` is the file that holds it; `why` a sentence for what was not read."""

    file: str
    state: str  # READ, SKIPPED, REFUSED; GONE for an article whose document is no longer in its folder
    article: str = ""
    sections: int = 0
    why: str = ""

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


Tell = Callable[[Outcome], object]


def import_documents(
    sources: Sequence[Source], folder: Path, tell: Tell = lambda outcome: None, replace: bool = False
) -> list[Outcome]:
    """Read every document of `sources` into an article of `folder`. `tell` hears of each as it ends.

    Raises KnowledgeError where the folder itself is the trouble (disk full, not writable, another import that lasts).
    """
    outcomes = []
    with disk_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / ".lock", timeout=LOCK_WAIT):
                _sweep(folder)
                shelf = _Shelf(folder, replace)
                for outcome in chain(shelf.take(_found(sources, shelf.roots)), shelf.gone()):
                    outcomes.append(outcome)
                    tell(outcome)
        except Timeout as error:
            raise KnowledgeError(
                f"Another import into {folder} is running. Wait for it, then run this again."
            ) from error
    return outcomes


def article_name(document: str) -> str:
    """ "Returns & Refunds.PDF" -> "returns-refunds": what an article's file is called without .md."""
    stem = unicodedata.normalize("NFC", PurePosixPath(document).stem)
    return slug(stem)[:LONGEST].strip("-") or "document"


def article_text(draft: Draft, place: str, digest: str, parts: int = 1) -> str:
    """The markdown file of an article, as knowledge.article reads it."""
    facts: dict[str, Any] = {"title": draft.title, "source": _source(place), "place": place, "digest": digest}
    facts |= {"parts": parts} if parts > 1 else {}
    facts["body"] = body_digest(draft.text)
    head = yaml.safe_dump(facts, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{head}---\n{draft.text}\n"


@dataclass
class _Shelf:
    """The articles that are there, and what this import has put among them."""

    folder: Path
    replace: bool
    there: dict[str, Article | None] = field(default_factory=dict)  # name -> what it says; None if it cannot be read
    taken: dict[str, str] = field(default_factory=dict)  # article's name -> document of this import
    seen: dict[str, str] = field(default_factory=dict)  # digest -> document of this import
    met: set[str] = field(default_factory=set)  # every document of this import, read or not
    roots: set[str] = field(default_factory=set)  # folders and zips that were imported whole

    def __post_init__(self) -> None:
        self.there = {path.stem: _readable(path) for path in self.folder.glob("*.md")}

    def take(self, found: Iterator[Found]) -> Iterator[Outcome]:
        """One outcome per document; one per sheet of a workbook; then one per article whose document is gone."""
        for one in found:
            self.met.add(one.name)
            if one.fault:
                yield Outcome(one.name, REFUSED, why=one.fault)
                continue
            try:
                yield from self._one(one, hashlib.sha256(one.data).hexdigest())
            except DocumentError as error:
                yield Outcome(one.name, REFUSED, why=str(error))

    def gone(self) -> Iterator[Outcome]:
        """Articles of documents that lay in a folder or zip of this import and do not lie there any more."""
        for name, article in sorted(self.there.items()):
            place = article.place if article else ""
            above = {str(one) for one in PurePosixPath(place).parents}
            # what lies in a zip or folder that was refused is not gone
            if article and above & self.roots and not (above | {place}) & self.met:
                why = f"{place} is not there any more; its article {name}.md stays. Delete it if it no longer holds."
                yield Outcome(place, GONE, f"{name}.md", len(article.sections), why)

    def _one(self, found: Found, digest: str) -> Iterator[Outcome]:
        if digest in self.seen:
            raise DocumentError(f"{found.name} is the same document as {self.seen[digest]}. Keep one of them.")
        self.seen[digest] = found.name
        its = {name: one for name, one in self.there.items() if one and one.source_digest == digest}
        if other := next((one for one in its.values() if one.source != _source(found.name)), None):
            raise DocumentError(
                f"{found.name} is the same document as {other.place}, which is there as {other.name}.md. "
                "Keep one of them."
            )
        if its and not self.replace and len(its) >= max(one.parts for one in its.values()):
            for name, article in its.items():
                yield self._kept(found.name, name, article)
            return
        drafts = list(read_document(found.name, found.data, found.kind))
        parts = sum(not draft.fault for draft in drafts)
        for draft in drafts:
            shown = f"{found.name}, sheet {draft.part}" if draft.part else found.name
            try:
                name = _draft_name(draft, found.name)
                if name in its and not self.replace:  # the import before this one was killed half-way
                    yield self._kept(shown, name, its[name])
                else:
                    yield self._written(draft, name, shown, article_text(draft, found.name, digest, parts), found.name)
            except DocumentError as error:
                yield Outcome(shown, REFUSED, why=str(error))

    def _kept(self, shown: str, name: str, article: Article) -> Outcome:
        self.taken[name] = shown
        return Outcome(shown, SKIPPED, f"{name}.md", len(article.sections), f"{name}.md is unchanged.")

    def _written(self, draft: Draft, name: str, shown: str, text: str, place: str) -> Outcome:
        if draft.fault:
            raise DocumentError(draft.fault)
        self._check_name(shown, place, name)
        try:
            article = parse_article(name, text)
        except ArticleError as error:
            raise DocumentError(f"{shown} has a heading but no text below it. Write some, or leave it out.") from error
        write_whole(self.folder / f"{name}.md", text)
        self.there[name], self.taken[name] = article, shown
        return Outcome(shown, READ, f"{name}.md", len(article.sections))

    def _check_name(self, shown: str, place: str, name: str) -> None:
        """Raises DocumentError where the article's name is another's, or a hand has written in it."""
        if name in self.taken:
            raise DocumentError(
                f"{shown} would be the article {name}.md, as {self.taken[name]} is. Rename one of them."
            )
        if name not in self.there or self.replace:
            return
        old = self.there[name]
        if old is None or not old.source:
            why = "which was written by hand"
        elif not _same_place(old.place, place):
            why = f"which comes from {old.place}"
        elif old.edited:
            why = "which was changed by hand since it was imported"
        else:
            return
        raise DocumentError(f"{shown} would overwrite {name}.md, {why}. Rename it, or import it with --replace.")


def _found(sources: Sequence[Source], roots: set[str]) -> Iterator[Found]:
    """Every document of the sources; `roots` gets the folders and zips, for a single file says nothing of others."""
    budget = Budget()
    for source in sources:
        roots.update(_root(source))
        if isinstance(source, str) and is_url(source):
            yield from pages([source], budget)
        elif isinstance(source, Found):
            yield from walk(source, budget)
        elif (addresses := is_list(Path(source))) is not None:
            yield from pages(addresses, budget)
        else:
            yield from walk(Path(source).expanduser(), budget)


def _root(source: Source) -> list[str]:
    if isinstance(source, Found):
        return [source.name] if source.ending == ".zip" else []
    path = Path(source).expanduser()
    return [path.name or "folder"] if not is_url(str(source)) and (path.is_dir() or path.suffix == ".zip") else []


def _same_place(one: str, other: str) -> bool:
    """Two names of one document? A file that is handed over by itself has no folders to tell it from others."""
    bare = "/" not in one or "/" not in other
    return one == other or (bare and not is_url(one) and _source(one) == _source(other))


def _draft_name(draft: Draft, place: str) -> str:
    plain = PurePosixPath(_plain_name(place))
    return article_name(f"{plain.stem} {draft.part}.x" if draft.part else plain.name)


def _source(name: str) -> str:
    """What an article says it comes from: the address of a page, else the file's name without its folders."""
    return name if is_url(name) else PurePosixPath(name).name


def _plain_name(name: str) -> str:
    """A file's name; of a page's address what tells it from others: "help-returns.html"."""
    if not is_url(name):
        return PurePosixPath(name).name
    host, _, rest = re.sub(r"^https?://", "", name).partition("/")
    path = re.sub(r"\.\w{2,5}$", "", rest.split("#")[0].rstrip("/"))
    return f"{path.replace('/', '-') or host.replace('.', '-')}.html"


def _readable(path: Path) -> Article | None:
    try:
        return read_article(path)
    except ArticleError:
        return None


def _sweep(folder: Path) -> None:
    """Remove what a killed import left half written."""
    for path in folder.glob(".*.md-*"):
        path.unlink(missing_ok=True)
