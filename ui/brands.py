"""The commands `triptych brand ...`: whose words and articles there are, a prospect's own documents among them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from chatbot.brand import Brand, brands, find_brand, own_articles
from chatbot.errors import BrandError
from chatbot.lineage import versions
from chatbot.settings import Settings, read_settings
from knowledge.importing import GONE, READ, REFUSED, Outcome
from ui.command import JsonOption, err, out, print_json, sentences_only

app = typer.Typer(no_args_is_help=True, help="Brands: list, begin, fill with your own documents, check, pack.")
NameArgument = Annotated[str, typer.Argument(help="The brand's name: small letters, digits, '-' and '_'.")]
COLOURS = {READ: "green", REFUSED: "red", GONE: "yellow"}


@app.command("list")
@sentences_only
def list_(json_: JsonOption = False) -> None:
    """Every brand, where it lies, and what it holds."""
    settings = read_settings()
    found = [_facts(key, settings) for key in brands(settings.home)]
    if json_:
        print_json({"brands": found})
        return
    table = Table("brand", "articles", "tone trained", "lies in")
    for one in found:
        table.add_row(one["brand"], str(one["articles"]), "yes" if one["adapter"] else "no", one["prompts"])
    out.print(table)


@app.command("import")
@sentences_only
def import_(
    name: NameArgument,
    what: Annotated[list[str], typer.Argument(help="Files, folders, zips, web addresses, or a brand's own zip.")],
    replace: Annotated[bool, typer.Option("--replace", help="Write over what is there, even by hand.")] = False,
    json_: JsonOption = False,
) -> None:
    """Make articles of documents, then bring the index up to them."""
    from chatbot.brandzip import holds_brand, install_brand

    settings = read_settings()
    if any(holds_brand(Path(one)) for one in what):
        if len(what) > 1:
            raise BrandError("A brand's own zip is installed by itself. Name it alone.")
        install_brand(Path(what[0]), name, settings.home, replace)
        err.print(f"The brand {name!r} is installed.", markup=False)
        outcomes: list[Outcome] = []
    else:
        outcomes = _import(find_brand(name, settings.home), settings, what, replace)
    report = _index(name, settings, json_) if _worth_indexing(name, settings, outcomes) else None
    if json_:
        print_json({"brand": name, "documents": [one.document() for one in outcomes], "passages": report})
    elif outcomes:
        out.print(outcome_table(outcomes))
        out.print(summary(outcomes), markup=False)
    if outcomes and all(one.state == REFUSED for one in outcomes):
        raise typer.Exit(1)


@app.command()
@sentences_only
def new(
    name: NameArgument,
    called: Annotated[str, typer.Option("--name", help="What customers call it [default: its name].")] = "",
    trade: Annotated[str, typer.Option(help='What it does, as "a lamp shop".')] = "a shop",
    contact: Annotated[str, typer.Option(help="Where a person answers.")] = "",
    signoff: Annotated[str, typer.Option(help="How replies end.")] = "",
    json_: JsonOption = False,
) -> None:
    """Begin a brand: a neutral voice, the situations that any shop has, and one article."""
    from chatbot.brandzip import new_brand

    settings = read_settings()
    called = called or name.replace("-", " ").replace("_", " ").title()
    new_brand(name, settings.home, called, trade, contact or f"help@{name}.example", signoff or f"– {called}")
    brand = find_brand(name, settings.home)
    if json_:
        print_json({"brand": name, "prompts": str(brand.prompts), "articles": str(brand.articles)})
        return
    out.print(f"The brand {name!r} is begun.", markup=False)
    out.print(f"  voice and situations  {brand.prompts}", markup=False, soft_wrap=True)
    out.print(f"  articles              {brand.articles}", markup=False, soft_wrap=True)
    out.print(f"Next: triptych brand import {name} YOUR-DOCUMENTS", markup=False)


@app.command()
@sentences_only
def export(
    name: NameArgument,
    out_: Annotated[Path | None, typer.Option("--out", help="The file to write [default: NAME.zip].")] = None,
    json_: JsonOption = False,
) -> None:
    """Pack a brand's prompts, articles and examples into one zip, for `triptych brand import` elsewhere."""
    from chatbot.brandzip import export_brand

    path = out_ or Path(f"{name}.zip")
    data = export_brand(find_brand(name, read_settings().home))
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BrandError(f"{path} could not be written ({error.strerror}). Name another file with --out.") from error
    if json_:
        print_json({"brand": name, "file": str(path), "bytes": len(data)})
    else:
        out.print(f"{path} holds the brand {name!r}, {len(data) / 1024:.0f} kB.", markup=False, soft_wrap=True)


@app.command()
@sentences_only
def check(name: NameArgument, json_: JsonOption = False) -> None:
    """Name every fault in a brand's prompts, articles and examples, by file and line."""
    from chatbot.brandcheck import check_brand

    found = check_brand(find_brand(name, read_settings().home))
    if json_:
        print_json(found.document())
    else:
        for fault in found.faults:
            out.print(f"FAULT {fault}", markup=False, soft_wrap=True)
        counts = f"{found.situations} situations, {found.articles} articles, {found.examples} examples"
        out.print(f"{'ok   ' if not found.faults else ''}{counts} are in order.", markup=False)
    if found.faults:
        raise typer.Exit(1)


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """How each document ended, a row for each."""
    table = Table("document", "", "became, or why not")
    for one in outcomes:
        became = f"{one.article}, {_counted(one.sections, 'section')}" if one.state == READ else one.why
        table.add_row(Text(one.file), Text(one.state, COLOURS.get(one.state, "")), Text(became))
    return table


def summary(outcomes: Sequence[Outcome]) -> str:
    """ "3 read, 1 skipped, 2 refused." """
    states = [one.state for one in outcomes]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys((READ, *states))) + "."


def _import(brand: Brand, settings: Settings, what: Sequence[str], replace: bool) -> list[Outcome]:
    from knowledge.importing import import_documents

    folder, copied = own_articles(brand, settings.home)
    if copied:
        err.print(f"{brand.key}'s articles were copied to {folder}; from now on these are read.", markup=False)
    with err.status("Reading the documents ...") as status:
        return import_documents(what, folder, lambda one: status.update(f"{one.file}: {one.state}"), replace)


def _worth_indexing(name: str, settings: Settings, outcomes: Sequence[Outcome]) -> bool:
    """Refused documents alone change nothing; a skipped one may come from an import that was killed before its end."""
    return not outcomes or any(one.state != REFUSED for one in outcomes)


def _index(name: str, settings: Settings, quiet: bool) -> int:
    """Bring the index up to the articles; how many passages it has."""
    from rich.console import Console

    from ui.setup import build_knowledge, ready_embedder

    console = Console(quiet=True) if quiet else err
    console.print(f"Knowledge index for {name}", markup=False)
    return build_knowledge(
        find_brand(name, settings.home), settings, ready_embedder(settings, console), console
    ).passages


def _facts(key: str, settings: Settings) -> dict[str, Any]:
    try:
        brand = find_brand(key, settings.home)
    except BrandError:  # prompts without articles: `brand check` says so, the list goes on
        return {"brand": key, "articles": 0, "adapter": False, "prompts": str(settings.home / "prompts" / key)}
    return {
        "brand": key,
        "articles": len(list(brand.articles.glob("*.md"))),
        "adapter": bool(versions(key, settings.home)),
        "prompts": str(brand.prompts),
    }


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
