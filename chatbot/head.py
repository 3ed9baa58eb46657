"""A linear head on sentence embeddings: learnt from messages whose situation is known, kept on disk.

Example utterances alone are few, and an embedding hears the topic better than the mood: "where is my
parcel" lies beside its furious twin. So the head also learns from the customers' messages of the brand's
training examples, and sees a few plain signs of mood (SIGNS). Multinomial logistic regression."""

import hashlib
import os
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

VERSION = "1"
SIGNS = 6  # numbers that `signs` gives
EMBEDDED = 4.0  # a unit vector's numbers are near 1/20: this lets them weigh beside the signs
STRENGTH = 0.3  # scikit-learn's C: smaller is smoother
LEAST = 3  # messages of a situation, below which no head is learnt

Numbers = NDArray[np.float32]
Said = Sequence[tuple[str, str]]  # (situation, message)


class Encoder(Protocol):
    """Anything that turns texts into rows of length 1."""

    def encode(self, texts: Sequence[str]) -> Numbers:
        """(n, d) float32, each row of length 1."""


@dataclass(frozen=True)
class Head:
    """A fitted regression: numbers alone, no library needed to use it."""

    keys: tuple[str, ...]  # situations
    weights: Numbers  # (len(keys), d + SIGNS)
    bias: Numbers  # (len(keys),)

    def chances(self, vector: Numbers, message: str) -> dict[str, float]:
        """How likely each situation is for `message`, whose embedding is `vector` (d,). They add up to 1."""
        logits = self.weights @ _row(vector, message) + self.bias
        shares = np.exp(logits - logits.max())
        return dict(zip(self.keys, (shares / shares.sum()).tolist(), strict=True))


def signs(message: str) -> list[float]:
    """Mood as it shows in writing: exclamation marks, words in capitals, share of capitals, question, length, dots."""
    letters = [sign for sign in message if sign.isalpha()]
    capitals = sum(sign.isupper() for sign in letters) / max(1, len(letters))
    shouted = float(bool(re.search(r"\b[A-Z]{3,}\b", message)))
    marks = float(min(message.count("!"), 3))
    return [marks, shouted, capitals, float("?" in message), len(message.split()) / 30, float("..." in message)]


def learn(said: Said, encoder: Encoder) -> Head:
    """The head that `said` teaches. Takes seconds, most of them for the embeddings."""
    from sklearn.linear_model import LogisticRegression

    vectors = encoder.encode([message for _, message in said])
    rows = np.stack([_row(vector, message) for vector, (_, message) in zip(vectors, said, strict=True)])
    model = LogisticRegression(C=STRENGTH, max_iter=2000, class_weight="balanced")
    model.fit(rows, [key for key, _ in said])
    return Head(tuple(map(str, model.classes_)), model.coef_.astype(np.float32), model.intercept_.astype(np.float32))


def kept(said: Said, encoder: Encoder, name: str, folder: Path) -> Head | None:
    """The head for `said`, from `folder` if it was learnt before; None where a situation has too few messages.

    `name` says which encoder it is. What cannot be read is learnt again, what cannot be written is not kept.
    """
    counts = Counter(key for key, _ in said)
    if len(counts) < 3 or min(counts.values()) < LEAST:
        return None
    digest = hashlib.sha256(f"{VERSION}\n{name}\n{list(said)!r}".encode()).hexdigest()[:16]
    path = folder / f"{digest}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return Head(tuple(map(str, found["keys"])), found["weights"], found["bias"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        head = learn(said, encoder)
    _keep(head, path)
    return head


def _keep(head: Head, path: Path) -> None:
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            np.savez(file, keys=np.array(head.keys), weights=head.weights, bias=head.bias)
        os.replace(beside, path)
        for other in path.parent.glob("*.npz"):
            if other != path:
                other.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _row(vector: Numbers, message: str) -> Numbers:
    return np.concatenate([vector * EMBEDDED, signs(message)]).astype(np.float32)
