"""Train a tone: TRL's SFTTrainer and a PEFT LoRA, on the CPU, seeded, with the loss on the reply alone.

A door of trl, beside adapters/prefer.py. Knows lessons (a chat and the reply to learn), not brands' prompts; chat and
training share adapters/base.py's format, down to the token ids."""

import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from adapters.attach import TRAINED, WEIGHTS, attach
from adapters.base import Base, chat_ids, reply_ids
from adapters.card import Card
from adapters.errors import ExampleError
from adapters.fetch import disk_errors_named, sha256_of
from adapters.keep import circumstances, keep, knobs, work_folder
from adapters.loop import Progress, arguments, bar, mean_loss, pack_trainer, silenced, stoppable, trained
from adapters.pack import Lesson, Pack, Row, packs_of, reply_loss

SAVE_EVERY = 20  # steps between checkpoints


@dataclass(frozen=True)
class Recipe:
    """Every knob of a training. The defaults are the ones LOG.md found best."""

    rank: int = 16  # <= 16 loads in vLLM at its defaults
    alpha: int = 32
    lower: float = 0.0  # share of the layers, counted from below, that stay as they are: no backward pass through them
    dropout: float = 0.0  # a mask over every LoRA input costs more than half the time on a CPU
    learning_rate: float = 8e-4
    epochs: int = 2
    packs: int = 1  # packs per step
    share: int = 8  # lessons in a pack at most
    room: int = 1600  # tokens in a pack, beside its prefix: memory grows with them
    warmup: float = 0.06  # share of the steps
    longest: int = 1280  # tokens; a longer lesson is refused, not cut
    held_out: float = 0.04  # share of the examples that only measure
    seed: int = 7
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def going_on(recipe: Recipe) -> Recipe:
    """`recipe` for a training that goes on: half the rate, smaller packs and so more steps."""
    return replace(recipe, epochs=1, share=4, learning_rate=recipe.learning_rate / 2)


def train(
    base: Base,
    epochs: Sequence[Sequence[Lesson]],
    held_out: Sequence[Lesson],
    folder: Path,
    brand: str,
    data: str,
    examples: int,
    recipe: Recipe | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
    parent: Path | None = None,
) -> Card:
    """Train and put the adapter, card and model card into `folder`, whole or not at all.

    `epochs` are the lessons of each pass: the same ones, or varied from pass to pass.
    A training that was stopped goes on where its last checkpoint stands, if data and recipe are
    the same. With `parent`, the folder of an adapter, it goes on from that one, whose shape then holds; it is not
    touched. Raises ExampleError (lesson too long), TrainingStopped (Ctrl-C), AdapterError (parent refused, disk).
    """
    recipe = recipe or Recipe()
    model, begun = (base.model, None) if parent is None else attach(base, parent, brand, trainable=True)
    if begun:
        recipe = _shaped_as(model, recipe)
    rng = random.Random(recipe.seed)
    packs = [one for lessons in epochs for one in _packs(base, lessons, recipe, rng)]
    held = _packs(base, held_out, recipe, rng)
    began = time.monotonic()
    with disk_errors_named(folder.parent):
        work = work_folder(folder, data, recipe, base.id, brand, *([begun.weights] if begun else []))
        trainer = _trainer(base, model, packs, work, recipe, tell)
        losses = _run(trainer, held, work, began)
        seconds = time.monotonic() - began
        card = keep(
            trainer.model,
            base.id.name,
            folder,
            lambda made: replace(
                _card(base, made, brand, data, examples, recipe, losses, seconds),
                parent=begun.weights if begun else None,
            ),
        )
        shutil.rmtree(work, ignore_errors=True)
    return card


def _packs(base: Base, lessons: Sequence[Lesson], recipe: Recipe, rng: random.Random) -> list[Pack]:
    rows = [_row(base, lesson, recipe.longest) for lesson in lessons]
    return packs_of(rows, recipe.share, recipe.room, rng)


def _row(base: Base, lesson: Lesson, longest: int) -> Row:
    prompt = chat_ids(base.tokenizer, [{"role": role, "content": content} for role, content in lesson.chat])
    reply = reply_ids(base.tokenizer, lesson.reply)
    if len(prompt) + len(reply) > longest:
        raise ExampleError(
            f"{lesson.place} is {len(prompt) + len(reply)} tokens long with its prompt; "
            f"{longest} is the most. Shorten it."
        )
    return Row(lesson.chat[0][1], prompt, reply)


def _shaped_as(model: Any, recipe: Recipe) -> Recipe:
    """`recipe` with the shape of the LoRA that is on `model`."""
    config, layers = model.peft_config[TRAINED], model.config.num_hidden_layers
    taught = config.layers_to_transform or range(layers)
    return replace(
        recipe,
        rank=config.r,
        alpha=config.lora_alpha,
        lower=round(1 - len(taught) / layers, 2),
        targets=tuple(sorted(config.target_modules)),
    )


def _trainer(base: Base, model: Any, packs: list[Pack], work: Path, recipe: Recipe, tell: Any) -> Any:
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import datasets
    import torch
    from trl import SFTConfig, SFTTrainer

    datasets.disable_progress_bars()
    steps = -(-len(packs) // recipe.packs)
    config = SFTConfig(
        **arguments(base, work, recipe, steps, SAVE_EVERY),
        prediction_loss_only=True,
        packing=False,  # TRL's own needs FlashAttention; ours, in pack.py, brings its mask
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        gradient_accumulation_steps=recipe.packs,
        num_train_epochs=1,  # the packs hold every pass, in the order to learn them
        train_sampling_strategy="sequential",
        eos_token=None,
    )
    trainer = pack_trainer(SFTTrainer)(
        model=model,
        args=config,
        train_dataset=datasets.Dataset.from_list([asdict(one) for one in packs]),
        data_collator=lambda found: {**found[0], "labels": torch.ones(sum(found[0]["replies"]))},  # TRL counts labels
        processing_class=base.tokenizer,
        peft_config=None if model is not base.model else _lora(base, recipe),
        callbacks=[bar(tell)],
    )
    for weight in trained(trainer.model):
        weight.data = weight.data.to(base.model.dtype)  # PEFT makes them float32; see master.py
    return silenced(trainer)


def _lora(base: Base, recipe: Recipe) -> Any:
    from peft import LoraConfig

    layers = base.model.config.num_hidden_layers
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=list(recipe.targets),
        layers_to_transform=list(range(round(recipe.lower * layers), layers)),
        task_type="CAUSAL_LM",
    )


@dataclass(frozen=True)
class _Losses:
    train: float
    held: float
    before: float
    steps: int
    tokens: int
    seconds: float  # of the training loop alone


def _run(trainer: Any, held: Sequence[Pack], work: Path, began: float) -> _Losses:
    from transformers.trainer_utils import get_last_checkpoint

    with stoppable(began):
        with trainer.model.disable_adapter():
            before = _held_loss(trainer.model, held)
        checkpoint = get_last_checkpoint(str(work))
        loop = time.monotonic()
        trainer.train(resume_from_checkpoint=checkpoint)
        seconds = time.monotonic() - loop
        after = _held_loss(trainer.model, held)
    tokens = sum(Pack(**one).tokens for one in trainer.train_dataset)
    state = trainer.state
    return _Losses(mean_loss(state), float(after), float(before), state.global_step, tokens, seconds)


def _held_loss(model: Any, packs: Sequence[Pack]) -> float:
    """Nats per reply token."""
    import torch

    model.eval()
    with torch.inference_mode():
        losses = [reply_loss(model, one) for one in packs]
    return float(sum(float(summed) for summed, _ in losses) / sum(count for _, count in losses))


def _card(
    base: Base, made: Path, brand: str, data: str, examples: int, recipe: Recipe, losses: _Losses, seconds: float
) -> Card:
    return Card(
        brand=brand,
        base=base.id,
        weights=sha256_of(made / WEIGHTS),
        data=data,
        examples=examples,
        steps=losses.steps,
        seconds=round(seconds, 1),
        tokens_per_s=round(losses.tokens / losses.seconds, 1),
        train_loss=round(losses.train, 4),
        eval_loss=round(losses.held, 4),
        eval_loss_before=round(losses.before, 4),
        recipe=knobs(recipe),
        **circumstances(base),
    )
