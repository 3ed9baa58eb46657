"""`triptych train --preferences`: pairs of a better and a worse reply to a new version of the adapter, with a bar."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from adapters.card import ENOUGH, Card, Preferences
from adapters.pairs import Pair, contradicted, read_pairs, split
from chatbot.brand import find_brand
from chatbot.lineage import Version, chosen, use
from chatbot.quality.stats import rate_of
from chatbot.settings import Settings
from ui.training import bar, document, in_use, place_for, proven, steps

EVERY = 10  # pairs between two lines while the reference is asked, where there is no terminal


def prefer_brand(
    settings: Settings, file: Path, out: Path | None, knobs: dict[str, Any], use_it: bool, console: Console, quiet: bool
) -> dict[str, Any]:
    """Go on from the adapter in use, or from version `settings.adapter`; the document of `triptych train --json`.

    All pairs are read and checked before the model is loaded. The new version is not in use unless `use_it`. Raises
    errors.SHOWN.
    """
    from adapters.base import load_base
    from adapters.examples import digest_of
    from adapters.prefer import Source, Taste, prefer

    brand = find_brand(settings.brand, settings.home)
    taste = replace(Taste(), **{name: value for name, value in knobs.items() if value is not None})
    pairs = read_pairs(file)
    learnt, held = split(pairs, taste.held_out, taste.seed)
    parent = chosen(brand.key, settings.home, settings.adapter)
    _tell_pairs(pairs, learnt, held, parent, console)
    with place_for(settings, out) as (folder, version):
        base = load_base(settings.base, settings.home, settings.dtype, settings.device, attention="sdpa")
        source = Source(brand.key, digest_of(file), parent.folder)
        with bar(console, quiet) as shown:
            heard, tell = _heard(shown, console, quiet), steps(shown, console, quiet)
            card = prefer(base, learnt, held, source, folder, taste, tell, heard)
        proven(settings, folder)
    if version and use_it:
        use(brand.key, settings.home, version.name)
    assert card.preferences is not None
    _tell_found(card, card.preferences, folder, console)
    if version:
        _tell_next(brand.key, version, parent, use_it, console)
    return {**document(card, folder, version), "parent": parent.name, "preferences": asdict(card.preferences)}


def found_in_words(made: Preferences) -> str:
    """What the held-out pairs say, and how much that is worth."""
    found = rate_of(round(made.accuracy * made.held_out), made.held_out)
    low, high = found.low or 0.0, found.high or 1.0
    said = (
        f"Of {made.held_out} held-out pairs it now leans to the better reply in {made.accuracy:.0%} "
        f"(95% interval {low:.0%} to {high:.0%}; a coin has 50%), margin {made.margin:.3f}. "
        f"The better reply is the likelier one in {made.likelier:.0%}, {made.likelier_before:.0%} before; "
        f"its loss is {made.chosen_loss:.3f} nats per token, {made.chosen_loss_before:.3f} before."
    )
    if low <= 0.5:
        said += " That could be chance."
    if made.held_out < ENOUGH:
        said += f" {made.held_out} pairs are too few to tell; collect {ENOUGH * 10} votes for {ENOUGH} of them."
    return said


def _heard(shown: Progress, console: Console, quiet: bool) -> Callable[[int, int], None]:
    task = shown.add_task("reading all pairs once", total=None, note="")

    def heard(read: int, total: int) -> None:
        shown.update(task, completed=read, total=total)
        if not console.is_terminal and not quiet and read % EVERY == 0:
            console.print(f"reading all pairs once: {read} of {total}")

    return heard


def _tell_pairs(
    pairs: Sequence[Pair], learnt: Sequence[Pair], held: Sequence[Pair], parent: Version, console: Console
) -> None:
    odd = contradicted(pairs)
    note = f"; {odd} are contradicted by another pair" if odd else ""
    console.print(
        f"{len(learnt)} pairs to learn from, {len(held)} held out to measure on{note}. "
        f"They begin with version {parent.name} of {parent.brand}'s adapter.",
        soft_wrap=True,
        markup=False,
    )


def _tell_found(card: Card, made: Preferences, folder: Path, console: Console) -> None:
    console.print(f"Done in {card.seconds / 60:.1f} min. {found_in_words(made)}", soft_wrap=True, markup=False)
    console.print(f"Adapter: {folder}", soft_wrap=True, markup=False)


def _tell_next(brand: str, version: Version, parent: Version, use_it: bool, console: Console) -> None:
    if use_it:
        said = in_use(version)
    else:
        said = (
            f"Version {version.name} is made and not in use. Is it worse than version {parent.name}? Some minutes:\n"
            f"  triptych adapter try {brand} {version.name} --against {parent.name}\n"
            f"Take it into use:\n"
            f"  triptych adapter use {brand} {version.name}"
        )
    console.print(said, soft_wrap=True, markup=False)
