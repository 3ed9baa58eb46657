"""Preference pairs: JSON lines in TRL's DPO columns, each checked before any training begins.

One line, as `triptych feedback export --format dpo` writes it: {"prompt": [{"role", "content"}, ...], "chosen":
[{"role": "assistant", "content"}], "rejected": [...]}; other columns are left alone. Knows no votes and no model."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.errors import ExampleError
from adapters.examples import CONTROL

COLUMNS = ("prompt", "chosen", "rejected")
WAY_OUT = "Take the line out, or export the votes again: triptych feedback export --format dpo --out FILE"
Chat = tuple[tuple[str, str], ...]  # (role, content)


@dataclass(frozen=True)
class Pair:
    """One checked line: what both replies answer, the better one and the worse one."""

    chat: Chat
    chosen: str
    rejected: str
    place: str  # file and line, for messages


def read_pairs(path: Path) -> list[Pair]:
    """Every line of `path`, checked. Raises ExampleError naming the file, and every line with a fault."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # a reply may hold U+2028
    except OSError as error:
        raise ExampleError(
            f"The preferences in {path} cannot be read ({error.strerror}). Name another file."
        ) from error
    except UnicodeDecodeError as error:
        raise ExampleError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    numbered = [(line, f"{path.name}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not numbered:
        raise ExampleError(
            f"{path} holds no preference pairs. Collect votes, then: triptych feedback export --format dpo"
        )
    return each_checked(numbered, check_pair)


def each_checked(numbered: Sequence[tuple[Any, str]], check: Callable[[Any, str], Any]) -> list[Any]:
    """`check(one, place)` of each. Raises one ExampleError for all: the first fault whole, the others' places."""
    found, faults = [], []
    for one, place in numbered:
        try:
            found.append(check(one, place))
        except ExampleError as error:
            faults.append((place, str(error)))
    if faults:
        others = ", ".join(place.rsplit(" ", 1)[-1] for place, _ in faults[1:])
        more = f" Lines with faults besides: {others}." if others else ""
        raise ExampleError(f"{faults[0][1]}{more} {WAY_OUT}")
    return found


def check_pair(line: str, place: str) -> Pair:
    """The pair in `line`. Raises ExampleError."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ExampleError(f"{place} is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ExampleError(f"{place} is not a JSON object in braces.")
    if missing := [name for name in COLUMNS if name not in data]:
        raise ExampleError(f"{place} lacks {missing[0]!r}; needed are {', '.join(COLUMNS)}.")
    pair = Pair(_prompt(data["prompt"], place), _reply(data, "chosen", place), _reply(data, "rejected", place), place)
    if pair.chosen.split() == pair.rejected.split():
        raise ExampleError(f"{place}: 'chosen' and 'rejected' are the same reply, which nothing can be learnt from.")
    return pair


def split(pairs: Sequence[Pair], share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """(learnt, held out), seeded. Pairs with one prompt stay together: a question that is learnt measures nothing.

    Raises ExampleError where all have the same prompt.
    """
    prompts = sorted({pair.chat for pair in pairs})
    if len(prompts) < 2:
        raise ExampleError(
            f"The {len(pairs)} preference pairs all answer one and the same prompt, so none can be held out to measure "
            f"on. Collect votes on other questions."
        )
    random.Random(seed).shuffle(prompts)
    held: set[Chat] = set()
    for chat in prompts[:-1]:
        if held and sum(pair.chat in held for pair in pairs) >= round(share * len(pairs)):
            break
        held.add(chat)
    return [pair for pair in pairs if pair.chat not in held], [pair for pair in pairs if pair.chat in held]


def contradicted(pairs: Sequence[Pair]) -> int:
    """Pairs whose opposite is there too: two people, two tastes. They stay in, and pull both ways."""
    said = {(pair.chat, pair.chosen, pair.rejected) for pair in pairs}
    return sum((pair.chat, pair.rejected, pair.chosen) in said for pair in pairs)


def _prompt(messages: Any, place: str) -> Chat:
    chat = _messages(messages, "prompt", place)
    roles = [role for role, _ in chat]
    wanted = ["system", *(["user", "assistant"] * len(roles))]
    for number, (role, want) in enumerate(zip(roles, wanted, strict=False), 1):
        if role != want:
            raise ExampleError(f"{place}: message {number} of 'prompt' is from {role!r} where {want!r} is due.")
    if roles[-1] != "user":
        raise ExampleError(f"{place}: 'prompt' must end with the customer's message (role 'user').")
    return chat


def _reply(data: Any, column: str, place: str) -> str:
    messages = _messages(data[column], column, place)
    if [role for role, _ in messages] != ["assistant"]:
        raise ExampleError(f"{place}: {column!r} must be one message with the role 'assistant'.")
    content = messages[0][1]
    if found := CONTROL.search(content):
        raise ExampleError(f"{place}: {column!r} holds the control token {found[0]!r}.")
    return content


def _messages(found: Any, column: str, place: str) -> Chat:
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise ExampleError(f"{place}: {column!r} must be a list of messages, each with 'role' and 'content'.")
    return tuple((str(one.get("role")), _text(one.get("content"), column, place)) for one in found)


def _text(value: Any, column: str, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ExampleError(f"{place}: a 'content' in {column!r} must be text and not empty.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ExampleError(f"{place}: {column!r} holds half a character (a lone surrogate).") from error
    return value
