"""One prompt file: front matter, text, and faults that name the file and the line.

Files use `$name` variables. What may be used is what voice.md's front matter gives; "$4.95" is no variable and
stays as it is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import frontmatter
import yaml

from chatbot.errors import PromptError


@dataclass(frozen=True)
class PromptFile:
    """A file as it was read. `facts` is its front matter, `body` what follows it."""

    path: Path
    text: str
    facts: Mapping[str, Any]
    body: str

    def fault(self, said: str, at: str = "") -> PromptError:
        """The sentence "prompts/acme/voice.md, line 3: ..."; the line is the first that begins with, or else holds,
        `at`."""
        return PromptError(f"{named(self.path)}{_line(self.text, at)}: {said}")

    def filled(self, given: Mapping[str, str]) -> str:
        """The body with its variables. `safe_substitute`, because a price is not a hole; real holes are named."""
        template = Template(self.body)
        holes = [hole for hole in template.get_identifiers() if hole not in given]
        if holes:
            needs = ", ".join(f"${hole}" for hole in holes)
            raise self.fault(f"needs {needs}; given: {', '.join(sorted(given))}.", f"${holes[0]}")
        return template.safe_substitute(given)

    def check_pattern(self, what: str, pattern: str) -> None:
        """Raises PromptError unless `pattern` is a regular expression."""
        try:
            re.compile(pattern)
        except re.error as error:
            raise self.fault(f"the {what} {pattern!r} is no regular expression: {error}.", pattern) from error


def read_prompt_file(path: Path) -> PromptFile:
    """Raises PromptError for a file that is missing, is not UTF-8, or has front matter that is no YAML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        post = frontmatter.loads(text)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        said = "is missing" if missing else f"could not be read ({error.strerror})"
        raise PromptError(f"{named(path)} {said}.") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{named(path)} is not UTF-8 text. Save it as UTF-8.") from error
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 2  # front matter starts on line 2
        why = getattr(error, "problem", None) or "it cannot be read"
        raise PromptError(f"{named(path)}, line {line}: the front matter is not valid YAML ({why}).") from error
    return PromptFile(path, text, dict(post.metadata), post.content)


def sections(text: str, mark: str) -> list[tuple[str, str]]:
    """(title, text) of every part that a heading with `mark` ("## ") begins."""
    pieces = re.split(rf"(?m)^{re.escape(mark)}(.+)$", text)[1:]
    return [(title.strip(), body.strip()) for title, body in zip(pieces[::2], pieces[1::2], strict=True)]


def named(path: Path) -> str:
    """The path from `prompts/` on: what the writer of the file knows it by."""
    parts = path.parts
    start = max((n for n, part in enumerate(parts) if part == "prompts"), default=max(0, len(parts) - 2))
    return "/".join(parts[start:])


def _line(text: str, at: str) -> str:
    """ ", line 3" for the first line that begins with `at`, else the first that holds it; "" where none does."""
    lines = text.split("\n")
    for fits in (str.startswith, str.__contains__):
        for number, line in enumerate(lines, 1):
            if at and fits(line, at):
                return f", line {number}"
    return ""
