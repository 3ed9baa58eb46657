"""A second reading of the lines that were found: a cross-encoder reads question and line together.

Off unless a folder with such a model is named; nothing is ever downloaded. A door of sentence-transformers,
beside embed.py. Knows nothing about articles or thresholds."""

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from knowledge.errors import KnowledgeError

WAY_OUT = (
    "Name a folder with a cross-encoder of one score, as sentence-transformers saves it (config.json, "
    "model.safetensors, tokenizer), or unset TRIPTYCH_RERANKER."
)


class Reranker(Protocol):
    """Whatever says how well a line answers a question."""

    name: str

    def scores(self, question: str, lines: Sequence[str]) -> list[float]:
        """One number a line, the higher the better; comparable within one call alone."""


class CrossEncoder:
    """The cross-encoder in `folder`, on the CPU. Safe from many threads. Raises KnowledgeError if there is none."""

    def __init__(self, folder: Path):
        self.name = folder.name
        self._model, self._lock = _load(folder), threading.Lock()

    def scores(self, question: str, lines: Sequence[str]) -> list[float]:
        """One number a line, as the model saves it: a logit, or what its own activation makes of it."""
        if not lines:
            return []
        with self._lock:
            found = self._model.predict([(question, line) for line in lines], show_progress_bar=False)
        return [float(score) for score in found]


def open_reranker(folder: str) -> Reranker | None:
    """The cross-encoder in `folder`; None where "" is named. Raises KnowledgeError."""
    return CrossEncoder(Path(folder).expanduser().absolute()) if folder else None


def _load(folder: Path) -> Any:
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        if not (folder / name).is_file():
            raise KnowledgeError(f"The reranker {folder} has no {name}. {WAY_OUT}")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from safetensors import SafetensorError
    from sentence_transformers import CrossEncoder as Model
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        _check_kind(folder)
        model = Model(
            str(folder), device="cpu", local_files_only=True, trust_remote_code=False,
            model_kwargs={"use_safetensors": True},  # a pickle could run what it likes
        )  # fmt: skip
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        said = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise KnowledgeError(f"The reranker {folder} could not be loaded ({said}). {WAY_OUT}") from error
    if model.num_labels != 1:
        raise KnowledgeError(f"The reranker {folder} gives {model.num_labels} numbers a line, not one. {WAY_OUT}")
    return model


def _check_kind(folder: Path) -> None:
    """A plain encoder would load too, with a head of random numbers."""
    kinds = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or ["nothing"]
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise KnowledgeError(f"The reranker {folder} holds a {kinds[0]}, which scores no pairs. {WAY_OUT}")
