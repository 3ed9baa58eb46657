"""Read a brand's situations/*.md, one situation each: when it is this one, what to do, what must and must not be said.

What is wrong in a file is found here, by file and line, before any model runs."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from chatbot.errors import PromptError
from chatbot.promptfile import PromptFile, named, read_prompt_file, sections
from chatbot.settings import BOUNDS
from chatbot.situation import (
    ESCALATE,
    FORMATS,
    GIVES_WAY,
    KNOWLEDGE,
    LASTS,
    NEEDED,
    NEVER,
    NO,
    PLAIN,
    TURN,
    YES,
    Shown,
    Situation,
)
from chatbot.voice import Voice

FALLBACKS = ("question", "unknown")  # situations that code itself falls back on
# of `moves`, the rules that tone QA holds a reply to, only quality/rules.py knows more
KNOWN = (
    "name", "description", "knowledge", "utterances", "counter", "cues", "least", "odds", "priority", "excludes",
    "quiet", "gives_way", "lasts", "escalate", "ticket", "format", "decoding", "moves",
)  # fmt: skip
DECODING = ("max_new_tokens", "temperature", "top_p")  # what a situation may set


def read_situations(folder: Path, voice: Voice) -> tuple[Situation, ...]:
    """Every situations/*.md, by file name. Raises PromptError with file and line."""
    found = tuple(read_situation(path, voice) for path in sorted(folder.glob("*.md")))
    missing = [key for key in FALLBACKS if key not in {one.key for one in found}]
    if missing:
        raise PromptError(f"{named(folder)} needs {' and '.join(f'{key}.md' for key in missing)}.")
    return found


def read_situation(path: Path, voice: Voice) -> Situation:
    """One situations/*.md. Raises PromptError with file and line."""
    file = read_prompt_file(path)
    _check_facts(file)
    parts = sections(file.filled(voice.given), "## ")
    guidance = [" ".join(text.split()) for title, text in parts if title.lower() == "guidance"]
    if not guidance or not guidance[0]:
        raise file.fault("needs a '## Guidance' part with text below it.", "## Guidance")
    approved = tuple(text.strip() for title, text in parts if title.lower() == "approved")
    if "" in approved:
        raise file.fault("has an empty '## Approved' part. Write the reply below it, or take it out.", "## Approved")
    facts = file.facts
    return Situation(
        key=file.path.stem,
        name=facts["name"],
        description=facts["description"],
        knowledge=facts["knowledge"],
        utterances=tuple(str(one) for one in facts["utterances"]),
        guidance=guidance[0],
        examples=tuple(_example(file, text) for title, text in parts if title.lower() == "example"),
        gives_way=_one_of(file, "gives_way", GIVES_WAY, NEVER),
        escalate=_escalate(file),
        priority=_whole(file, facts.get("priority", 0)),
        excludes=_excludes(file, facts.get("excludes") or []),
        least=_number(file, "least", 1.0, "a chance from 0 to 1"),
        odds=_odds(file),
        quiet=facts.get("quiet") is True,
        cues=_cues(file, facts.get("cues") or []),
        counter=_counter(file, facts.get("counter") or {}),
        approved=approved,
        lasts=_one_of(file, "lasts", LASTS, TURN),
        format=_one_of(file, "format", FORMATS, PLAIN),
        decoding=_decoding(file, facts.get("decoding") or {}),
        ticket=_schema(file, facts.get("ticket") or {}),
    )


def _check_facts(file: PromptFile) -> None:
    if unknown := [str(key) for key in file.facts if key not in KNOWN]:
        raise file.fault(f"has the unknown key '{unknown[0]}'; known are {', '.join(KNOWN)}.", f"{unknown[0]}:")
    if file.facts.get("knowledge") not in KNOWLEDGE:
        raise file.fault(f"needs 'knowledge: {' | '.join(KNOWLEDGE)}' in its front matter.", "knowledge:")
    for key, kind in (("name", str), ("description", str), ("utterances", list)):
        if not isinstance(file.facts.get(key), kind) or file.facts[key] in ("", []):
            what = "a list of messages" if kind is list else "text"
            raise file.fault(f"needs '{key}' in its front matter ({what}).", f"{key}:")


def _one_of(file: PromptFile, key: str, known: tuple[str, ...], default: str) -> str:
    found = file.facts.get(key, default)
    if found not in known:
        raise file.fault(f"'{key}' must be one of {', '.join(known)}, not {found!r}.", f"{key}:")
    return str(found)


def _escalate(file: PromptFile) -> str:
    """YAML reads a bare yes and no as truth and falsehood."""
    found = file.facts.get("escalate", NO)
    if isinstance(found, bool):
        return YES if found else NO
    return _one_of(file, "escalate", ESCALATE, NO)


def _whole(file: PromptFile, found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool):
        raise file.fault(f"'priority' must be a whole number, not {found!r}.", "priority:")
    return found


def _decoding(file: PromptFile, found: Any) -> dict[str, Any]:
    if not isinstance(found, Mapping) or not set(found) <= set(DECODING):
        raise file.fault(f"'decoding' may set {', '.join(DECODING)}, each with a number.", "decoding:")
    for key, value in found.items():
        low, high = BOUNDS[key]
        whole = isinstance(low, int)
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            raise file.fault(f"'{key}' must be {kind} from {low} to {high}, not {value!r}.", f"  {key}:")
    return dict(found)


def _schema(file: PromptFile, found: Any) -> dict[str, Any]:
    """`ticket:` in the front matter: a JSON schema over the fields of chatbot.ticket.Ticket."""
    try:
        Draft202012Validator.check_schema(found)
    except SchemaError as error:
        raise file.fault(f"'ticket' is no JSON schema: {error.message}.", "ticket:") from error
    return dict(found)


def _excludes(file: PromptFile, found: Any) -> tuple[str, ...]:
    known = _others(file)
    if not isinstance(found, list) or not set(map(str, found)) <= known:
        raise file.fault(f"'excludes' must list other situations; known are {', '.join(sorted(known))}.", "excludes:")
    return tuple(map(str, found))


def _number(file: PromptFile, key: str, most: float, said: str) -> float:
    found = file.facts.get(key, 0)
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not 0 <= found <= most:
        raise file.fault(f"'{key}' must be {said}, not {found!r}.", f"{key}:")
    return float(found)


def _odds(file: PromptFile) -> float:
    odds = _number(file, "odds", sys.float_info.max, "a number from 0")
    if odds and file.facts.get("knowledge") == NEEDED:
        raise file.fault("'odds' weighs a situation against those with 'knowledge: needed'; this is one.", "odds:")
    return odds


def _cues(file: PromptFile, found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise file.fault("'cues' must be a list of regular expressions.", "cues:")
    for cue in found:
        file.check_pattern("cue", str(cue))
    return tuple(map(str, found))


def _counter(file: PromptFile, found: Any) -> tuple[tuple[str, str], ...]:
    """`counter:` in the front matter: under each other situation's key, messages that belong there."""
    known = _others(file)
    if not isinstance(found, Mapping) or not all(isinstance(texts, list) for texts in found.values()):
        raise file.fault("'counter' must name other situations, each with a list of messages.", "counter:")
    if wrong := sorted(str(key) for key in found if key not in known):
        raise file.fault(f"'counter' names {wrong[0]!r}; known are {', '.join(sorted(known))}.", f"  {wrong[0]}:")
    return tuple((key, str(text)) for key, texts in found.items() for text in texts)


def _others(file: PromptFile) -> set[str]:
    return {one.stem for one in file.path.parent.glob("*.md")} - {file.path.stem}


def _example(file: PromptFile, text: str) -> Shown:
    found = re.match(r"\s*((?:Passage:.+\n)*)Customer:\s*(.+?)\s*\nReply:\s*(.+)", text, re.DOTALL)
    if not found:
        said = "an '## Example' is 'Passage: ...' lines if any, then 'Customer: ...' and, below it, 'Reply: ...'."
        raise file.fault(said, text.split("\n")[0] if text else "## Example")
    passages = re.findall(r"Passage:\s*(.+?)\s*\n", found[1])
    return Shown(tuple(passages), found[2], found[3].strip())
