"""The command `triptych`: the terminal face of the same turn. `--json` prints one JSON document.

Every command ends with exit code 0, or with 1 and one sentence on stderr."""

import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from chatbot.errors import SettingError
from chatbot.settings import read_settings
from ui import brands, feedback, tones
from ui.command import JsonOption, err, out, print_json, sentences_only
from ui.terminal import print_doctor, print_passages, print_speed, print_tickets, print_turn, stream, told

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="One question, three answers: base-prompted, fine-tuned and combined, side by side.",
)
app.add_typer(brands.app, name="brand")
app.add_typer(feedback.app, name="feedback")
app.add_typer(tones.app, name="adapter")

BrandOption = Annotated[str | None, typer.Option(help="Brand to answer for [default: northwind].")]
AdapterOption = Annotated[str | None, typer.Option(help="Version of the adapter [default: the one in use].")]
BaseOption = Annotated[str | None, typer.Option(help="Base model: name, Hugging Face id or folder.")]
SeedOption = Annotated[int | None, typer.Option(help="Seed for sampling, the same for every mode.")]
SituationOption = Annotated[str | None, typer.Option(help="Treat the message as this situation.")]
TemperatureOption = Annotated[float | None, typer.Option(help="0 is greedy; up to 2.")]
TokensOption = Annotated[int | None, typer.Option("--max-new-tokens", help="Longest reply, in tokens.")]
ModeOption = Annotated[str, typer.Option(help="base-prompted, fine-tuned, combined, plain, or all (three).")]

ModesOption = Annotated[
    list[str] | None,
    typer.Option("--mode", help="base-prompted, fine-tuned, combined, plain, or all (three); may be repeated."),
]


@app.command()
@sentences_only
def ask(
    question: Annotated[str, typer.Argument(help="What a customer would ask.")],
    brand: BrandOption = None,
    mode: ModeOption = "all",
    situation: SituationOption = None,
    seed: SeedOption = None,
    temperature: TemperatureOption = None,
    max_new_tokens: TokensOption = None,
    base: BaseOption = None,
    adapter: AdapterOption = None,
    json_: JsonOption = False,
) -> None:
    """Answer one question in one mode, or in all three."""
    from chatbot.bot import open_bot
    from chatbot.mode import modes_named
    from ui.documents import ask_document

    modes = modes_named(mode)
    settings = read_settings(
        brand=brand, base=base, adapter=adapter, seed=seed, temperature=temperature, max_new_tokens=max_new_tokens
    )
    with told(err, "Waking the model", quiet=json_):
        bot = open_bot(settings)
    brief = bot.prepare(question, modes, situation=situation)
    turn = stream(bot, brief, err, quiet=json_)
    if json_:
        print_json(ask_document(turn))
    else:
        print_turn(turn, out)


@app.command()
@sentences_only
def tickets(brand: BrandOption = None, json_: JsonOption = False) -> None:
    """Show the tickets for people that conversations left, oldest first."""
    from chatbot.brand import find_brand
    from chatbot.feedback.shelf import import_tickets, read_tickets
    from chatbot.feedback.store import open_store

    settings = read_settings(brand=brand)
    key = find_brand(settings.brand, settings.home).key
    store = open_store(settings)
    try:
        import_tickets(store, settings.home, key)
        found = read_tickets(store, key)
    finally:
        store.close()
    if json_:
        print_json({"brand": settings.brand, "tickets": found})
    else:
        print_tickets(found, out)


@app.command()
@sentences_only
def search(
    question: Annotated[str, typer.Argument(help="What to look for in the articles.")],
    brand: BrandOption = None,
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many passages at most.")] = 5,
    article: Annotated[list[str] | None, typer.Option(help="Only in this article; may be repeated.")] = None,
    json_: JsonOption = False,
) -> None:
    """Show the passages that a question would find, with their scores."""
    import time

    from chatbot.bot import open_knowledge
    from ui.documents import search_document

    searcher = open_knowledge(read_settings(brand=brand))
    began = time.perf_counter()
    hits = searcher.search(question, k, article or ())
    seconds = time.perf_counter() - began
    if json_:
        print_json(search_document(question, hits, seconds))
    else:
        print_passages(hits, searcher.judge(question).answered, seconds, out)


@app.command()
@sentences_only
def chat(
    brand: BrandOption = None,
    mode: ModeOption = "combined",
    seed: SeedOption = None,
    temperature: TemperatureOption = None,
    base: BaseOption = None,
    adapter: AdapterOption = None,
) -> None:
    """Talk in the terminal; /quit ends, /new begins anew, /why shows the reasons of the last answer."""
    from chatbot.bot import open_bot
    from chatbot.mode import modes_named
    from ui.terminal import converse

    modes = modes_named(mode)
    with told(err, "Waking the model"):
        settings = read_settings(brand=brand, base=base, adapter=adapter, seed=seed, temperature=temperature)
        bot = open_bot(settings)
    converse(bot, modes, out)


@app.command()
@sentences_only
def train(
    brand: Annotated[str, typer.Argument(help="Brand whose examples.jsonl to train on.")],
    base: BaseOption = None,
    examples: Annotated[Path | None, typer.Option(help="Another file of examples.")] = None,
    out_: Annotated[Path | None, typer.Option("--out", help="Folder for the adapter.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, max=20, help="Passes over the examples.")] = None,
    rank: Annotated[int | None, typer.Option(min=1, max=64, help="LoRA rank.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=1e-6, max=1e-1)] = None,
    seed: SeedOption = None,
    preferences: Annotated[Path | None, typer.Option(help="Pairs to go on from the adapter with.")] = None,
    beta: Annotated[float | None, typer.Option(min=0.001, max=10, help="With pairs: how closely to stay.")] = None,
    go_on: Annotated[bool, typer.Option("--go-on", help="From the adapter in use, not from the bare base.")] = False,
    adapter: AdapterOption = None,
    use: Annotated[bool, typer.Option("--use", help="With pairs: take the new version into use at once.")] = False,
    json_: JsonOption = False,
) -> None:
    """Train the brand's tone on the CPU, with a bar; stopped, it goes on where it was. Every training makes a version.

    With --go-on it begins as the adapter in use and tells an even draw of the examples once, the last of the file
    first. With --preferences it goes on from the adapter in use, by TRL's DPO, and that one stays in use.
    """
    settings = read_settings(brand=brand, base=base, adapter=adapter)
    knobs = {"epochs": epochs, "learning_rate": learning_rate, "seed": seed}
    if preferences is not None:
        from ui.preferring import prefer_brand

        _only_without("--preferences", examples=examples, rank=rank, **{"go-on": go_on or None})
        document = prefer_brand(settings, preferences, out_, knobs | {"beta": beta}, use, err, quiet=json_)
    else:
        from ui.training import train_brand

        _only_with("--preferences FILE", beta=beta, use=use or None)
        if go_on:
            _only_without("--go-on", rank=rank, epochs=epochs)
        else:
            _only_with("--preferences FILE or --go-on", adapter=adapter)
        document = train_brand(settings, examples, out_, knobs | {"rank": rank}, err, quiet=json_, go_on=go_on)
    if json_:
        print_json(document)


@app.command()
@sentences_only
def qa(
    brand: BrandOption = None,
    suite: Annotated[Path | None, typer.Option(help="File of questions [default: the brand's own].")] = None,
    mode: ModesOption = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Only so many, even over the situations.")] = None,
    out_: Annotated[Path | None, typer.Option("--out", help="Folder for report and replies.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="An earlier run's folder, or its outcomes.jsonl.")] = None,
    consistency: Annotated[bool, typer.Option("--consistency", help="Ask everything five times more.")] = False,
    seed: SeedOption = None,
    base: BaseOption = None,
    adapter: AdapterOption = None,
    json_: JsonOption = False,
) -> None:
    """Put a suite of questions to every mode and mark the replies. Exit 0 passed, 1 failed, 3 not enough data."""
    from chatbot.bot import open_bot
    from chatbot.quality.report import report_document
    from chatbot.quality.session import order
    from ui.qa import examine_brand, print_examined

    settings = read_settings(brand=brand, base=base, adapter=adapter, seed=seed)
    what = order(settings, suite, mode or ("all",), sample, out_, baseline, consistency)
    with told(err, "Waking the model", quiet=json_):
        bot = open_bot(settings)
    found = examine_brand(bot, what, err, quiet=json_)
    if json_:
        print_json(report_document(found.folder))
    else:
        print_examined(found, out)
    if found.gate.exit_code:
        raise typer.Exit(found.gate.exit_code)


@app.command()
@sentences_only
def bench(
    brand: BrandOption = None,
    modes: Annotated[int, typer.Option(min=1, max=3, help="Columns written together.")] = 3,
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Length of each prompt.")] = 335,
    new_tokens: Annotated[int, typer.Option(min=1, help="Length of each reply.")] = 100,
    base: BaseOption = None,
    adapter: AdapterOption = None,
    json_: JsonOption = False,
) -> None:
    """Time this machine: one mode alone against all columns together."""
    from chatbot.speed import measure_speed
    from ui.counted import counted

    settings = read_settings(brand=brand, base=base, adapter=adapter)
    with counted(err, "batches", quiet=json_) as tell:
        found = measure_speed(settings, modes, prompt_tokens, new_tokens, tell)
    if json_:
        print_json(asdict(found))
    else:
        print_speed(found, out)


@app.command()
@sentences_only
def setup(brand: BrandOption = None, base: BaseOption = None) -> None:
    """Fetch and check the models and build the index; repeats do only what is missing."""
    from ui.setup import set_up

    set_up(read_settings(brand=brand, base=base), err)


@app.command()
@sentences_only
def doctor(brand: BrandOption = None, base: BaseOption = None, json_: JsonOption = False) -> None:
    """Say of every package, model, file and folder whether it is ok, and if not, the way out."""
    from ui.doctor import examine

    findings = examine(read_settings(brand=brand, base=base))
    if json_:
        print_json({"ok": all(one.ok for one in findings), "findings": [one.document() for one in findings]})
    else:
        print_doctor(findings, out)
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def _only_without(option: str, **given: object) -> None:
    for name in (name for name, value in given.items() if value is not None):
        raise SettingError(f"--{name} says nothing with {option}, which goes on from an adapter. Leave one out.")


def _only_with(option: str, **given: object) -> None:
    for name in (name for name, value in given.items() if value is not None):
        raise SettingError(f"--{name} says something only with {option}. Add that, or leave it out.")


def main() -> None:
    """The entry point. Libraries' own logs and bars stay off the user's screen."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    logging.getLogger("chatbot.bot").setLevel(logging.WARNING)  # says why it takes minutes, where it does
    import warnings

    warnings.simplefilter("ignore")  # advice between libraries; tests run with warnings as errors
    app()
