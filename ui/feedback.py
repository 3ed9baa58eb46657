"""`triptych feedback`: read the votes, take them out, or delete what must not be kept."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from chatbot.errors import FeedbackError
from chatbot.settings import read_settings
from knowledge.disk import write_whole
from ui.command import JsonOption, print_json, sentences_only

app = typer.Typer(no_args_is_help=True, help="Blind votes: read them, export them, or delete what is not to be kept.")

BrandOption = Annotated[str | None, typer.Option(help="Only this brand's [default: all].")]
FormatOption = Annotated[
    Literal["csv", "jsonl", "dpo"], typer.Option("--format", help="A table, JSON lines, or preference pairs for TRL.")
]


@app.command()
@sentences_only
def report(
    brand: Annotated[str | None, typer.Option(help="Whose votes [default: northwind].")] = None,
    experiment: Annotated[str | None, typer.Option(help="Only this experiment's [default: all together].")] = None,
    out: Annotated[Path | None, typer.Option(help="HTML file to write: one page that needs no network.")] = None,
    json_: JsonOption = False,
) -> None:
    """Which mode do people prefer, how sure is that, and what to know first. Look as often as you like."""
    from chatbot.feedback.gather import read
    from chatbot.feedback.report import page
    from chatbot.feedback.store import open_store
    from chatbot.feedback.wording import verdict_lines, warnings

    settings = read_settings(brand=brand)
    store = open_store(settings)
    try:
        found = read(store, settings, settings.brand, experiment)
    finally:
        store.close()
    if out is not None:
        _write(out, page(found))
    where = {"out": str(out)} if out is not None else {}
    if json_:
        print_json({"brand": settings.brand, **found.results.document(), **where})
        return
    for said in (*verdict_lines(found.results), *(f"Beware. {one}" for one in warnings(found.results))):
        typer.echo(said)
    if out is not None:
        typer.echo(f"Written: {out}", err=True)


@app.command()
@sentences_only
def export(
    brand: BrandOption = None,
    format_: FormatOption = "jsonl",
    out: Annotated[Path | None, typer.Option(help="File to write [default: print it].")] = None,
    json_: JsonOption = False,
) -> None:
    """Everything that was collected, or the pairs of a better and a worse reply; says what does not count, and why."""
    from chatbot.feedback.export import account, as_csv, as_jsonl, preference_pairs, records
    from chatbot.feedback.store import open_store

    store = open_store(read_settings())
    try:
        found = records(store, brand)
        told = account(store, found, brand, pairs=format_ == "dpo")
    finally:
        store.close()
    rows = preference_pairs(found) if format_ == "dpo" else found
    text = as_csv(rows) if format_ == "csv" else as_jsonl(rows)
    if out is not None:
        _write(out, text)
    elif not json_:
        sys.stdout.write(text)
    where = {"out": str(out)} if out is not None else {"rows": rows}
    if json_:
        print_json({"format": format_, **told.document(), "written": len(rows), **where})
        return
    why = ", ".join(f"{n} {reason}" for reason, n in told.excluded.items()) or "none"
    typer.echo(f"{told.cast} votes cast, {told.counted} counted, excluded: {why}. {len(rows)} rows.", err=True)


@app.command()
@sentences_only
def purge(
    older_than: Annotated[str | None, typer.Option(help="Age in days, as 90d.")] = None,
    voter: Annotated[str | None, typer.Option(help="Only this voter's; without an age all of it.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json_: JsonOption = False,
) -> None:
    """Delete battles, votes and thumbs for good. Their numbers stay, under a reason; tickets are not touched."""
    from chatbot.feedback.forget import days, due, forget
    from chatbot.feedback.store import open_store

    age = days(older_than) if older_than is not None else None
    store = open_store(read_settings())
    try:
        found = due(store, age, voter)
        if not yes and not _agreed(found, asks=not json_):
            raise typer.Exit(1)
        gone = forget(store, age, voter)
    finally:
        store.close()
    if json_:
        print_json({**vars(gone), "deleted": True})
    else:
        typer.echo(f"Deleted {gone.battles} battles, {gone.votes} votes and {gone.thumbs} thumbs.")


def _agreed(found: Any, asks: bool) -> bool:
    what = f"{found.battles} battles, {found.votes} votes and {found.thumbs} thumbs"
    if not asks:
        raise FeedbackError(f"{what} would be deleted for good. Nothing was: add --yes to do it.")
    return typer.confirm(f"Delete {what} for good?")


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        raise FeedbackError(f"{path} cannot be written ({error.strerror}). Choose another --out.") from error
