"""Read a brand's situations/*.md, one situation each: when it is this one, what to do, what must and must not be said.

What is wrong in a file is found here, by file and line, before any model runs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chatbot.errors import PromptError
from chatbot.promptfile import PromptFile, named, read_prompt_file, sections
from chatbot.situation import ESCALATE, GIVES_WAY, KNOWLEDGE, NEVER, NO, YES, Shown, Situation
from chatbot.voice import Voice

FALLBACKS = ("question", "unknown")  # situations that code itself falls back on


def read_situations(folder: Path, voice: Voice) -> tuple[Situation, ...]:
    """Every situations/*.md, by file name. Raises PromptError with file and line."""
    found = tuple(_situation(read_prompt_file(path), voice) for path in sorted(folder.glob("*.md")))
    missing = [key for key in FALLBACKS if key not in {one.key for one in found}]
    if missing:
        raise PromptError(f"{named(folder)} needs {' and '.join(f'{key}.md' for key in missing)}.")
    return found


def _situation(file: PromptFile, voice: Voice) -> Situation:
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
        least=_share(file, facts.get("least", 0)),
        quiet=facts.get("quiet") is True,
        cues=_cues(file, facts.get("cues") or []),
        counter=_counter(file, facts.get("counter") or {}),
        approved=approved,
    )


def _check_facts(file: PromptFile) -> None:
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


def _excludes(file: PromptFile, found: Any) -> tuple[str, ...]:
    known = _others(file)
    if not isinstance(found, list) or not set(map(str, found)) <= known:
        raise file.fault(f"'excludes' must list other situations; known are {', '.join(sorted(known))}.", "excludes:")
    return tuple(map(str, found))


def _share(file: PromptFile, found: Any) -> float:
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not 0 <= found <= 1:
        raise file.fault(f"'least' must be a chance from 0 to 1, not {found!r}.", "least:")
    return float(found)


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
