"""An examination: cases as JSON lines, each checked before any model runs.

One line: {"id", "question", "history"?, "situation"?, "must": ["fact"...], "must_not": [...],
"answerable": true|false, "article": "file.md"?, "tags"?: [...]}. A fact is text, found whatever its
case, or a regular expression written "/.../"."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from chatbot.errors import SuiteError
from chatbot.message import Message

HELD_OUT = "held-out"  # the tag of a case about an article that training never saw
KEYS = {"id", "question", "history", "situation", "must", "must_not", "answerable", "article", "tags"}


@dataclass(frozen=True)
class Case:
    """One examination question. `situation` is what a careful person would call it."""

    id: str
    question: str
    history: tuple[Message, ...]
    situation: str | None
    must: tuple[str, ...]
    must_not: tuple[str, ...]
    answerable: bool
    article: str | None  # file.md
    tags: tuple[str, ...]


def read_suite(path: Path, situations: Sequence[str] | None = None) -> list[Case]:
    """Every line of `path`, checked. Raises SuiteError naming the file and the line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError as error:
        raise SuiteError(f"There is no suite {path}.") from error
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    cases = [_case(line, f"{path.name}, line {n}", situations) for n, line in enumerate(lines, 1) if line.strip()]
    if not cases:
        raise SuiteError(f"The suite {path} holds no cases.")
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise SuiteError(f"{path.name}: the id {case.id!r} is used twice.")
        seen.add(case.id)
    return cases


def sample(cases: Sequence[Case], n: int, seed: int) -> list[Case]:
    """`n` cases (all if there are no more), drawn in turn from every situation, in the suite's order."""
    wanted = set(evenly({case.id: case.situation or "" for case in cases}, seed)[:n])
    return [case for case in cases if case.id in wanted]


def evenly(situations: Mapping[str, str], seed: int) -> list[str]:
    """Case ids (given with their situations) in such an order that every beginning of it is even over situations."""
    rng = random.Random(seed)
    groups: dict[str, list[str]] = {}
    for case in rng.sample(list(situations), len(situations)):
        groups.setdefault(situations[case], []).append(case)
    turns = rng.sample(sorted(groups), len(groups))  # by the alphabet a short draw would never reach "upset"
    rounds = zip_longest(*(groups[name] for name in turns))
    return [case for one in rounds for case in one if case is not None]


def holds(fact: str, text: str) -> re.Match[str] | None:
    """Where `fact` (text, or "/regular expression/") stands in `text`, whatever its case."""
    pattern = fact[1:-1] if is_pattern(fact) else re.escape(fact)
    return re.search(pattern, text, re.IGNORECASE)


def is_pattern(fact: str) -> bool:
    """Is it written "/.../"?"""
    return len(fact) > 2 and fact.startswith("/") and fact.endswith("/")


def _case(line: str, place: str, situations: Sequence[str] | None) -> Case:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise SuiteError(f"{place} is not valid JSON: {error}.") from error
    if not isinstance(data, dict):
        raise SuiteError(f"{place} is not a JSON object in braces.")
    if extra := sorted(set(data) - KEYS):
        raise SuiteError(f"{place} has the unknown key {extra[0]!r}; known are {', '.join(sorted(KEYS))}.")
    situation = data.get("situation")
    if situation is not None and situations is not None and situation not in situations:
        raise SuiteError(f"{place} names the situation {situation!r}; known are {', '.join(situations)}.")
    if not isinstance(data.get("answerable"), bool):
        raise SuiteError(f"{place}: 'answerable' must be true or false.")
    return Case(
        id=_text(data.get("id"), place, "id"),
        question=_text(data.get("question"), place, "question"),
        history=_history(data.get("history", []), place),
        situation=situation,
        must=_facts(data.get("must", []), place, "must"),
        must_not=_facts(data.get("must_not", []), place, "must_not"),
        answerable=data["answerable"],
        article=None if data.get("article") is None else _text(data["article"], place, "article"),
        tags=_texts(data.get("tags", []), place, "tags"),
    )


def _history(found: Any, place: str) -> tuple[Message, ...]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise SuiteError(f"{place}: 'history' must be a list of messages.")
    made = []
    for number, one in enumerate(found):
        role = "user" if number % 2 == 0 else "assistant"
        if one.get("role") != role:
            raise SuiteError(f"{place}: message {number + 1} of 'history' must be from {role!r}.")
        made.append(Message(role, _text(one.get("content"), place, "content")))  # type: ignore[arg-type]
    if len(made) % 2:
        raise SuiteError(f"{place}: 'history' must end with the assistant's reply.")
    return tuple(made)


def _facts(found: Any, place: str, key: str) -> tuple[str, ...]:
    facts = _texts(found, place, key)
    for fact in facts:
        try:
            holds(fact, "")
        except re.error as error:
            raise SuiteError(f"{place}: {fact!r} in {key!r} is no regular expression: {error}.") from error
    return facts


def _texts(found: Any, place: str, key: str) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise SuiteError(f"{place}: {key!r} must be a list.")
    return tuple(_text(one, place, key) for one in found)


def _text(value: Any, place: str, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SuiteError(f"{place}: {key!r} must be text and not empty.")
    return value
