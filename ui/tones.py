"""The commands `triptych adapter ...`: the versions of a brand's adapter; list, choose, try, go back."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from adapters.errors import AdapterError
from chatbot.lineage import back as back_to
from chatbot.lineage import chosen, document, named
from chatbot.lineage import remove as remove_version
from chatbot.lineage import use as use_version
from chatbot.settings import Settings, read_settings
from ui.command import JsonOption, err, out, print_json, sentences_only

app = typer.Typer(no_args_is_help=True, help="Versions of a brand's adapter: list, choose, try, go back.")
BrandArgument = Annotated[str, typer.Argument(help="The brand's name.")]
VersionArgument = Annotated[str, typer.Argument(help='A number of `triptych adapter list`, or "shipped".')]


@app.command("list")
@sentences_only
def list_(brand: BrandArgument, json_: JsonOption = False) -> None:
    """Every version: when it was made, of what, and which one is in use."""
    found = document(brand, _home(brand))
    if json_:
        print_json(found)
        return
    if not found["versions"]:
        out.print(f"Brand {brand!r} has no adapter yet. Train one: triptych train {brand}", markup=False)
        return
    out.print(_table(found))
    if found["fault"]:
        err.print(found["fault"], style="red", markup=False, soft_wrap=True)


@app.command()
@sentences_only
def use(brand: BrandArgument, version: VersionArgument, json_: JsonOption = False) -> None:
    """Take a version into use, from the next start on."""
    _told(use_version(brand, _home(brand), version).name, brand, json_)


@app.command()
@sentences_only
def back(brand: BrandArgument, json_: JsonOption = False) -> None:
    """Take the version into use that was before this one."""
    _told(back_to(brand, _home(brand)).name, brand, json_)


@app.command()
@sentences_only
def remove(brand: BrandArgument, version: VersionArgument, json_: JsonOption = False) -> None:
    """Delete a version that is not in use, for good."""
    remove_version(brand, _home(brand), version)
    if json_:
        print_json({"brand": brand, "removed": version})
    else:
        out.print(f"Version {version} of {brand}'s adapter is deleted.", markup=False)


@app.command("try")
@sentences_only
def try_(
    brand: BrandArgument,
    version: VersionArgument,
    against: Annotated[str, typer.Option(help="The version to compare with [default: the one in use].")] = "",
    mode: Annotated[str, typer.Option(help="combined or fine-tuned.")] = "combined",
    suite: Annotated[Path | None, typer.Option(help="File of questions [default: the brand's own].")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many, even over the situations.")] = None,
    json_: JsonOption = False,
) -> None:
    """Put the suite to two versions and say whether the new one is worse. Exit 0 no, 1 yes, 3 not enough data."""
    from ui.qa import print_examined

    settings = read_settings(brand=brand)
    new = named(brand, settings.home, version)
    old = chosen(brand, settings.home, against)
    if old.name == new.name:
        raise AdapterError(f"Version {new.name} is compared with itself. Name another one: --against VERSION.")
    first = _examined(settings, old.name, mode, suite, sample, None, json_)
    found = _examined(settings, new.name, mode, suite, sample, first.folder, json_)
    if json_:
        from chatbot.quality.report import report_document

        print_json({"brand": brand, "version": new.name, "against": old.name, **report_document(found.folder)})
    else:
        print_examined(found, out)
        out.print(f"Version {new.name} was compared with version {old.name}. To take it into use:", markup=False)
        out.print(f"  triptych adapter use {brand} {new.name}", markup=False)
    if found.gate.exit_code:
        raise typer.Exit(found.gate.exit_code)


def _examined(
    settings: Settings, version: str, mode: str, suite: Path | None, sample: int | None, baseline: Path | None,
    quiet: bool,
) -> Any:  # fmt: skip
    """One version's run; replies that an earlier run left are not written again."""
    from dataclasses import replace

    from chatbot import bot as bots
    from chatbot.quality.session import order
    from ui.qa import examine_brand
    from ui.terminal import told

    mine = replace(settings, adapter=version)
    what = order(mine, suite, (mode,), sample, None, baseline)
    err.print(f"Version {version}: {len(what.cases)} questions", markup=False) if not quiet else None
    with told(err, "Waking the model", quiet=quiet):
        bot = bots.open_bot(mine)
    try:
        return examine_brand(bot, what, err, quiet=quiet)
    finally:
        bot.engine.close()


def _home(brand: str) -> Path:
    """Raises BrandError where there is no such brand."""
    from chatbot.brand import find_brand

    home = read_settings().home
    find_brand(brand, home)
    return home


def _told(version: str, brand: str, json_: bool) -> None:
    if json_:
        print_json({"brand": brand, "current": version})
    else:
        out.print(f"Version {version} of {brand}'s adapter is used from the next start on.", markup=False)


def _table(found: dict[str, Any]) -> Table:
    table = Table("version", "made", "of", "held out", "")
    for one in found["versions"]:
        table.add_row(
            *map(Text, (one["version"], one.get("made", ""), *_made_of(one), "in use" if one["current"] else ""))
        )
    return table


def _made_of(one: dict[str, Any]) -> tuple[str, str]:
    if one["fault"]:
        return one["fault"], ""
    if one["pairs"] is None:
        began = f", from version {one['parent']}" if one["parent"] else ""
        return f"{one['examples']} examples{began}", f"loss {one['eval_loss']:.3f}"
    pairs = f"{one['pairs']} preferences, from version {one['parent']}"
    return pairs, f"better reply gains in {one['accuracy']:.0%} of {one['held_out']}"
