"""An adapter's card: what it was trained on, how, and how it went. `card.toml` for programs, README.md for people."""

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from adapters.base import BaseId
from adapters.errors import AdapterError
from adapters.fetch import disk_errors_named

CARD = "card.toml"


@dataclass(frozen=True)
class Card:
    """Facts of one trained tone. Digests are sha256; losses are nats per reply token."""

    brand: str
    base: BaseId
    weights: str  # sha256 of adapter_model.safetensors
    data: str  # sha256 of the examples' file
    trained: str  # date, ISO 8601
    examples: int
    steps: int
    seconds: float
    tokens_per_s: float
    peak_mb: int
    train_loss: float
    eval_loss: float
    eval_loss_before: float  # the same held-out replies under the bare base
    processor: str
    recipe: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def write_card(card: Card, folder: Path) -> None:
    """card.toml and the model card README.md, into `folder`."""
    with disk_errors_named(folder):
        (folder / CARD).write_text(tomli_w.dumps(asdict(card)), encoding="utf-8")
        (folder / "README.md").write_text(_model_card(card), encoding="utf-8")


def read_card(folder: Path) -> Card:
    """The card in `folder`. Raises AdapterError when it is missing or not one."""
    way_out = "Retrain the adapter with `triptych train`, which writes one."
    try:
        facts = tomllib.loads((folder / CARD).read_text(encoding="utf-8"))
        return Card(**{**facts, "base": BaseId(**facts["base"])})
    except FileNotFoundError as error:
        raise AdapterError(f"The adapter in {folder} has no {CARD}, so its base is unknown. {way_out}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise AdapterError(f"The adapter's card {folder / CARD} is damaged. {way_out}") from error


def _model_card(card: Card) -> str:
    recipe = "\n".join(f"| {key} | {value} |" for key, value in card.recipe.items())
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    return f"""---
base_model: {card.base.name}
library_name: peft
tags: [lora, brand-tone, customer-support]
---
# The tone of {card.brand}

A LoRA adapter that answers customers in the voice of **{card.brand}**, from passages given in the prompt.
It is a demo's adapter for a very small base model: read its answers before you send them.

| | |
|---|---|
| base | {card.base.name}, weights {card.base.weights[:12]} |
| examples | {card.examples}, data {card.data[:12]} |
| trained | {card.trained}, {card.steps} steps in {card.seconds / 60:.1f} minutes ({card.processor}) |
| speed | {card.tokens_per_s:.0f} tokens/s, peak memory {card.peak_mb} MB |
| loss on replies | train {card.train_loss:.3f}, held out {card.eval_loss:.3f} |
| the bare base's loss | {card.eval_loss_before:.3f} on the same held-out replies |
{recipe}

Made by `triptych train {card.brand}` with {versions}. It loads only on the base, tokenizer and chat
template whose digests stand in `{CARD}`.
"""
