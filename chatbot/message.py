"""One line of a chat."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """Who said what. `content` is the words as they were typed, never edited."""

    role: Role
    content: str
