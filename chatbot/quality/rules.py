"""A brand's rules as data: read a rule file, and say which rules a reply breaks.

In the spirit of prose linters (Vale's existence, substitution, occurrence). One engine for
rules.toml (the voice) and situations.toml (what each situation asks). A bad file is refused by
name and place. Knows nothing about models, passages or what is true."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from chatbot.errors import SuiteError
from chatbot.promptfile import PromptFile, read_prompt_file
from chatbot.situation import SHORT, STEPS

UNITS = ("sentences", "words", "words in a sentence")
PLACES = ("body", "first", "first two", "whole")
NEEDS = {
    "required": ("pattern",),
    "forbidden": ("pattern",),
    "substitution": ("words",),
    "count": ("pattern", "most"),
    "length": ("unit", "most"),
}
SHAPES: dict[str, type] = {
    "name": str, "kind": str, "why": str, "voice": int, "pattern": str, "where": str, "unit": str, "least": int,
    "most": int, "needs_fact": str, "words": dict, "situations": list, "not_situations": list,
}  # fmt: skip
SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+|\n+")
SIGNED = re.compile(
    r"\s*(?:^[ \t]*[–—-]+ ?[^\n]*|^\W*(?:(?:best|kind|warm|warmest) (?:regards|wishes)|regards|sincerely|"
    r"cheers|yours (?:truly|sincerely|faithfully)|the [\w ]{2,40} (?:crew|team)|"
    r"(?:[\w ]{2,40} )?(?:support|service|care) team)\W*)+\Z",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Rule:
    """One rule. `where` is the part it looks at; `situations` () means all but `not_situations`."""

    name: str
    kind: str
    why: str
    voice: int | None = None  # number of the rule in voice.md
    pattern: str = ""
    words: Mapping[str, str] = field(default_factory=dict)  # not this: but that
    unit: str = ""
    least: int = 0
    most: int = 0
    where: str = "body"
    needs_fact: str = ""  # only where a fact that the case expects matches this
    situations: tuple[str, ...] = ()
    not_situations: tuple[str, ...] = ()


SHAPED = {
    SHORT: Rule("short form", "length", "This situation asks for one or two sentences.", unit="sentences", most=2),
    STEPS: Rule(
        "numbered steps",
        "required",
        "This situation asks for numbered steps, one on each line.",
        pattern=r"(?ms)^1[.)] .+^2[.)] ",
        where="whole",
    ),
}


@dataclass(frozen=True)
class Broken:
    """A rule that a reply breaks: its name, a sentence for the reader, the words that broke it."""

    rule: str
    why: str
    words: tuple[str, ...] = ()  # as they stand in the reply; () when something is missing


@dataclass(frozen=True)
class Rulebook:
    """All rules of one file."""

    rules: tuple[Rule, ...]

    def broken(self, reply: str, situation: str | None, facts: Sequence[str] = ()) -> tuple[Broken, ...]:
        """What `reply` breaks of the rules that hold in `situation`, in the file's order."""
        text = reply.replace("\u2019", "'").strip()  # rules are written with the plain apostrophe
        found = (_applied(rule, text) for rule in self.rules if _holds_in(rule, situation, facts))
        return tuple(replace(one, words=_as_written(one.words, text, reply.strip())) for one in found if one)


def read_rules(path: Path, situations: Sequence[str] | None = None) -> Rulebook:
    """Every rule of `path`, checked. Raises SuiteError naming the file and the rule."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SuiteError(f"There is no rule file {path}.") from error
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"{path.name} is not valid TOML: {error}.") from error
    found = data.get("rule")
    if set(data) != {"rule"} or not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise SuiteError(f"{path.name} must hold [[rule]] tables and nothing else.")
    rules = tuple(_rule(one, f"{path.name}, rule {n}", situations) for n, one in enumerate(found, 1))
    names = [rule.name for rule in rules]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SuiteError(f"{path.name}: two rules are named {twice[0]!r}.")
    return Rulebook(rules)


def read_moves(folder: Path) -> Rulebook:
    """What each situations/*.md of `folder` asks of a reply: its `moves`, and its `format`. Raises SuiteError."""
    return Rulebook(tuple(rule for path in sorted(folder.glob("*.md")) for rule in _moves(read_prompt_file(path))))


def _moves(file: PromptFile) -> Iterator[Rule]:
    key, moves = file.path.stem, file.facts.get("moves") or []
    if not isinstance(moves, list) or not all(isinstance(one, dict) for one in moves):
        raise SuiteError(f"{file.path.name}: 'moves' must be a list of rules, each with name, kind and why.")
    for number, one in enumerate(moves, 1):
        yield _rule({**one, "situations": [key]}, f"{file.path.name}, move {number}", None)
    if shape := SHAPED.get(str(file.facts.get("format"))):
        yield replace(shape, situations=(key,))


def sentences(text: str) -> list[str]:
    """The sentences of `text`, its sign-off left out."""
    return [piece.strip() for piece in SENTENCE_END.split(without_signoff(text)) if piece.strip()]


def without_signoff(reply: str) -> str:
    """`reply` without its closing lines: "– The Northwind crew", "Kind regards, Support Team"."""
    return SIGNED.sub("", reply.strip()).strip()


def _rule(data: Mapping[str, Any], place: str, situations: Sequence[str] | None) -> Rule:
    name = data.get("name")
    if not isinstance(name, str) or not name.strip():
        raise SuiteError(f"{place} has no name.")
    place = f"{place} ({name})"
    _check_shape(data, place)
    for key in ("pattern", "needs_fact"):
        _check_pattern(data.get(key, ""), place)
    for key in ("situations", "not_situations"):
        for one in data.get(key, []):
            if not isinstance(one, str) or (situations is not None and one not in situations):
                raise SuiteError(f"{place} names the situation {one!r}; known are {', '.join(situations or ())}.")
    lists = {key: tuple(data.get(key, [])) for key in ("situations", "not_situations")}
    return Rule(**{**data, **lists})


def _check_shape(data: Mapping[str, Any], place: str) -> None:
    if extra := sorted(set(data) - set(SHAPES)):
        raise SuiteError(f"{place} has the unknown key {extra[0]!r}; known are {', '.join(SHAPES)}.")
    for key, value in data.items():
        if not isinstance(value, SHAPES[key]) or isinstance(value, bool):
            raise SuiteError(f"{place}: {key!r} must be of the kind {SHAPES[key].__name__}.")
    if data.get("kind") not in NEEDS:
        raise SuiteError(f"{place} must be one of the kinds {', '.join(NEEDS)}.")
    missing = [key for key in ("why", *NEEDS[data["kind"]]) if data.get(key) in (None, "", {})]
    if missing:
        raise SuiteError(f"{place} needs {missing[0]!r}.")
    if data.get("where", "body") not in PLACES:
        raise SuiteError(f"{place}: 'where' must be one of {', '.join(PLACES)}.")
    if data["kind"] == "length" and data["unit"] not in UNITS:
        raise SuiteError(f"{place}: 'unit' must be one of {', '.join(UNITS)}.")
    if not all(isinstance(word, str) and word for word in data.get("words", {}).values()):
        raise SuiteError(f"{place}: every word in 'words' needs a plainer one in quotes.")


def _check_pattern(pattern: str, place: str) -> None:
    try:
        _compiled(pattern)
    except re.error as error:
        raise SuiteError(f"{place}: {pattern!r} is no regular expression: {error}.") from error


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # a flag such as (?m) may stand anywhere in a rule file, in Python only at the start
    flags = re.IGNORECASE | (re.MULTILINE if "(?m)" in pattern else 0) | (re.DOTALL if "(?s)" in pattern else 0)
    return re.compile(pattern.replace("(?m)", "").replace("(?s)", ""), flags)


def _holds_in(rule: Rule, situation: str | None, facts: Sequence[str]) -> bool:
    if rule.needs_fact and not any(_compiled(rule.needs_fact).search(fact) for fact in facts):
        return False
    if rule.situations:
        return situation in rule.situations
    return situation not in rule.not_situations


def _applied(rule: Rule, text: str) -> Broken | None:
    words = KINDS[rule.kind](rule, _part(rule.where, text))
    return None if words is None else Broken(rule.name, _why(rule, words), tuple(dict.fromkeys(words)))


def _as_written(words: Sequence[str], text: str, reply: str) -> tuple[str, ...]:
    """`words` of `text` as `reply` has them: the two differ in their apostrophes alone."""
    places = ((text.find(word), len(word)) for word in words)
    return tuple(reply[start : start + size] for start, size in places if start >= 0)


def _why(rule: Rule, words: Sequence[str]) -> str:
    if rule.kind != "substitution":
        return rule.why
    plain = {word.lower(): _plain(rule, word) for word in words}
    return f"{rule.why} " + ", ".join(f"'{word}': {better}" for word, better in plain.items()) + "."


def _part(where: str, text: str) -> str:
    if where == "whole":
        return text
    if where == "body":
        return without_signoff(text)
    return " ".join(_opening(sentences(text), two=where == "first two"))


def _opening(found: Sequence[str], two: bool) -> Sequence[str]:
    """The first sentence; with `two` also the second where the first is but a word or three ("Of course.")."""
    return found[:2] if two and found and len(found[0].split()) <= 3 else found[:1]


def _required(rule: Rule, text: str) -> list[str] | None:
    return None if _compiled(rule.pattern).search(text) else []


def _forbidden(rule: Rule, text: str) -> list[str] | None:
    return [match[0].strip() for match in _compiled(rule.pattern).finditer(text)] or None


def _count(rule: Rule, text: str) -> list[str] | None:
    found = [match[0].strip() for match in _compiled(rule.pattern).finditer(text)]
    return found[rule.most :] if len(found) > rule.most else None


def _substitution(rule: Rule, text: str) -> list[str] | None:
    return [match[0] for match in _words_pattern(tuple(rule.words)).finditer(text)] or None


def _length(rule: Rule, text: str) -> list[str] | None:
    found = sentences(text)
    if rule.unit == "words in a sentence":
        return [one for one in found if not rule.least <= len(one.split()) <= rule.most] or None
    size = len(found) if rule.unit == "sentences" else len(text.split())
    if rule.least <= size <= rule.most:
        return None
    return found[rule.most :] if rule.unit == "sentences" else []


KINDS: dict[str, Callable[[Rule, str], list[str] | None]] = {
    "required": _required,
    "forbidden": _forbidden,
    "count": _count,
    "substitution": _substitution,
    "length": _length,
}


@cache
def _words_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Each word with its endings: purchase, purchases, purchased, purchasing."""
    return re.compile(r"\b(?:" + "|".join(_forms(word) for word in words) + r")\b", re.IGNORECASE)


def _forms(word: str) -> str:
    if " " in word:
        return re.escape(word)
    if word.endswith("e"):
        return re.escape(word[:-1]) + "(?:e|es|ed|ing)"
    if word.endswith("y"):
        return re.escape(word[:-1]) + "(?:y|ies|ied|ying)"
    return re.escape(word) + "(?:s|es|ed|ing|ted|ting)?"


def _plain(rule: Rule, found: str) -> str:
    return next((better for word, better in rule.words.items() if re.fullmatch(_forms(word), found, re.I)), "")
