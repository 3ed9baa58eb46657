"""What any training leaves on the disk: checkpoints while it runs; then the adapter's files, whole or not at all.

Knows nothing of what is learnt, or how."""

import hashlib
import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from adapters.attach import CONFIG, TRAINED, WEIGHTS, attach
from adapters.base import Base
from adapters.card import CARD, README, Card, write_card
from adapters.errors import AdapterError

LIBRARIES = ("torch", "transformers", "peft", "trl", "safetensors")


def work_folder(folder: Path, *what: object) -> Path:
    """Where checkpoints wait beside `folder`: another one for another `what` (data, recipe, base, brand)."""
    key = hashlib.sha256(" ".join(map(str, what)).encode()).hexdigest()[:12]
    work = folder.parent / f".training-{key}"
    work.mkdir(parents=True, exist_ok=True)
    return work


def keep(model: Any, base: str, folder: Path, card_of: Callable[[Path], Card]) -> Card:
    """Write `model`'s adapter, its card and its model card into `folder`. `card_of` sees the files beside it first."""
    made = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        save(model, made, base)
        card = card_of(made)
        write_card(card, made)
        _put(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return card


def save(model: Any, folder: Path, base: str) -> None:
    """safetensors in bfloat16 and the configuration; never the trainer's pickles, nor a path of this machine."""
    import torch

    state = {key: value.to(torch.bfloat16) for key, value in _lora_state(model).items()}
    model.peft_config[TRAINED].base_model_name_or_path = base
    # no embedding is trained: without this PEFT looks on the hub whether the vocabulary was changed
    model.save_pretrained(str(folder), state_dict=state, safe_serialization=True, save_embedding_layers=False)
    for path in folder.iterdir():
        if path.name not in (WEIGHTS, CONFIG):
            path.unlink()


def prove(base: Base, folder: Path, brand: str) -> None:
    """Load what was just written through the gate, as a user's session will. Raises AdapterError."""
    try:
        attach(base, folder, brand)
    except AdapterError as error:
        raise AdapterError(f"The adapter was trained but does not pass its own gate: {error}") from error


def circumstances(base: Base) -> dict[str, Any]:
    """What a card tells of day, machine and libraries."""
    return {
        "trained": datetime.now(UTC).date().isoformat(),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "processor": f"{os.cpu_count()} x {platform.machine()}, {str(base.model.dtype).removeprefix('torch.')}",
        "versions": {name: version(name) for name in LIBRARIES},
    }


def knobs(recipe: Any) -> dict[str, Any]:
    """A recipe's dataclass as a card keeps it."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(recipe).items()}


def _lora_state(model: Any) -> dict[str, Any]:
    return {key: value for key, value in model.state_dict().items() if ".lora_A." in key or ".lora_B." in key}


def _put(made: Path, folder: Path) -> None:
    """Move the finished files into `folder` one rename each, the card last: it vouches for the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (CONFIG, WEIGHTS, README, CARD):
        os.replace(made / name, folder / name)
