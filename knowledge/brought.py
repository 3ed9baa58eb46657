"""Vectors that a brand's folder brings along: its first index then takes seconds instead of minutes.

One byte a number and one scale a vector (symmetric quantization): a cosine moves by .0003, by .003 at most. What the
file does not hold, because a line was changed, is embedded as ever; a file of another embedder, or a damaged one,
counts as none.
Run: python -m knowledge.brought FOLDER MODELS, with a brand's folder of articles and TRIPTYCH_HOME's models/, to write
it anew after a change; what was not changed is taken over."""

import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.embed import Vectors

FILE = "vectors.npz"
MOST = 127  # of a signed byte


def brought(articles: Path, fingerprint: str) -> tuple[list[bytes], Vectors]:
    """The keys (see knowledge.kept) and vectors (n, d) that `articles` brings for that embedder."""
    try:
        with (articles / FILE).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if str(file["of"]) != fingerprint:
                return [], np.zeros((0, 0), np.float32)
            keys, rows, scales = file["keys"], file["rows"], file["scales"]
            found = rows.astype(np.float32) * scales[:, None]
            return [key.tobytes() for key in keys], found / np.linalg.norm(found, axis=1, keepdims=True)
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile):
        return [], np.zeros((0, 0), np.float32)


def write(articles: Path, fingerprint: str, keys: Sequence[bytes], vectors: Vectors) -> None:
    """Write the file anew: `vectors` (n, d), each of length 1, by their keys."""
    scales = np.abs(vectors).max(axis=1).astype(np.float32) / MOST
    rows = np.rint(vectors / scales[:, None]).astype(np.int8)
    flat = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1)
    beside = articles / f".{FILE}"
    with beside.open("wb") as file:
        np.savez(file, of=np.array(fingerprint), keys=flat, rows=rows, scales=scales)
    beside.replace(articles / FILE)


def main(articles: Path, models: Path) -> None:
    """Write the file of the brand whose articles are in `articles`."""
    from knowledge.embed import MPNet
    from knowledge.ingest import build_index
    from knowledge.kept import Kept

    embedder = MPNet(models)
    with tempfile.TemporaryDirectory() as root:
        report = build_index(articles, articles.name, Path(root), embedder, lambda done, total: print(done, total))
        keys, vectors = Kept(Path(root) / articles.name, embedder.fingerprint).everything()
    order = sorted(range(len(keys)), key=lambda place: keys[place])
    write(articles, embedder.fingerprint, [keys[place] for place in order], vectors[order])
    print(f"{len(keys)} vectors of {report.passages} passages, their lines and questions in {articles / FILE}")


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]), Path(sys.argv[2]))
