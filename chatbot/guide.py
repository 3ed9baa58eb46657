"""A brand's whole prompt layer, read once: voice guide, situations, and the version they are."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatbot.errors import PromptError
from chatbot.promptfile import named
from chatbot.situation import Situation
from chatbot.situations import read_situations
from chatbot.voice import Voice, read_voice

KINDS = ("voice.md", "rules.toml", "situations.toml", "situations/*.md")  # what a prompt folder holds
Files = Mapping[str, str]  # path within the folder -> text


@dataclass(frozen=True)
class Guide:
    """All that the prompt layer is written in. `version` names these very words."""

    voice: Voice
    situations: tuple[Situation, ...]
    version: str


def read_guide(folder: Path) -> Guide:
    """Read and check every file. Raises PromptError by file and line."""
    voice = read_voice(folder / "voice.md")
    return Guide(voice, read_situations(folder / "situations", voice), version_of(read_files(folder)))


def read_files(folder: Path) -> dict[str, str]:
    """Every prompt file's text by its path within `folder`. Raises PromptError."""
    found = {}
    for path in sorted(path for kind in KINDS for path in folder.glob(kind)):
        try:
            found[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise PromptError(f"{named(path)} is not UTF-8 text. Save it as UTF-8.") from error
        except OSError as error:
            raise PromptError(f"{named(path)} could not be read ({error.strerror}).") from error
    return found


def version_of(files: Files) -> str:
    """12 hex digits of the SHA-256 over paths and texts: the same words are the same version, wherever they lie."""
    whole = hashlib.sha256()
    for name, text in sorted(files.items()):
        whole.update(f"{name}\0{len(text.encode())}\0{text}".encode())
    return whole.hexdigest()[:12]
