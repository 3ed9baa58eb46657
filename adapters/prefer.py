"""Learn from preferences: TRL's DPOTrainer goes on from an adapter that is there, into a new one.

A door of trl, beside adapters/train.py. The reference is the adapter as it began. What it thinks of every pair is
asked once, before the first step, and kept as two numbers: no second model and no second adapter stay in memory, and
no step pays for a second reading. Knows pairs, not votes; chat and training share adapters/base.py's format."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from typing import Any

from adapters.attach import WEIGHTS, attach
from adapters.base import Base, chat_ids, reply_ids
from adapters.card import Card, Preferences
from adapters.errors import ExampleError
from adapters.fetch import disk_errors_named, sha256_of
from adapters.keep import circumstances, keep, knobs, work_folder
from adapters.loop import Progress, arguments, bar, mean_loss, silenced, stoppable, with_masters
from adapters.margin import Asked, Measured, measured
from adapters.pairs import Pair, contradicted, each_checked
from adapters.scoring import share_prompts

SAVE_EVERY = 5  # steps between checkpoints: a step may take half a minute
Row = dict[str, list[int]]  # token ids as TRL's collator takes them: prompt_ids, chosen_ids, rejected_ids
Heard = Callable[[int, int], None]  # (pairs read, pairs in all), while the reference is asked


@dataclass(frozen=True)
class Taste:
    """Every knob of learning from preferences."""

    beta: float = 0.1  # how dearly it pays for leaving the reference: greater stays closer
    learning_rate: float = 5e-5
    epochs: int = 3
    pairs: int = 4  # per step
    warmup: float = 0.1  # share of the steps
    longest: int = 2048  # tokens of prompt and reply, or the base's context if that is less; longer is refused, not cut
    held_out: float = 0.1  # share of the pairs that only measure
    seed: int = 7


@dataclass(frozen=True)
class Source:
    """Where the pairs came from, for the card."""

    brand: str
    file: str  # its sha256
    parent: Path  # folder of the adapter to begin with


def prefer(
    base: Base,
    learnt: Sequence[Pair],
    held: Sequence[Pair],
    source: Source,
    folder: Path,
    taste: Taste | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
    heard: Heard = lambda read, total: None,
) -> Card:
    """Learn from `learnt`, measure on `held`, and put adapter, card and model card into `folder`, whole or not at all.

    The adapter in `source.parent` is not touched. A training that was stopped goes on where its last checkpoint
    stands, if file, knobs, parent and base are the same. Raises ExampleError (pair too long), TrainingStopped
    (Ctrl-C), AdapterError (parent refused by the gate, disk).
    """
    taste = taste or Taste()
    rows, asked = _rows(base, learnt, taste), _rows(base, held, taste)
    model, parent = attach(base, source.parent, source.brand, trainable=True)
    began = time.monotonic()
    with disk_errors_named(folder.parent):
        work = work_folder(folder, source.file, taste, base.id, source.brand, parent.weights, model.dtype)
        with stoppable(began, "The adapter in use is the same as before. "):
            trainer = _trainer(base, model, rows, work, taste, tell, heard)
            before = _log_probs(trainer, asked)
            loop = _run(trainer, work)
            after = _log_probs(trainer, asked)
        found = measured([_asked(*one) for one in zip(asked, before, after, strict=True)], taste.beta)
        card = keep(
            trainer.model,
            base.id.name,
            folder,
            lambda made: Card(
                weights=sha256_of(made / WEIGHTS),
                brand=source.brand,
                base=base.id,
                data=parent.data,
                examples=parent.examples,
                steps=loop.steps,
                seconds=round(time.monotonic() - began, 1),
                tokens_per_s=loop.tokens_per_s,
                train_loss=round(loop.loss, 4),
                eval_loss=found.loss,
                eval_loss_before=round(log(2), 4),
                recipe=knobs(taste),
                preferences=_preferences(found, source, parent, taste, learnt, held),
                **circumstances(base),
            ),
        )
        shutil.rmtree(work, ignore_errors=True)
    return card


def _asked(row: Row, before: Any, after: Any) -> Asked:
    chosen, rejected = len(row["chosen_ids"]), len(row["rejected_ids"])
    return Asked((chosen, rejected), tuple(before.tolist()), tuple(after.tolist()))


def _preferences(
    found: Measured, source: Source, parent: Card, taste: Taste, learnt: Sequence[Pair], held: Sequence[Pair]
) -> Preferences:
    shares = {name: value for name, value in asdict(found).items() if name != "loss"}
    return Preferences(
        parent=parent.weights,
        file=source.file,
        pairs=len(learnt),
        held_out=len(held),
        contradicted=contradicted([*learnt, *held]),
        beta=taste.beta,
        **shares,
    )


def _rows(base: Base, pairs: Sequence[Pair], taste: Taste) -> list[Row]:
    most = min(taste.longest, base.context)

    def row(pair: Pair, place: str) -> Row:
        prompt = chat_ids(base.tokenizer, [{"role": role, "content": content} for role, content in pair.chat])
        chosen, rejected = (reply_ids(base.tokenizer, text) for text in (pair.chosen, pair.rejected))
        if (length := len(prompt) + max(len(chosen), len(rejected))) > most:
            raise ExampleError(f"{place} is {length} tokens long, prompt and longer reply; {most} is the most.")
        return {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}

    return each_checked([(pair, pair.place) for pair in pairs], row)


def _tokens(row: Row) -> int:
    """Read in a step."""
    return len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])


def _trainer(
    base: Base,
    model: Any,
    rows: Sequence[Row],
    work: Path,
    taste: Taste,
    tell: Callable[[Progress], None],
    heard: Heard,
) -> Any:
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import datasets
    from trl import DPOConfig, DPOTrainer

    datasets.disable_progress_bars()
    steps = -(-len(rows) // taste.pairs) * taste.epochs
    config = DPOConfig(
        **arguments(base, work, taste, steps, SAVE_EVERY),  # one pair at a time: see scoring.py
        beta=taste.beta,
        precompute_ref_log_probs=True,
        max_length=None,  # what is too long was refused
        pad_to_multiple_of=None,
        router_aux_loss_coef=0.0,  # a mixture of experts is not balanced anew
        gradient_accumulation_steps=taste.pairs,
        num_train_epochs=taste.epochs,
    )
    trainer = with_masters(_preferring(DPOTrainer, heard))(
        model=model,
        args=config,
        train_dataset=datasets.Dataset.from_list(list(rows)),
        processing_class=base.tokenizer,
        callbacks=[bar(tell)],
    )
    return silenced(trainer)


def _preferring(trainer: Any, heard: Heard) -> Any:
    """A DPOTrainer that takes token ids as they come, and asks the reference in our hearing."""

    class Preferring(trainer):  # type: ignore[misc]
        """TRL's loss and metrics; only what goes in is ours."""

        def _prepare_dataset(self, dataset: Any, *given: Any) -> Any:
            return dataset  # TRL would put the messages into the template itself, control tokens and all

        def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
            # no step was taken yet: the policy is the reference. TRL's copy of it under "ref" is not needed
            self.model.delete_adapter("ref")
            share_prompts(self.model.get_base_model())  # after TRL has put its own head there
            found = _log_probs(self, list(dataset), heard)
            columns = zip(("ref_chosen_logps", "ref_rejected_logps"), found.T.tolist(), strict=True)
            for column, values in columns:
                dataset = dataset.add_column(column, values)
            return dataset

    return Preferring


def _log_probs(trainer: Any, rows: Sequence[Row], heard: Heard = lambda read, total: None) -> Any:
    """(n, 2) float32: the summed log-probabilities of each row's chosen and rejected reply under the policy."""
    import torch

    trainer.model.eval()
    found = torch.zeros(len(rows), 2)
    for number, row in enumerate(rows):
        heard(number, len(rows))
        batch = trainer.data_collator([row])
        labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
        with torch.inference_mode():
            scored = trainer.model(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels,
                use_cache=False, fused_lm_head=True,
            )  # fmt: skip
        found[number] = scored.log_probs.sum(dim=1)
    heard(len(rows), len(rows))
    return found


@dataclass(frozen=True)
class _Loop:
    steps: int
    loss: float  # mean over the steps
    tokens_per_s: float  # of the steps that this run took itself


def _run(trainer: Any, work: Path) -> _Loop:
    from transformers.trainer_utils import get_last_checkpoint

    began = time.monotonic()
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(work)))
    seconds = time.monotonic() - began
    state = trainer.state
    first = next(one.first for one in trainer.callback_handler.callbacks if hasattr(one, "first"))
    tokens = sum(map(_tokens, trainer.train_dataset)) * trainer.args.num_train_epochs
    share = (state.global_step - first) / state.global_step
    return _Loop(state.global_step, mean_loss(state), round(tokens * share / seconds, 1))
