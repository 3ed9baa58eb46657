"""`triptych train`: examples to lessons to adapter, with a bar. From preferences: ui/preferring.py."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from adapters.card import Card
from adapters.loop import Progress as Step
from chatbot.brand import find_brand
from chatbot.guide import read_guide
from chatbot.lineage import Version, chosen, new_version, use
from chatbot.settings import Settings

Tell = Callable[[Step], None]


def train_brand(
    settings: Settings,
    examples: Path | None,
    out: Path | None,
    knobs: dict[str, Any],
    console: Console,
    quiet: bool,
    go_on: bool = False,
) -> dict[str, Any]:
    """Train `settings.brand` and return the document of `triptych train --json`.

    All examples are read and checked before the model is loaded. With `go_on` it begins as the adapter in use, or as
    version `settings.adapter`. The new version is in use afterwards, unless it goes to `out`. Raises errors.SHOWN.
    """
    from adapters.base import load_base
    from adapters.examples import digest_of, read_examples, split
    from adapters.train import Recipe, going_on, train
    from chatbot.lessons import both_ways, drawn, further, passes

    brand = find_brand(settings.brand, settings.home)
    recipe = going_on(Recipe()) if go_on else Recipe()
    recipe = replace(recipe, **{name: value for name, value in knobs.items() if value is not None})
    parent = chosen(brand.key, settings.home, settings.adapter) if go_on else None
    guide = read_guide(brand.prompts)
    situations = {one.key: one for one in guide.situations}
    path = examples or brand.examples
    pairs = read_examples(path, list(situations))
    learnt, held = split(pairs, recipe.held_out, recipe.seed)
    if go_on:
        learnt = drawn(learnt, situations)
        lessons = [further(learnt, guide.voice, situations, recipe.seed)]
    else:
        lessons = passes(learnt, guide.voice, situations, recipe.epochs, recipe.seed)
    begins = f"; it begins as version {parent.name} of the adapter" if parent else ""
    console.print(
        f"{len(learnt)} examples to learn from, {len(held)} held out to measure on ({path}){begins}", soft_wrap=True
    )
    asked = both_ways(held, guide.voice, situations)
    with place_for(settings, out) as (folder, version):
        base = load_base(settings.base, settings.home, settings.dtype, settings.device, attention="sdpa")
        with bar(console, quiet) as shown:
            tell = steps(shown, console, quiet)
            data, begins_as = digest_of(path), parent.folder if parent else None
            card = train(base, lessons, asked, folder, brand.key, data, len(learnt), recipe, tell, begins_as)
        proven(settings, folder)
    if version:
        use(brand.key, settings.home, version.name)
    console.print(
        f"Done in {card.seconds / 60:.1f} min; loss on held-out replies {card.eval_loss:.3f} "
        f"(bare base {card.eval_loss_before:.3f}). Adapter: {folder}",
        soft_wrap=True,
        markup=False,
    )
    if version:
        console.print(in_use(version))
    return document(card, folder, version) | ({"parent": parent.name} if parent else {})


def in_use(version: Version) -> str:
    """What is said of a new version that has been taken into use."""
    return f"Version {version.name} is used from the next start on; triptych adapter back {version.brand} undoes it."


@contextmanager
def place_for(settings: Settings, out: Path | None) -> Iterator[tuple[Path, Version | None]]:
    """The folder that an adapter is trained into: the user's own, or that of a new version."""
    if out is not None:
        yield out.absolute(), None
        return
    with new_version(settings.brand, settings.home) as version:
        yield version.folder, version


@contextmanager
def bar(console: Console, quiet: bool) -> Iterator[Progress]:
    """A bar with the time left; a task of it has the field `note`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=quiet) as shown:
        yield shown


def steps(shown: Progress, console: Console, quiet: bool) -> Tell:
    """What is told of the steps goes to the bar; to a line now and then where there is no terminal."""
    task = shown.add_task("training", total=None, note="loss -", start=False)

    def tell(step: Step) -> None:
        loss = "-" if step.loss is None else f"{step.loss:.3f}"
        shown.start_task(task)
        shown.update(task, completed=step.step, total=step.steps, note=f"loss {loss}")
        if not console.is_terminal and not quiet and step.step % 10 == 0:
            left = f"  about {step.left_s / 60:.0f} min left" if step.left_s else ""
            console.print(f"step {step.step}/{step.steps}  loss {loss}  {step.seconds:.0f} s{left}")

    return tell


def proven(settings: Settings, folder: Path) -> None:
    """Load what was trained as a user's session will. Raises AdapterError."""
    from adapters.base import load_base
    from adapters.keep import prove

    prove(load_base(settings.base, settings.home, settings.dtype, settings.device), folder, settings.brand)


def document(card: Card, folder: Path, version: Version | None) -> dict[str, Any]:
    """For --json."""
    return {
        "adapter": str(folder),
        "examples": card.examples,
        "steps": card.steps,
        "seconds": card.seconds,
        "tokens_per_s": card.tokens_per_s,
        "peak_mb": card.peak_mb,
        "eval_loss": card.eval_loss,
        "version": version.name if version else None,
    }
