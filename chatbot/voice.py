"""Read a brand's prompt files: voice.md and situations/*.md. A hole in one is found here, before any model runs.

Files use `$name` variables. What may be used is what voice.md's front matter gives; "$4.95" is
no variable and stays as it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import frontmatter
import yaml

from chatbot.errors import PromptError
from chatbot.situation import ESCALATE, GIVES_WAY, KNOWLEDGE, NEVER, NO, YES, Shown, Situation

NEEDED = ("name", "trade", "contact", "signoff")  # what every brand's front matter must give
FALLBACKS = ("question", "unknown")  # situations that code itself falls back on


@dataclass(frozen=True)
class Voice:
    """Who the brand is and how it writes. `given` are the variables its prompt files may use."""

    name: str
    trade: str
    contact: str
    signoff: str
    who: str
    rules: tuple[str, ...]  # the headings: what the model is told; the lines below them are for people
    given: Mapping[str, str]
    order_number: str = ""  # a regular expression: how an order number is written; "" if the brand does not say


def read_voice(path: Path) -> Voice:
    """voice.md: front matter, `# Who we are`, `# ... rules` with one `## 1. Title` each."""
    given, body = _read(path)
    missing = [key for key in NEEDED if not str(given.get(key) or "").strip()]
    if missing:
        raise PromptError(f"{_named(path)} lacks {', '.join(missing)} in its front matter.")
    values = {key: str(value) for key, value in given.items()}
    text = _filled(path, body, values)
    parts = _sections(text, "# ")
    if len(parts) < 2 or not parts[0][1]:
        raise PromptError(f"{_named(path)} needs two parts: '# Who we are' and '# Ten rules'.")
    rules = tuple(_rule(title) for title, _ in _sections(parts[1][1], "## "))
    if not rules:
        raise PromptError(f"{_named(path)} has no rules: write each as '## 1. Its title' and a line below.")
    who = " ".join(parts[0][1].split())
    needed = {key: values[key] for key in NEEDED}
    order = values.get("order_number", "")
    _check_pattern(path, "order_number", order)
    return Voice(**needed, who=who, rules=rules, given=values, order_number=order)


def read_situations(folder: Path, voice: Voice) -> tuple[Situation, ...]:
    """Every situations/*.md, by file name. Raises PromptError with the file's name."""
    found = tuple(_situation(path, voice) for path in sorted(folder.glob("*.md")))
    missing = [key for key in FALLBACKS if key not in {one.key for one in found}]
    if missing:
        raise PromptError(f"{_named(folder)} needs {' and '.join(f'{key}.md' for key in missing)}.")
    return found


def _situation(path: Path, voice: Voice) -> Situation:
    facts, body = _read(path)
    if facts.get("knowledge") not in KNOWLEDGE:
        raise PromptError(f"{_named(path)} needs 'knowledge: {' | '.join(KNOWLEDGE)}' in its front matter.")
    if facts.get("gives_way", NEVER) not in GIVES_WAY:
        raise PromptError(f"{_named(path)}: 'gives_way' must be one of {', '.join(GIVES_WAY)}.")
    for key, kind in (("name", str), ("description", str), ("utterances", list)):
        if not isinstance(facts.get(key), kind) or facts[key] in ("", []):
            raise PromptError(f"{_named(path)} needs '{key}' in its front matter ({kind.__name__}).")
    parts = _sections(_filled(path, body, voice.given), "## ")
    guidance = [" ".join(text.split()) for title, text in parts if title.lower() == "guidance"]
    if not guidance or not guidance[0]:
        raise PromptError(f"{_named(path)} needs a '## Guidance' part.")
    examples = tuple(_example(path, text) for title, text in parts if title.lower() == "example")
    approved = tuple(text.strip() for title, text in parts if title.lower() == "approved")
    if "" in approved:
        raise PromptError(f"{_named(path)} has an empty '## Approved' part. Write the reply below it, or take it out.")
    return Situation(
        key=path.stem,
        name=facts["name"],
        description=facts["description"],
        knowledge=facts["knowledge"],
        utterances=tuple(str(one) for one in facts["utterances"]),
        guidance=guidance[0],
        examples=examples,
        gives_way=facts.get("gives_way", NEVER),
        escalate=_escalate(path, facts.get("escalate", NO)),
        priority=_whole(path, facts.get("priority", 0)),
        excludes=_excludes(path, facts.get("excludes") or []),
        least=_share(path, facts.get("least", 0)),
        quiet=facts.get("quiet") is True,
        cues=_cues(path, facts.get("cues") or []),
        counter=_counter(path, facts.get("counter") or {}),
        approved=approved,
    )


def _escalate(path: Path, found: Any) -> str:
    """YAML reads a bare yes and no as truth and falsehood."""
    kind = (YES if found else NO) if isinstance(found, bool) else found
    if kind not in ESCALATE:
        raise PromptError(f"{_named(path)}: 'escalate' must be one of {', '.join(ESCALATE)}, not {found!r}.")
    return str(kind)


def _whole(path: Path, found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool):
        raise PromptError(f"{_named(path)}: 'priority' must be a whole number, not {found!r}.")
    return found


def _excludes(path: Path, found: Any) -> tuple[str, ...]:
    known = {one.stem for one in path.parent.glob("*.md")} - {path.stem}
    if not isinstance(found, list) or not set(map(str, found)) <= known:
        raise PromptError(
            f"{_named(path)}: 'excludes' must list other situations; known are {', '.join(sorted(known))}."
        )
    return tuple(map(str, found))


def _share(path: Path, found: Any) -> float:
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not 0 <= found <= 1:
        raise PromptError(f"{_named(path)}: 'least' must be a chance from 0 to 1, not {found!r}.")
    return float(found)


def _cues(path: Path, found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise PromptError(f"{_named(path)}: 'cues' must be a list of regular expressions.")
    for cue in found:
        _check_pattern(path, "cue", str(cue))
    return tuple(map(str, found))


def _check_pattern(path: Path, what: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise PromptError(f"{_named(path)}: the {what} {pattern!r} is no regular expression: {error}.") from error


def _counter(path: Path, found: Any) -> tuple[tuple[str, str], ...]:
    """`counter:` in the front matter: under each other situation's key, messages that belong there."""
    known = {one.stem for one in path.parent.glob("*.md")} - {path.stem}
    if not isinstance(found, dict) or not all(isinstance(texts, list) for texts in found.values()):
        raise PromptError(f"{_named(path)}: 'counter' must name other situations, each with a list of messages.")
    if wrong := sorted(str(key) for key in found if key not in known):
        raise PromptError(f"{_named(path)}: 'counter' names {wrong[0]!r}; known are {', '.join(sorted(known))}.")
    return tuple((key, str(text)) for key, texts in found.items() for text in texts)


def _example(path: Path, text: str) -> Shown:
    found = re.match(r"\s*((?:Passage:.+\n)*)Customer:\s*(.+?)\s*\nReply:\s*(.+)", text, re.DOTALL)
    if not found:
        raise PromptError(
            f"{_named(path)}: an '## Example' is 'Passage: ...' lines if it has any, "
            f"then 'Customer: ...' and, below it, 'Reply: ...'."
        )
    passages = re.findall(r"Passage:\s*(.+?)\s*\n", found[1])
    return Shown(tuple(passages), found[2], found[3].strip())


def _rule(title: str) -> str:
    return re.sub(r"^\d+\.\s*", "", title).rstrip(".")


def _sections(text: str, mark: str) -> list[tuple[str, str]]:
    pieces = re.split(rf"(?m)^{re.escape(mark)}(.+)$", text)[1:]
    return [(title.strip(), body.strip()) for title, body in zip(pieces[::2], pieces[1::2], strict=True)]


def _read(path: Path) -> tuple[dict[str, Any], str]:
    try:
        post = frontmatter.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise PromptError(f"{_named(path)} is missing.") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{_named(path)} is not UTF-8 text. Save it as UTF-8.") from error
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 2  # front matter starts on line 2
        raise PromptError(f"{_named(path)}, line {line}: the front matter is not valid YAML.") from error
    return dict(post.metadata), post.content


def _filled(path: Path, text: str, given: Mapping[str, str]) -> str:
    """`safe_substitute`, because a price is not a hole; real holes are named first."""
    template = Template(text)
    holes = [hole for hole in template.get_identifiers() if hole not in given]
    if holes:
        needs = ", ".join(f"${hole}" for hole in holes)
        raise PromptError(f"{_named(path)} needs {needs}; given: {', '.join(sorted(given))}.")
    return template.safe_substitute(given)


def _named(path: Path) -> str:
    """The path from `prompts/` on: what the writer of the file knows it by."""
    parts = path.parts
    start = parts.index("prompts") if "prompts" in parts else max(0, len(parts) - 2)
    return "/".join(parts[start:])
