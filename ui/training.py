"""`triptych train`: examples to lessons to adapter, with a bar."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from adapters.card import Card
from chatbot.brand import find_brand
from chatbot.guide import read_guide
from chatbot.settings import Settings


def train_brand(
    settings: Settings, examples: Path | None, out: Path | None, knobs: dict[str, Any], console: Console, quiet: bool
) -> dict[str, Any]:
    """Train `settings.brand` and return the document of `triptych train --json`.

    All examples are read and checked before the model is loaded. Raises errors.SHOWN.
    """
    from adapters.examples import digest_of, read_examples, split
    from adapters.train import Recipe
    from chatbot.lessons import both_ways, passes

    brand = find_brand(settings.brand, settings.home)
    recipe = replace(Recipe(), **{name: value for name, value in knobs.items() if value is not None})
    guide = read_guide(brand.prompts)
    situations = {one.key: one for one in guide.situations}
    path = examples or brand.examples
    pairs = read_examples(path, list(situations))
    learnt, held = split(pairs, recipe.held_out, recipe.seed)
    folder = (out or settings.home / "adapters" / brand.key).absolute()
    console.print(f"{len(learnt)} examples to learn from, {len(held)} held out to measure on ({path})", soft_wrap=True)
    card = _train(
        settings,
        passes(learnt, guide.voice, situations, recipe.epochs, recipe.seed),
        both_ways(held, guide.voice, situations),
        folder,
        digest_of(path),
        len(learnt),
        recipe,
        console,
        quiet,
    )
    _prove(settings, folder)
    console.print(
        f"Done in {card.seconds / 60:.1f} min; loss on held-out replies {card.eval_loss:.3f} "
        f"(bare base {card.eval_loss_before:.3f}). Adapter: {folder}",
        soft_wrap=True,
        markup=False,
    )
    return _document(card, folder)


def _train(
    settings: Settings,
    epochs: Any,
    held: Any,
    folder: Path,
    data: str,
    examples: int,
    recipe: Any,
    console: Console,
    quiet: bool,
) -> Card:
    from adapters.base import load_base
    from adapters.loop import Progress as Step
    from adapters.train import train

    base = load_base(settings.base, settings.home, settings.dtype, settings.device, attention="sdpa")
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=quiet) as bar:
        task = bar.add_task("", total=None, loss="-")

        def tell(step: Step) -> None:
            loss = "-" if step.loss is None else f"{step.loss:.3f}"
            bar.update(task, completed=step.step, total=step.steps, loss=loss)
            if not console.is_terminal and not quiet and step.step % 10 == 0:
                left = f"  about {step.left_s / 60:.0f} min left" if step.left_s else ""
                console.print(f"step {step.step}/{step.steps}  loss {loss}  {step.seconds:.0f} s{left}")

        return train(base, epochs, held, folder, settings.brand, data, examples, recipe, tell)


def _prove(settings: Settings, folder: Path) -> None:
    from adapters.base import load_base
    from adapters.train import prove

    prove(load_base(settings.base, settings.home, settings.dtype, settings.device), folder, settings.brand)


def _document(card: Card, folder: Path) -> dict[str, Any]:
    return {
        "adapter": str(folder),
        "examples": card.examples,
        "steps": card.steps,
        "seconds": card.seconds,
        "tokens_per_s": card.tokens_per_s,
        "peak_mb": card.peak_mb,
        "eval_loss": card.eval_loss,
    }
