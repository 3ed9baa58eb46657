"""Build a brand's index: only changed passages are embedded, and readers see the old one or the new.

Every build is a new folder, root/<brand>/<fingerprint>-<random>/, whole once its manifest is
there; the file `current` beside it names the one in use and is swapped in one rename."""

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from knowledge.answerable import VERSION as JUDGE_VERSION
from knowledge.answerable import Judge, learn
from knowledge.article import read_articles
from knowledge.asked import Asked, documents, read_asked
from knowledge.chunk import VERSION, Passage, passages_of
from knowledge.disk import disk_named, write_whole
from knowledge.embed import Embedder, Vectors
from knowledge.errors import KnowledgeError
from knowledge.nearline import Lines
from knowledge.store import Store
from knowledge.unanswered import Unanswered, read_unanswered

CURRENT = "current"
MANIFEST = "manifest.json"  # written last
LOCK_WAIT = 60.0  # seconds for another writer to finish
BATCH = 32  # texts embedded between two progress calls

Tell = Callable[[int, int], None]  # (done, total) passages, lines and questions embedded


@dataclass(frozen=True)
class Report:
    """What a build did. `embedded` + `reused` = `passages`."""

    passages: int
    embedded: int
    reused: int
    removed: int
    seconds: float
    path: Path


def build_index(
    articles: Path, brand: str, root: Path, embedder: Embedder, tell: Tell = lambda done, total: None
) -> Report:
    """Bring the brand's index up to its articles. Quick when nothing changed.

    Raises ArticleError, or KnowledgeError (disk full, folder not writable, another writer).
    """
    began = time.perf_counter()
    passages = [passage for article in read_articles(articles) for passage in passages_of(article)]
    asked = read_asked(articles, passages)
    questions = asked, read_unanswered(articles, {one.article for one in passages}, [one.text for one in asked])
    key = fingerprint(passages, embedder, *questions)
    place = root / brand
    with disk_named(place):
        place.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(place / ".lock", timeout=LOCK_WAIT):
                return _build(passages, *questions, key, place, brand, embedder, tell, began)
        except Timeout as error:
            raise KnowledgeError(
                f"Another program is building the index in {place}. Wait for it, then run this again."
            ) from error


def current_index(root: Path, brand: str) -> Path | None:
    """The folder of the whole index in use; None when there is none, a damaged one, or an older program's."""
    try:
        name = (root / brand / CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    folder = root / brand / name
    return folder if name and "/" not in name and _manifest(folder).get("version") == VERSION else None


def judge_of(folder: Path) -> Judge | None:
    """What was learnt of answered and unanswered questions; None where there were too few."""
    found = _manifest(folder).get("judge")
    return Judge.of(found) if isinstance(found, dict) else None


def fingerprint(
    passages: Sequence[Passage],
    embedder: Embedder,
    asked: Sequence[Asked] = (),
    unanswered: Sequence[Unanswered] = (),
) -> str:
    """16 hex digits over embedder, chunker, every passage and question: Chroma notices none of them by itself."""
    whole = hashlib.sha256(f"{embedder.fingerprint}\n{VERSION} {JUDGE_VERSION}\n".encode())
    for one in passages:
        whole.update(f"{one.id}\x00{one.cited}\x00{one.text}\x00{one.position}\n".encode())
    for question in (*asked, *unanswered):
        whole.update(f"{question}\n".encode())
    return whole.hexdigest()[:16]


def _build(
    passages: list[Passage],
    asked: list[Asked],
    unanswered: list[Unanswered],
    key: str,
    place: Path,
    brand: str,
    embedder: Embedder,
    tell: Tell,
    began: float,
) -> Report:
    old = current_index(place.parent, brand)
    if old is not None and _manifest(old).get("fingerprint") == key:
        return Report(len(passages), 0, len(passages), 0, time.perf_counter() - began, old)
    known, gone = _known(old, brand, embedder, passages)
    lines = documents(passages, asked)
    texts = (
        [one.cited for one in passages],
        list(lines.values()),
        [one.text for one in asked],
        [one.text for one in unanswered],
    )
    vectors = _vectors([text for some in texts for text in some], known, embedder, tell)
    of_passages, of_lines, of_asked, of_unanswered = np.split(vectors, np.cumsum([len(some) for some in texts])[:-1])
    fresh = sum(one.cited not in known for one in passages)
    near = None
    if asked and unanswered:
        all_lines = Lines(lines, of_lines, asked, of_asked)
        near = all_lines.left_out(), all_lines.signs(texts[3], of_unanswered)
    judge = learn(of_asked, of_unanswered, [(one.passage, one.line) for one in asked], near)
    folder = place / f"{key}-{secrets.token_hex(3)}"
    try:
        store = Store(folder, brand)
        store.add(passages, of_passages)
        store.add_lines(lines, of_lines)
        store.add_asked(asked, of_asked)
        store.add_unanswered(unanswered, of_unanswered)
        store.close()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    manifest = {
        "version": VERSION,
        "fingerprint": key,
        "embedder": embedder.fingerprint,
        "passages": len(passages),
        "judge": judge and judge.document(),
    }
    write_whole(folder / MANIFEST, json.dumps(manifest))
    write_whole(place / CURRENT, folder.name)
    _sweep(place, keep={folder, old})
    return Report(len(passages), fresh, len(passages) - fresh, gone, time.perf_counter() - began, folder)


def _known(
    old: Path | None, brand: str, embedder: Embedder, passages: Sequence[Passage]
) -> tuple[dict[str, Vectors], int]:
    """Vectors of the old index by the text they are of, and how many passages are gone from it."""
    if old is None or _manifest(old).get("embedder") != embedder.fingerprint:
        return {}, 0
    try:
        store = Store(old, brand)
        (before, vectors), lines = store.everything(), store.known()
    except KnowledgeError:
        return {}, 0  # damaged: embed everything again
    now = {one.id for one in passages}
    known = lines | {one.cited: vector for one, vector in zip(before, vectors, strict=True)}
    return known, sum(one.id not in now for one in before)


def _vectors(texts: Sequence[str], known: dict[str, Vectors], embedder: Embedder, tell: Tell) -> Vectors:
    """(n, d). A text of several lines lies in the middle of them."""
    parts = {text: text.split("\n") for text in texts if text not in known}
    fresh = [part for part in dict.fromkeys(part for some in parts.values() for part in some) if part not in known]
    known = dict(known)
    for start in range(0, len(fresh), BATCH):
        some = fresh[start : start + BATCH]
        known.update(zip(some, embedder.encode(some), strict=True))
        tell(start + len(some), len(fresh))
    for text, its in parts.items():
        middle = np.mean([known[part] for part in its], axis=0)
        known[text] = middle / max(float(np.linalg.norm(middle)), 1e-9)
    return np.stack([known[text] for text in texts])


def _manifest(folder: Path) -> dict[str, object]:
    try:
        return dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _sweep(place: Path, keep: set[Path | None]) -> None:
    """Remove older builds and what killed ones left; the one before stays, readers may have it open."""
    for folder in place.iterdir():
        if folder.is_dir() and folder not in keep:
            shutil.rmtree(folder, ignore_errors=True)
