"""What an examination finds: marks per check, one outcome per case and mode. Values that travel."""

from dataclasses import dataclass, field
from typing import Any

CHECKS = ("on_voice", "grounded", "invented", "abstained", "situation_ok", "on_brand_and_right")


@dataclass(frozen=True)
class Mark:
    """One check on one reply. `passed` is None where the check does not apply to the case.

    For "invented" `passed` means that nothing was invented; reports show the share that *did* invent.
    """

    passed: bool | None
    why: tuple[str, ...] = ()  # one short sentence each, for a reader who does not code
    words: tuple[str, ...] = ()  # the failing words, as they stand in the reply, to be marked on screen


@dataclass(frozen=True)
class Outcome:
    """One case in one mode, as it was answered and marked."""

    case: str  # Case.id
    mode: str  # Mode.key
    situation: str  # Case.situation: the one the case is filed under
    held_out: bool  # is its article one that training never saw?
    question: str
    text: str
    finish: str
    detected: str  # situation that the program chose
    passages: tuple[str, ...]  # Passage.cited, as every mode was given them
    tokens_out: int
    first_token_s: float  # seconds of the batch that it was written in: no measure of a customer's wait
    total_s: float
    marks: dict[str, Mark] = field(default_factory=dict)  # by name of CHECKS
    voice_score: float | None = None  # 0..1, the learnt score

    def document(self) -> dict[str, Any]:
        """For JSON lines; `outcome_of` reads it back."""
        made = dict(vars(self))
        made["passages"] = list(self.passages)
        made["marks"] = {
            name: {"passed": m.passed, "why": list(m.why), "words": list(m.words)} for name, m in self.marks.items()
        }
        return made


def outcome_of(document: dict[str, Any]) -> Outcome:
    """What `Outcome.document` made. Raises KeyError or TypeError when it is not that."""
    marks = {name: Mark(m["passed"], tuple(m["why"]), tuple(m["words"])) for name, m in document["marks"].items()}
    return Outcome(**{**document, "passages": tuple(document["passages"]), "marks": marks})
