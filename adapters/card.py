"""An adapter's card: what it was trained on, how, and how it went. `card.toml` for programs, README.md for people."""

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from adapters.base import BaseId
from adapters.errors import AdapterError
from adapters.fetch import disk_errors_named

CARD, README = "card.toml", "README.md"
ENOUGH = 20  # held-out pairs below which a share of them says little: its interval is wider than 40 points


@dataclass(frozen=True)
class Preferences:
    """What made an adapter of the one before it: pairs of a better and a worse reply, and what came of them.

    The shares are of the held-out pairs, whose questions training never saw. A reward is beta times what the training
    added to a reply's log-probability (Rafailov et al. 2023, arXiv:2305.18290); equal ones count as half a pair, so
    before training the accuracy is .5 by definition.
    """

    parent: str  # sha256 of the weights it began with, which stood as the reference
    file: str  # sha256 of the file of pairs
    pairs: int  # learnt from
    held_out: int  # pairs that only measure
    contradicted: int  # pairs of the file whose opposite stands in it too
    beta: float
    accuracy: float  # share whose better reply has the greater reward
    margin: float  # mean reward of the better reply less that of the worse one
    likelier: float  # share whose better reply is likelier per token than the worse one
    likelier_before: float  # the same under the parent
    chosen_loss: float  # nats per token of the better replies; preferring often makes both kinds rarer
    chosen_loss_before: float  # the same under the parent


@dataclass(frozen=True)
class Card:
    """Facts of one trained tone. Digests are sha256; losses are what the training made smaller: nats per reply token,
    or DPO's loss where it learnt from preferences (ln 2 before)."""

    brand: str
    base: BaseId
    weights: str  # sha256 of adapter_model.safetensors
    data: str  # sha256 of the examples' file, also of an adapter that preferences made of another
    trained: str  # date, ISO 8601
    examples: int  # that it, or the first of its parents, learnt from
    steps: int
    seconds: float  # of the run that ended it: what a stopped one took before is not counted
    tokens_per_s: float
    peak_mb: int
    train_loss: float
    eval_loss: float
    eval_loss_before: float  # on the same held-out data: of the bare base; with preferences, of the parent
    processor: str
    recipe: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    preferences: Preferences | None = None  # where it learnt from them
    parent: str | None = None  # sha256 of the weights it went on from, where examples made it of another adapter


def write_card(card: Card, folder: Path) -> None:
    """card.toml and the model card README.md, into `folder`."""
    with disk_errors_named(folder):
        facts = {name: value for name, value in asdict(card).items() if value is not None}
        (folder / CARD).write_text(tomli_w.dumps(facts), encoding="utf-8")
        (folder / README).write_text(_model_card(card), encoding="utf-8")


def read_card(folder: Path) -> Card:
    """The card in `folder`. Raises AdapterError when it is missing or not one."""
    way_out = "Retrain the adapter with `triptych train`, which writes one."
    try:
        facts = tomllib.loads((folder / CARD).read_text(encoding="utf-8"))
        preferred = facts.get("preferences")
        nested = {"base": BaseId(**facts["base"]), "preferences": Preferences(**preferred) if preferred else None}
        return Card(**{**facts, **nested})
    except FileNotFoundError as error:
        raise AdapterError(f"The adapter in {folder} has no {CARD}, so its base is unknown. {way_out}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise AdapterError(f"The adapter's card {folder / CARD} is damaged. {way_out}") from error


def _model_card(card: Card) -> str:
    recipe = "\n".join(f"| {key} | {value} |" for key, value in card.recipe.items())
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    flag = " --preferences FILE" if card.preferences else " --go-on" if card.parent else ""
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
{_preferred(card, card.preferences) if card.preferences else _learnt(card)}
{recipe}

Made by `triptych train {card.brand}{flag}` with {versions}. It loads only on the base, tokenizer and chat
template whose digests stand in `{CARD}`.
"""


def _learnt(card: Card) -> str:
    began = f"| began as | the adapter {card.parent[:12]} |\n" if card.parent else ""
    return f"""\
{began}| loss on replies | train {card.train_loss:.3f}, held out {card.eval_loss:.3f} |
| the bare base's loss | {card.eval_loss_before:.3f} on the same held-out replies |"""


def _preferred(card: Card, made: Preferences) -> str:
    few = f" Fewer than {ENOUGH} held-out pairs: these shares say little." if made.held_out < ENOUGH else ""
    odd = f", {made.contradicted} of them contradicted by another" if made.contradicted else ""
    return f"""\
| began as | the adapter {made.parent[:12]}, which is also the reference |
| preferences | {made.pairs} pairs learnt from, {made.held_out} held out{odd}, file {made.file[:12]} |
| held-out pairs | reward accuracy {made.accuracy:.2f} (.50 before, by definition), margin {made.margin:.3f}.{few} |
| the better reply is the likelier one | {made.likelier_before:.2f} of them before, {made.likelier:.2f} after |
| loss of the better replies | {made.chosen_loss_before:.3f} nats per token before, {made.chosen_loss:.3f} after |
| DPO's loss | train {card.train_loss:.3f}, held out {card.eval_loss:.3f} ({card.eval_loss_before:.3f} before) |"""
