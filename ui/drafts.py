"""Prompt files as one session writes them, beside what is saved. Knows nothing about Streamlit."""

import re
from dataclasses import dataclass, field

from knowledge.chunk import slug

STARTER = """---
name: {name}
description: Say in one sentence when a message is this situation.
knowledge: welcome
utterances:
  - write a message that a customer would send
  - another one, in other words
  - and a third, short and careless
---
## Guidance
Say what the reply does first, and what it never does.
"""


@dataclass
class Draft:
    """`saved` as it was read, `files` as it is written. `round` numbers the drafts of a session: other boxes."""

    saved: dict[str, str]
    round: int = 0
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files = self.files or dict(self.saved)

    @property
    def changed(self) -> list[str]:
        """Files that differ, are new or are gone."""
        names = sorted({*self.saved, *self.files})
        return [name for name in names if self.saved.get(name) != self.files.get(name)]

    def write(self, name: str, text: str) -> None:
        """Put `text` in place of that file's."""
        self.files[name] = text.replace("\r\n", "\n").rstrip("\n") + "\n"
        if self.saved.get(name, "").rstrip("\n") + "\n" == self.files[name]:
            self.files[name] = self.saved[name]  # as it was: not a change

    def remove(self, name: str) -> None:
        """Leave that file out."""
        self.files.pop(name, None)

    def discard(self) -> None:
        """Back to what is saved."""
        self.files, self.round = dict(self.saved), self.round + 1


def label(name: str, text: str) -> str:
    """What a reader calls that file: a situation by its name."""
    if name == "voice.md":
        return "Voice guide"
    found = re.search(r"(?m)^name:[ \t]*(.+?)[ \t]*$", text)
    return found[1].strip("\"'") if found else name


def starter(title: str) -> tuple[str, str]:
    """File name and first text of a new situation."""
    plain = " ".join(title.split())
    return f"situations/{slug(plain)}.md", STARTER.format(name=plain if re.match(r"[\w ]+$", plain) else repr(plain))
