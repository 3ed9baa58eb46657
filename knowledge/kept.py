"""Every vector that a brand's texts cost, by its text: what was embedded once is not embedded again, killed or not.

Two files grow side by side, vectors first: of a batch that a kill cut short, what has no key does not count. A third
file names them and is swapped in one rename. Knows nothing about passages or Chroma."""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from knowledge.disk import write_whole
from knowledge.embed import Vectors

POINTER = "vectors.json"  # "of" whom (the embedder's fingerprint), "width" of a vector, "stem" of the files' names
KEY = 16  # bytes of a text's hash
SPARE = 1000  # rows out of use that are not worth the copying
BATCH = 1000  # rows copied at once


class Kept:
    """The vectors kept in `place`. One writer at a time; another embedder begins anew."""

    def __init__(self, place: Path, fingerprint: str):
        self._place, self._fingerprint = place, fingerprint
        about = _read(place / POINTER)
        same = about.get("of") == fingerprint
        self._stem, self._width = (str(about["stem"]), int(str(about["width"]))) if same else ("", 0)
        self._rows: dict[bytes, int] = {}
        if same:
            self._open()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, text: str) -> bool:
        return key_of(text) in self._rows

    def add(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Keep `vectors` (n, d), one for each of `texts`, none of them kept yet. They are on the disk afterwards."""
        self.take([key_of(text) for text in texts], vectors)

    def take(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Keep `vectors` (n, d) too, by keys of another Kept; those that are here already stay as they are."""
        fresh = [place for place, key in enumerate(keys) if key not in self._rows]
        if fresh:
            anew = not self._stem
            self._append([keys[place] for place in fresh], vectors[fresh])
            if anew:
                self._point()

    def of(self, texts: Sequence[str]) -> Vectors:
        """(n, d): the vectors of `texts`, which must all be kept."""
        return self._of([key_of(text) for text in texts])

    def everything(self) -> tuple[list[bytes], Vectors]:
        """All keys, and their vectors (n, d)."""
        return list(self._rows), self._of(list(self._rows))

    def drop_all_but(self, texts: Iterable[str], most: int) -> None:
        """Only `texts`, at most so many, are in use. Nothing happens where little room would be won."""
        if len(self) <= 2 * most + SPARE:
            return
        used = [key for key in dict.fromkeys(map(key_of, texts)) if key in self._rows]
        fresh = Kept(self._place, "")
        fresh._fingerprint = self._fingerprint
        for start in range(0, len(used), BATCH):
            fresh._append(used[start : start + BATCH], self._of(used[start : start + BATCH]))
        fresh._point()
        self._stem, self._rows = fresh._stem, fresh._rows

    def _open(self) -> None:
        """Read the keys of whole rows, and cut off what a kill left."""
        keys, row = self._file("keys").read_bytes(), 4 * self._width
        whole = min(len(keys) // KEY, self._file("rows").stat().st_size // row)
        self._rows = {keys[n * KEY : (n + 1) * KEY]: n for n in range(whole)}
        os.truncate(self._file("keys"), whole * KEY)
        os.truncate(self._file("rows"), whole * row)

    def _append(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        if not self._stem:
            self._stem, self._width = f"vectors-{secrets.token_hex(3)}", vectors.shape[1]
        _append(self._file("rows"), np.ascontiguousarray(vectors, np.float32).tobytes())
        _append(self._file("keys"), b"".join(keys))
        self._rows.update(zip(keys, range(len(self._rows), len(self._rows) + len(keys)), strict=True))

    def _of(self, keys: Sequence[bytes]) -> Vectors:
        if not keys:
            return np.zeros((0, self._width), np.float32)
        rows = np.memmap(self._file("rows"), np.float32, "r", shape=(len(self._rows), self._width))
        return np.array(rows[[self._rows[key] for key in keys]])

    def _point(self) -> None:
        about = {"of": self._fingerprint, "width": self._width, "stem": self._stem}
        write_whole(self._place / POINTER, json.dumps(about))
        for path in self._place.glob("vectors-*"):
            if path.stem != self._stem:
                path.unlink()

    def _file(self, kind: str) -> Path:
        return self._place / f"{self._stem}.{kind}"


def key_of(text: str) -> bytes:
    """What a text's vector is kept under."""
    return hashlib.blake2b(text.encode(), digest_size=KEY).digest()


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> dict[str, object]:
    """{} where there is none, a damaged one, or one whose files are gone."""
    try:
        about = dict(json.loads(path.read_text(encoding="utf-8")))
        whole = all((path.parent / f"{about['stem']}.{kind}").is_file() for kind in ("rows", "keys"))
        return about if whole and int(about["width"]) > 0 else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
