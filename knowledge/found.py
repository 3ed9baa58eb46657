"""One message before the search and after it: the sentences that ask beside the whole, and what each side found of both
put into one number."""

from dataclasses import dataclass
from typing import Any

from knowledge.asked import asking
from knowledge.chunk import Place
from knowledge.embed import Embedder

# by 800 of northwind's told ways of asking, each left out in turn (adapters/LOG.md):
WHOLE = 0.25  # what the passage's cosine counts beside that of a line
ASKED = 1.0  # what that of the nearest phrasing counts
LEXICAL = 0.6  # what the best BM25 score counts
ASKING = 0.2  # what the sentences that ask count beside the whole message


@dataclass(frozen=True)
class Said:
    """A message and its vector (d,); `aside` its sentences that ask, where it has others."""

    text: str
    vector: Any
    aside: "Said | None" = None


def said(message: str, embedder: Embedder) -> Said:
    """`message` with its vectors."""
    asks = asking(message)
    aside = Said(asks, embedder.encode([asks])[0]) if asks != message.strip() else None
    return Said(message, embedder.encode([message])[0], aside)


@dataclass(frozen=True)
class Found:
    """What each side found for one question."""

    stems: list[str]  # of the question
    cosines: dict[str, float]  # of the nearest passages
    ranks: dict[str, int]  # of these
    lines: dict[Place, float]  # cosines of the nearest lines
    best: dict[str, float]  # by passage, the best of its lines
    asked: dict[Place, float]  # by line, its nearest phrasing
    words: dict[Place, float]  # BM25, best first
    word_ranks: dict[Place, int]  # of these
    least: float  # of `asked`
    most: float  # of `words`
    aside: "Found | None" = None  # the same for its sentences that ask

    def near(self, passage: str) -> float:
        """The better cosine of a passage and its best line; 0 beyond the nearest passages."""
        return max(self.cosines[passage], self.best[passage]) if passage in self.cosines else 0.0

    def lexical(self, place: Place) -> float:
        """BM25 as a share of the question's best."""
        whole = self.words.get(place, 0.0) / self.most
        return whole if self.aside is None else beside(whole, self.aside.lexical(place))


def dense(line: float, whole: float, asked: float) -> float:
    """What the cosines of a line, its whole passage and its nearest phrasing count together."""
    return line + WHOLE * whole + ASKED * asked


def fused(dense: Any, lexical: Any) -> Any:
    """What lines are ordered by: cosines and words together, of one line or of many."""
    return dense + LEXICAL * lexical


def beside(whole: float, aside: float) -> float:
    """The mean of both, the sentences that ask by ASKING of the weight."""
    return (whole + ASKING * aside) / (1 + ASKING)
