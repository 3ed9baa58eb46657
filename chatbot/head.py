"""A linear head on sentence embeddings: learnt from messages whose situation is known, kept on disk.

Example utterances alone are few, and an embedding hears the topic better than the mood: "where is my
parcel" lies beside its furious twin. So the head also learns from the customers' messages of the brand's
training examples, and sees the words themselves (hashed: no vocabulary to keep) and a few plain signs of mood
and language (SIGNS). Multinomial logistic regression."""

import hashlib
import os
import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

VERSION = "4"
SIGNS = 8  # numbers that `signs` gives
EMBEDDED = 4.0  # a unit vector's numbers are near 1/20: this lets them weigh beside the signs
WORDED = 3.0  # how much the hashed words weigh beside them
BUCKETS = 2**13  # for words, and again for pieces of words
STRENGTH = 0.3  # scikit-learn's C: smaller is smoother
FOLDS = 3  # parts that take turns at being unseen, to calibrate on
LEAST = 3  # messages of a situation, below which no head is learnt
TOLD = 4.0  # a share of words is small: this lets it weigh

Numbers = NDArray[np.float32]
Said = Sequence[tuple[str, str]]  # (situation, message)


class Encoder(Protocol):
    """Anything that turns texts into rows of length 1. Other rows need another fingerprint."""

    fingerprint: str

    def encode(self, texts: Sequence[str]) -> Numbers:
        """(n, d) float32, each row of length 1."""


@dataclass(frozen=True)
class Head:
    """A fitted regression, as numbers."""

    keys: tuple[str, ...]  # situations
    weights: Numbers  # (len(keys), d + SIGNS + 2 * BUCKETS)
    bias: Numbers  # (len(keys),)
    vectors: Numbers  # (messages it was learnt from, d): their embeddings, in their order
    sharpness: float = 1.0  # what the logits are multiplied by before a chance is shown (see `calibrate`)

    def chances(self, vector: Numbers, message: str) -> dict[str, float]:
        """How likely each situation is for `message`, whose embedding is `vector` (d,). They add up to 1."""
        return dict(zip(self.keys, self.shares(vector[None], [message])[0].tolist(), strict=True))

    def shares(self, vectors: Numbers, messages: Sequence[str]) -> Numbers:
        """The same for many: vectors (n, d) to (n, len(keys)), in the order of `keys`."""
        seen, words, pieces = _parts(vectors, messages)
        by_seen, by_words, by_pieces = self._by_part
        # part by part: for one message, putting the parts into one sparse row takes as long as all the rest
        logits = np.einsum("ij,jk->ik", seen, by_seen) + words.dot(by_words) + pieces.dot(by_pieces) + self.bias
        return np.asarray(_softmax(logits), np.float32)

    @cached_property
    def _by_part(self) -> tuple[Numbers, Numbers, Numbers]:
        """The weights of what `_parts` gives, (numbers, len(keys)) each."""
        cut = self.weights.shape[1] - 2 * BUCKETS
        seen, words, pieces = np.split(self.weights.T, [cut, cut + BUCKETS])
        return np.ascontiguousarray(seen), np.ascontiguousarray(words), np.ascontiguousarray(pieces)


def sure(chances: Mapping[str, float], sharpness: float) -> dict[str, float]:
    """Chances as they are shown: temperature scaling (Guo et al. 2017) of a softmax needs the chances alone."""
    powers = {key: max(chance, 1e-12) ** sharpness for key, chance in chances.items()}
    total = sum(powers.values())
    return {key: power / total for key, power in powers.items()}


def signs(message: str) -> list[float]:
    """How it is written: exclamation marks, words in capitals, share of capitals, question, length, dots; and in
    which language: the share of plain English words, the share of letters that English has not."""
    letters = [sign for sign in message if sign.isalpha()]
    words = re.findall(r"[^\W\d_]+", message.lower())
    capitals = sum(sign.isupper() for sign in letters) / max(1, len(letters))
    shouted = float(bool(re.search(r"\b[A-Z]{3,}\b", message)))
    marks = float(min(message.count("!"), 3))
    mood = [marks, shouted, capitals, float("?" in message), len(message.split()) / 30, float("..." in message)]
    english = sum(word in _english() for word in words) / max(1, len(words))
    foreign = sum(not sign.isascii() for sign in letters) / max(1, len(letters))
    return [*mood, TOLD * english, TOLD * foreign]


def learn(said: Said, encoder: Encoder, near: Head | None = None) -> Head:
    """The head that `said` teaches. Takes seconds, most of them for the embeddings.

    From `near`, a head for almost the same messages, it takes few with an encoder that remembers those.
    """
    messages = [message for _, message in said]
    vectors = encoder.encode(messages)
    rows = _rows(vectors, messages)
    keys, model = [key for key, _ in said], _model()
    if near and set(near.keys) == {key for key, _ in said}:
        model.set_params(warm_start=True, tol=1e-6)  # one more message moves little: it must not count as nothing
        model.classes_ = np.array(near.keys)
        model.coef_, model.intercept_ = near.weights.astype(np.float64), near.bias.astype(np.float64)
    model.fit(rows, keys)
    sharpness = near.sharpness if near else calibrate(rows, keys)
    weights, bias = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
    return Head(tuple(map(str, model.classes_)), weights, bias, vectors, sharpness)


def calibrate(rows: Any, keys: Sequence[str]) -> float:
    """How much sharper (above 1) or softer the chances must be to be right as often as they say, on messages that the
    fold they come from has not seen: the factor of the logits with the least log loss."""
    from scipy.optimize import minimize_scalar
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    logits = cross_val_predict(_model(), rows, keys, cv=folds, method="decision_function")
    found = minimize_scalar(lambda by: log_loss(keys, _softmax(logits * by)), bounds=(0.2, 5.0), method="bounded")
    return float(found.x)


def _softmax(logits: Any) -> Any:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _model() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=STRENGTH, max_iter=2000, class_weight="balanced")


def enough(said: Said) -> bool:
    """Has every situation messages enough to learn a head from?"""
    counts = Counter(key for key, _ in said)
    return len(counts) >= 3 and min(counts.values()) >= LEAST


def kept(said: Said, encoder: Encoder, folder: Path) -> Head | None:
    """The head for `said`, from `folder` if it was learnt before; None where a situation has too few messages.

    What cannot be read is learnt again, what cannot be written is not kept.
    """
    if not enough(said):
        return None
    digest = hashlib.sha256(f"{VERSION}\n{encoder.fingerprint}\n{list(said)!r}".encode()).hexdigest()[:16]
    path = folder / f"{digest}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            keys, sharpness = tuple(map(str, found["keys"])), float(found["sharpness"])
            return Head(keys, found["weights"], found["bias"], found["vectors"], sharpness)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        head = learn(said, encoder)
    _keep(head, path)
    return head


def _keep(head: Head, path: Path) -> None:
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            keys, sharpness = np.array(head.keys), np.array(head.sharpness)
            weights, bias, vectors = head.weights, head.bias, head.vectors
            np.savez(file, keys=keys, sharpness=sharpness, weights=weights, bias=bias, vectors=vectors)
        os.replace(beside, path)
        for other in path.parent.glob("*.npz"):
            if other != path:
                other.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _rows(vectors: Numbers, messages: Sequence[str]) -> Any:
    """(n, d + SIGNS + 2 * BUCKETS), sparse: mostly words that are not there."""
    from scipy.sparse import csr_matrix, hstack

    seen, words, pieces = _parts(vectors, messages)
    return hstack([csr_matrix(seen), words, pieces], format="csr", dtype=np.float32)


def _parts(vectors: Numbers, messages: Sequence[str]) -> tuple[Any, Any, Any]:
    """Embedding and signs (n, d + SIGNS); words and pieces of words, (n, BUCKETS) each, sparse."""
    seen = np.hstack([vectors * EMBEDDED, np.array([signs(message) for message in messages])])
    words, pieces = (hashed.transform(messages) * WORDED for hashed in _hashed())
    return seen, words, pieces


@cache
def _english() -> frozenset[str]:
    """Words that any English message is full of."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS)


@cache
def _hashed() -> tuple[Any, Any]:
    """Words and pairs of words; pieces of two to five letters, which forgive typos. Neither has to be taught."""
    from sklearn.feature_extraction.text import HashingVectorizer

    words = HashingVectorizer(ngram_range=(1, 2), token_pattern=r"[\w']+", n_features=BUCKETS)
    return words, HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=BUCKETS)
