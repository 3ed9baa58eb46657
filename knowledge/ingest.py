"""Build a brand's index: only changed passages are embedded, and readers see the old one or the new.

Every build is a new folder, root/<brand>/<fingerprint>-<random>/, whole once its manifest is
there; the file `current` beside it names the one in use and is swapped in one rename. A folder without a
manifest is what a kill left: the next build of the same articles goes on with it. With a Chroma server the
vectors are there instead, under the folder's name."""

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from knowledge import asked, unanswered
from knowledge.answerable import VERSION as JUDGE_VERSION
from knowledge.answerable import Judge
from knowledge.article import article_files, read_article
from knowledge.asked import read_asked
from knowledge.brought import brought
from knowledge.chunk import VERSION
from knowledge.disk import disk_named, sha256_of, write_whole
from knowledge.embed import Embedder
from knowledge.errors import ArticleError, KnowledgeError, StoreDown
from knowledge.filling import Contents, Tell, fill, learnt
from knowledge.kept import Kept
from knowledge.passages import DAMAGED, SPOILT, Passages, write_passages, written
from knowledge.store import PARTS, PASSAGES, Store, forget
from knowledge.unanswered import read_unanswered
from knowledge.words import Words, write_words

CURRENT = "current"
MANIFEST = "manifest.json"  # written last
SERVER = "server"  # in the folder of an index whose vectors are on a Chroma server: its address
FORMAT = 3  # of an index's files; an older program's index is built anew
LOCK_WAIT = 60.0  # seconds for another writer to finish


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
    articles: Path,
    brand: str,
    root: Path,
    embedder: Embedder,
    tell: Tell = lambda done, total: None,
    server: str = "",
) -> Report:
    """Bring the brand's index up to its articles. Quick when nothing changed; a build that was killed goes on.

    `server` is the address of the Chroma server that is to hold the vectors, "" keeps them in `root`. Raises
    ArticleError, or KnowledgeError (disk full, folder not writable, another writer, StoreDown).
    """
    began = time.perf_counter()
    key, place = fingerprint(articles, embedder), root / brand
    with disk_named(place):
        place.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(place / ".lock", timeout=LOCK_WAIT):
                return _Build(articles, brand, place, embedder, tell, server, key, began).run()
        except Timeout as error:
            raise KnowledgeError(
                f"Another program is building the index in {place}. Wait for it, then run this again."
            ) from error


def pointed(place: Path) -> Path | None:
    """The folder that the file `current` names, whatever is in it."""
    try:
        name = (place / CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return place / name if name and "/" not in name else None


def current_index(root: Path, brand: str, server: str = "") -> Path | None:
    """The folder of the whole index in use; None when there is none, a damaged one, an older program's, or one whose
    vectors are elsewhere than on `server`."""
    folder = pointed(root / brand)
    return folder if folder is not None and _usable(_manifest(folder), server) else None


def outdated(root: Path, brand: str, server: str = "") -> bool:
    """Is there a whole index, and only of an older program or with its vectors elsewhere?"""
    folder = pointed(root / brand)
    manifest = _manifest(folder) if folder is not None else {}
    return bool(manifest) and not _usable(manifest, server)


def judge_of(folder: Path) -> Judge | None:
    """What was learnt of answered and unanswered questions; None where there were too few."""
    found = _manifest(folder).get("judge")
    return Judge.of(found) if isinstance(found, dict) else None


def fingerprint(articles: Path, embedder: Embedder) -> str:
    """16 hex digits over embedder, chunker and every file of `articles`: Chroma notices none of them by itself."""
    whole = hashlib.sha256(f"{embedder.fingerprint}\n{VERSION} {JUDGE_VERSION} {FORMAT}\n".encode())
    lists = [path for path in (articles / asked.FILE, articles / unanswered.FILE) if path.is_file()]
    for path in [*article_files(articles), *lists]:
        whole.update(f"{path.name}\x00{sha256_of(path)}\n".encode())
    return whole.hexdigest()[:16]


@dataclass(frozen=True)
class _Build:
    """One build, by the one writer there is."""

    articles: Path
    brand: str
    place: Path
    embedder: Embedder
    tell: Tell
    server: str
    key: str
    began: float

    def run(self) -> Report:
        old = current_index(self.place.parent, self.brand, self.server)
        if old is not None and _manifest(old).get("fingerprint") == self.key and (whole := self._whole(old)):
            return Report(whole, 0, whole, 0, time.perf_counter() - self.began, old)
        for half in self._halves():
            try:
                return self._made(half, old)
            except (ArticleError, StoreDown):
                raise
            except (KnowledgeError, *SPOILT):  # damaged by what killed it. What it cost is kept beside it
                shutil.rmtree(half, ignore_errors=True)
        return self._made(self.place / f"{self.key}-{secrets.token_hex(3)}", old)

    def _whole(self, folder: Path) -> int:
        """How many passages an index has; 0 for one that is damaged. Raises StoreDown."""
        try:
            passages, _ = Passages(folder), Words(folder)
            with closing(Store(folder, self.brand, self.server)) as store:
                return len(passages) if store.count(PASSAGES) == len(passages) else 0
        except StoreDown:
            raise
        except (KnowledgeError, *DAMAGED):
            return 0

    def _halves(self) -> list[Path]:
        """What killed builds of these articles left."""
        found = [folder for folder in self.place.glob(f"{self.key}-*") if not (folder / MANIFEST).exists()]
        return [folder for folder in found if _server_of(folder) == self.server]

    def _made(self, folder: Path, old: Path | None) -> Report:
        """Bring the index in `folder` to its end, and into use."""
        try:
            contents = self._read(folder)
            kept = self._kept()
            embedded = self._filled(folder, contents, kept)
            cited = (one.cited for one in contents.passages.values())
            write_words(folder, cited, contents.documents.values())
            judge = learnt(folder, contents, kept)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)  # a full disk needs the room
            raise
        self._use(folder, len(contents.passages), judge)
        gone = len(_names(old) - set(contents.passages)) if old is not None else 0
        _sweep(self.place, self.brand, keep={folder, old})
        texts = (text for part in PARTS for piece in contents.pieces(part) for text in piece.texts)
        kept.drop_all_but(texts, sum(contents.sizes.values()))
        whole = len(contents.passages)
        return Report(whole, embedded, whole - embedded, gone, time.perf_counter() - self.began, folder)

    def _read(self, folder: Path) -> Contents:
        folder.mkdir(exist_ok=True)
        if self.server:
            write_whole(folder / SERVER, self.server)
        files = article_files(self.articles)
        if not written(folder):
            write_passages(folder, map(read_article, files))
        passages = Passages(folder)
        phrasings = read_asked(self.articles, passages.values())
        lacking = read_unanswered(self.articles, {path.stem for path in files}, [one.text for one in phrasings])
        return Contents(passages, phrasings, lacking)

    def _kept(self) -> Kept:
        """The vectors that earlier builds paid for; an older program's are in its index."""
        kept, old = Kept(self.place, self.embedder.fingerprint), pointed(self.place)
        if not kept and old is not None and _manifest(old).get("embedder") == self.embedder.fingerprint:
            # damaged: embed everything again
            with suppress(KnowledgeError), closing(Store(old, self.brand, _server_of(old))) as store:
                passages, vectors = store.everything()
                known = {one.cited: vector for one, vector in zip(passages, vectors, strict=True)} | store.known()
                single = [text for text in known if "\n" not in text]
                kept.add(single, np.stack([known[text] for text in single]))
        kept.take(*brought(self.articles, self.embedder.fingerprint))
        return kept

    def _filled(self, folder: Path, contents: Contents, kept: Kept) -> int:
        with closing(Store(folder, self.brand, self.server, contents.sizes)) as store:
            return fill(store, contents, kept, self.embedder, self.tell)

    def _use(self, folder: Path, passages: int, judge: Judge | None) -> None:
        manifest = {
            "format": FORMAT,
            "version": VERSION,
            "fingerprint": self.key,
            "embedder": self.embedder.fingerprint,
            "server": self.server,
            "passages": passages,
            "judge": judge and judge.document(),
        }
        write_whole(folder / MANIFEST, json.dumps(manifest))
        write_whole(self.place / CURRENT, folder.name)


def _names(folder: Path) -> set[str]:
    """Ids of an index's passages; none where it is damaged."""
    try:
        return set(Passages(folder))
    except DAMAGED:
        return set()


def _usable(manifest: Mapping[str, object], server: str) -> bool:
    return (manifest.get("format"), manifest.get("version"), manifest.get("server")) == (FORMAT, VERSION, server)


def _server_of(folder: Path) -> str:
    """The server that the vectors of the index in `folder` are on; "" for none."""
    path = folder / SERVER
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _manifest(folder: Path) -> dict[str, object]:
    try:
        return dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _sweep(place: Path, brand: str, keep: set[Path | None]) -> None:
    """Remove older builds and what killed ones left; the one before stays, readers may have it open."""
    for folder in place.iterdir():
        if folder.is_dir() and folder not in keep:
            if server := _server_of(folder):
                with suppress(StoreDown):
                    forget(folder, brand, server)
            shutil.rmtree(folder, ignore_errors=True)
