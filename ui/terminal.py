"""How a turn, passages and findings look in a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from chatbot.bot import Bot
from chatbot.brief import Brief, Turn
from chatbot.errors import SHOWN
from chatbot.message import Message
from chatbot.mode import COMBINED, Mode
from chatbot.speed import Speed
from knowledge.search import Hit
from ui.doctor import Finding

NOTES = {
    "length": "cut at the length limit",
    "deadline": "out of time",
    "cancelled": "stopped",
    "stop": "",
    "approved": "approved wording, no model wrote it",
}


@contextmanager
def told(console: Console, what: str, quiet: bool = False) -> Iterator[None]:
    """A spinner with a line, where there is a person to see it."""
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(f"{what} ..."):
        yield


def print_speed(found: Speed, console: Console) -> None:
    """The two ways side by side, then what was measured."""
    table = Table("", "first word", "whole reply", "tokens a second, each row")
    rows = [("one mode alone", found.one_first_token_s, found.one_mode_s, found.one_steps_per_s)]
    if found.modes > 1:
        rows.append((f"{found.modes} modes together", found.first_token_s, found.three_mode_s, found.steps_per_s))
    for name, first, whole, pace in rows:
        table.add_row(name, f"{first:.2f} s", f"{whole:.2f} s", f"{pace:.1f}")
    console.print(table)
    if found.modes > 1:
        console.print(f"All {found.modes} together take {found.ratio:.2f} times as long as one alone.")
    worn = f"adapter {found.adapter}" if found.adapter else f"no adapter ({found.fault})"
    console.print(
        f"{found.base}, {worn}, {found.dtype} on {found.device}, awake after {found.load_s:.1f} s. Prompts of "
        f"{found.prompt_tokens} tokens, replies of {found.new_tokens}; medians of {found.rounds}, by turns.",
        soft_wrap=True,
        markup=False,
    )


def stream(bot: Bot, brief: Brief, console: Console, quiet: bool = False) -> Turn:
    """Write the brief; on a terminal the columns grow on screen. Ctrl-C stops with what there is."""
    run = bot.write(brief)
    texts = [""] * len(brief.modes)
    live = Live(console=console, refresh_per_second=8, transient=True)
    show = console.is_terminal and not quiet
    if show:
        live.start()
    try:
        while True:
            try:
                for column in run:
                    texts = [text + piece for text, piece in zip(texts, column, strict=True)]
                    if show:
                        live.update(_columns(brief.modes, texts))
                break
            except KeyboardInterrupt:
                run.stop()
    finally:
        live.stop()
    return bot.turn(brief, texts, [end for end in run.ends if end is not None])


def print_turn(turn: Turn, console: Console) -> None:
    """The situation, then one panel per mode."""
    verdict = turn.brief.verdict
    console.print(f"Situation: {verdict.situation.name} ({verdict.confidence:.0%}, {verdict.origin})", markup=False)
    names = ", ".join(f"{hit.passage.id} {hit.score:.2f}" for hit in turn.brief.hits)
    console.print(f"Passages: {names or 'none found'}", markup=False)
    for reply in turn.replies:
        body = Text(reply.text)
        if reply.unsupported:
            body.append(f"\n\nNot in the sources: {', '.join(reply.unsupported)}", style="yellow")
        end = reply.end
        foot = f"{end.tokens_out} tokens, first after {end.first_token_s:.1f} s, {end.total_s:.1f} s in all"
        note = NOTES[end.finish]
        console.print(Panel(body, title=reply.mode.label, subtitle=f"{note}, {foot}" if note else foot))


def print_passages(hits: Sequence[Hit], answered: bool, seconds: float, console: Console) -> None:
    """A table of passages, or the sentence that there are none; and whether a chat would use them."""
    if not hits:
        console.print("No passage is close enough to that question.")
        return
    table = Table("score", "passage", "text")
    for hit in hits:
        table.add_row(f"{hit.score:.2f}", Text(hit.passage.id), Text(hit.text))
    console.print(table)
    console.print(f"{seconds * 1000:.0f} ms")
    if hits[0].reordered is not None:
        console.print(f"Reordered by {hits[0].reordered.by}.", markup=False)
    if not answered:
        console.print("It is more like the questions that no article answers: in a chat no mode is given these.")


def print_tickets(found: Sequence[Mapping[str, Any]], console: Console) -> None:
    """A table of tickets, or the sentence that there are none."""
    if not found:
        console.print("No ticket yet. The page fills one where a situation calls a person, or on a click.")
        return
    table = Table("ticket", "when (UTC)", "order", "about")
    for one in found:
        table.add_row(one["id"], one["at"], ", ".join(one["order_numbers"]), Text(one["summary"]))
    console.print(table)


def print_doctor(findings: Sequence[Finding], console: Console) -> None:
    """One line each, and the way out below what is not ok."""
    for one in findings:
        mark = Text("ok   ", style="green") if one.ok else Text("FAULT", style="red")
        console.print(mark, Text(f"{one.what}: {one.detail}"), soft_wrap=True)
        if not one.ok:
            console.print(Text(f"      {one.way_out}"), soft_wrap=True)


def converse(bot: Bot, modes: Sequence[Mode], console: Console) -> None:
    """Read, answer, repeat. The history every mode sees is the Combined reply's, or the first mode's."""
    history: list[Message] = []
    last: Turn | None = None
    console.print(f"{bot.name}. Ask as a customer would; /quit ends, /new begins anew, /why gives reasons.")
    while True:
        try:
            said = console.input("\n> ").strip()
        except EOFError:
            return
        if said in ("/quit", "/exit"):
            return
        if said == "/new":
            history, last = [], None
            console.print("A new conversation.")
        elif said == "/why":
            _print_reasons(last, console)
        elif said:
            last = _answer(bot, said, modes, history, console) or last


def _answer(bot: Bot, said: str, modes: Sequence[Mode], history: list[Message], console: Console) -> Turn | None:
    try:
        turn = stream(bot, bot.prepare(said, modes, history), console)
    except SHOWN as error:
        console.print(str(error), style="red", markup=False)
        return None
    print_turn(turn, console)
    carried = next((r for r in turn.replies if r.mode == COMBINED), turn.replies[0])
    history += [Message("user", said), Message("assistant", carried.text)]
    return turn


def _print_reasons(turn: Turn | None, console: Console) -> None:
    if turn is None:
        console.print("Nothing has been asked yet.")
        return
    for one in turn.brief.verdict.evidence:
        console.print(Text(f"{one.cosine:.2f}  {one.situation}: {one.utterance}"))
    for mode, prompt in zip(turn.brief.modes, turn.brief.prompts, strict=True):
        console.print(Panel(Text(prompt), title=f"The exact prompt: {mode.label}"))


def _columns(modes: Sequence[Mode], texts: Sequence[str]) -> Table:
    table = Table(*[mode.label for mode in modes], expand=True)
    table.add_row(*[Text(text) for text in texts])
    return table
