"""What one step of a training does, and what is told of it. Takes the trainer's class, so trl stays at its door."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from adapters.base import Base
from adapters.errors import TrainingStopped
from adapters.pack import Pack, reply_loss


class Knobs(Protocol):
    """What every recipe says of its steps."""

    @property
    def learning_rate(self) -> float:
        """At its highest."""

    @property
    def warmup(self) -> float:
        """Share of the steps."""

    @property
    def seed(self) -> int:
        """Of the order and the dropout."""


@dataclass(frozen=True)
class Progress:
    """What a progress bar needs."""

    step: int
    steps: int
    loss: float | None
    seconds: float  # since this run began, which may have been in the middle
    first: int = 0  # the step that this run began with

    @property
    def left_s(self) -> float | None:
        """Seconds left, at the pace so far; None before the first step."""
        done = self.step - self.first
        return self.seconds / done * (self.steps - self.step) if done > 0 else None


def arguments(base: Base, work: Path, knobs: Knobs, steps: int, save_every: int) -> dict[str, Any]:
    """What transformers' TrainingArguments are given whatever is learnt; checkpoints go to `work`."""
    return {
        "output_dir": str(work),
        "use_cpu": base.model.device.type == "cpu",
        "bf16": False,  # the base is loaded in the dtype it is trained in; autocast is slower on a CPU
        "activation_checkpointing": False,  # TRL's default; it saves memory that 135M parameters do not need
        "per_device_train_batch_size": 1,
        "learning_rate": knobs.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": round(steps * knobs.warmup),
        "weight_decay": 0.0,
        "seed": knobs.seed,
        "data_seed": knobs.seed,
        "logging_steps": 1,
        "save_strategy": "steps",
        "save_steps": save_every,
        "save_total_limit": 1,
        "report_to": [],
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }


def silenced(trainer: Any) -> Any:
    """The same trainer without transformers' own bars and lines: `bar` tells."""
    from transformers import ProgressCallback
    from transformers.trainer_callback import PrinterCallback

    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    return trainer


@contextmanager
def stoppable(began: float, said: str = "") -> Iterator[None]:
    """Ctrl-C in here is a TrainingStopped that says how long it ran, `said`, and how to go on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries' advice to each other, not to the user
        try:
            yield
        except KeyboardInterrupt as error:
            raise TrainingStopped(
                f"Training stopped after {time.monotonic() - began:.0f} s. {said}"
                f"The same command goes on from the last checkpoint."
            ) from error


def with_masters(trainer: Any) -> Any:
    """A trainer class whose optimizer keeps float32 masters."""

    class MasterTrainer(trainer):  # type: ignore[misc]
        """Steps as master.py does."""

        def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
            from adapters.master import MasterAdamW  # torch is loaded only where it is used

            if self.optimizer is None:
                self.optimizer: Any = MasterAdamW(trained(self.model), lr=self.args.learning_rate)
            return self.optimizer

    return MasterTrainer


def pack_trainer(trainer: Any) -> Any:
    """A trainer class whose batches are packs and whose optimizer keeps float32 masters."""

    class PackTrainer(with_masters(trainer)):  # type: ignore[misc]
        """Cross-entropy over reply tokens alone, summed and divided by their number in the whole step."""

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            summed, count = reply_loss(model, Pack(inputs["prefix"], inputs["rests"], inputs["replies"]))
            loss = summed / (count if num_items_in_batch is None else num_items_in_batch)
            return (loss, {"loss": loss}) if return_outputs else loss

    return PackTrainer


def bar(tell: Callable[[Progress], None]) -> Any:
    """A callback that turns log lines into Progress."""
    from transformers import TrainerCallback

    class Bar(TrainerCallback):  # type: ignore[misc]
        """Tells at the beginning and at every logged step."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.began, self.first = time.monotonic(), state.global_step
            tell(Progress(state.global_step, state.max_steps, None, 0.0, self.first))

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
            if logs and "loss" in logs:
                loss = float(logs["loss"])
                tell(Progress(state.global_step, state.max_steps, loss, time.monotonic() - self.began, self.first))

    return Bar()


def mean_loss(state: Any) -> float:
    """Over all steps, those before a stop too: what the trainer itself returns counts only the last run's."""
    losses = [one["loss"] for one in state.log_history if "loss" in one]
    return float(sum(losses) / len(losses))


def trained(model: Any) -> list[Any]:
    """The weights that learn."""
    return [weight for weight in model.parameters() if weight.requires_grad]
