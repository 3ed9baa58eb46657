"""Training examples: JSON lines, each checked before any training begins.

One line: {"situation", "article"?, "detect"?, "context": ["Title › Heading: text", ...],
"messages": [{"role", "content"}, ...]}, the last message being the brand's reply. With "detect": false the customer's
message teaches the tone alone, not what tells situations apart."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.errors import ExampleError

CONTROL = re.compile(r"<\|[^|<>]*\|>|</?s>")  # tokens that would end or forge a turn
KEYS = {"situation", "article", "detect", "context", "messages"}
LONGEST = 4000  # characters in one message or passage


@dataclass(frozen=True)
class Example:
    """One checked line. `turns` are (role, content) in order, the last one the reply."""

    situation: str
    article: str | None
    context: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
    place: str  # file and line, for messages
    detect: bool = True  # does the customer's message also teach what tells situations apart?


def read_examples(path: Path, situations: Sequence[str] | None = None) -> list[Example]:
    """Every line of `path`, checked. Raises ExampleError naming the file and the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # a reply may hold U+2028
    except FileNotFoundError as error:
        raise ExampleError(f"There is no file {path} with examples to train on.") from error
    except UnicodeDecodeError as error:
        raise ExampleError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    found = [
        check_line(line, f"{path.name}, line {number}", situations)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if len(found) < 10:
        raise ExampleError(f"{path} holds {len(found)} examples; 10 is the least a tone can be learned from.")
    return found


def split(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """(train, held out): of every 1 / `share` lines one is held out, which one says the seed; at least one in all.

    Lines that are appended move none of the others: a training that goes on measures on what its parent never saw.
    """
    every = max(2, round(1 / share))
    first = seed % min(every, len(examples))
    held = examples[first::every]
    return [one for place, one in enumerate(examples) if (place - first) % every], list(held)


def digest_of(path: Path) -> str:
    """sha256 of the examples' file: which data an adapter was trained on."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_line(line: str, place: str, situations: Sequence[str] | None) -> Example:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise ExampleError(f"{place} is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise ExampleError(f"{place} is not a JSON object in braces.")
    if extra := sorted(set(data) - KEYS):
        raise ExampleError(f"{place} has the unknown key {extra[0]!r}; known are {', '.join(sorted(KEYS))}.")
    situation = _text(data.get("situation"), place, "situation")
    if situations is not None and situation not in situations:
        raise ExampleError(f"{place} names the situation {situation!r}; known are {', '.join(situations)}.")
    context = data.get("context", [])
    if not isinstance(context, list):
        raise ExampleError(f"{place}: 'context' must be a list of passages.")
    passages = tuple(_text(one, place, "context") for one in context)
    article = None if data.get("article") is None else _text(data["article"], place, "article")
    detect = data.get("detect", True)
    if not isinstance(detect, bool):
        raise ExampleError(f"{place}: 'detect' must be true or false.")
    return Example(situation, article, passages, _turns(data.get("messages"), place), place, detect)


def _turns(messages: Any, place: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(messages, list) or len(messages) < 2 or not all(isinstance(m, dict) for m in messages):
        raise ExampleError(f"{place}: 'messages' must be a list of at least a question and a reply.")
    turns = tuple((str(m.get("role")), _text(m.get("content"), place, "content")) for m in messages)
    wanted = ["user", "assistant"] * (len(turns) // 2 + 1)
    for number, ((role, _), want) in enumerate(zip(turns, wanted, strict=False), 1):
        if role != want:
            raise ExampleError(f"{place}: message {number} is from {role!r} where {want!r} is due.")
    if turns[-1][0] != "assistant":
        raise ExampleError(f"{place}: the last message must be the brand's reply (role 'assistant').")
    return turns


def _text(value: Any, place: str, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ExampleError(f"{place}: {key!r} must be text and not empty.")
    if len(value) > LONGEST:
        raise ExampleError(f"{place}: {key!r} has {len(value)} characters; {LONGEST} is the most.")
    if found := CONTROL.search(value):
        raise ExampleError(f"{place}: {key!r} holds the control token {found[0]!r}. Take it out.")
    return value
