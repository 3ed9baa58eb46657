"""What a question is answered from: do the articles answer it at all, and with which lines. The same for every mode.

In a conversation the question is also held together with the one before it ("and for kids?" says too little
alone). Knows nothing about situations or models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chatbot.message import Message
from knowledge.answerable import Judge, Judgement
from knowledge.search import Hit

CHANGED = 0.1  # how much surer the question alone must be answered, to have left the topic of the one before it


class Searcher(Protocol):
    """Whatever finds passages; knowledge.search.Searcher is one."""

    def search(self, question: str, k: int = 3, only: Sequence[str] = (), behind: str = "") -> tuple[Hit, ...]:
        """At most `k` lines about `question`, best first; () when none is. Of the articles `only`, if any are named.
        By what they are worth to a follow-up alone and `behind` the message before it, if that is given."""

    def look(self, question: str, only: Sequence[str] = ()) -> tuple[Hit, ...]:
        """Every line that is near `question` in any way, best first, whether or not it is about it."""

    @property
    def articles(self) -> tuple[str, ...]:
        """Names of all articles that are searched, sorted."""

    @property
    def index(self) -> str:
        """Name of the index in use: another one with every change to articles and lists."""

    @property
    def learnt(self) -> Judge | None:
        """What the lists taught of answered and unanswered questions; None where there were too few."""

    def judge(self, question: str) -> Judgement:
        """Do the articles answer `question` at all?"""


@dataclass(frozen=True)
class Outlook:
    """A question before anything is looked up. `joined` is it behind the question before it, None without one."""

    question: str
    joined: str | None
    alone: Judgement
    together: Judgement | None

    @property
    def answered(self) -> bool:
        """May the articles answer? What only the question before it makes answerable must be so plainly."""
        return self.alone.answered or (self.together is not None and self.together.plainly)

    @property
    def changed(self) -> bool:
        """Has it left the topic of the question before it?"""
        if self.together is None or not self.alone.plainly:
            return False
        return (self.alone.chance or 0.0) > (self.together.chance or 0.0) + CHANGED


def outlook(searcher: Searcher, question: str, history: Sequence[Message]) -> Outlook:
    """What can be said of `question` before it is searched."""
    asked = [message.content for message in history if message.role == "user"]
    joined = f"{asked[-1]} {question}" if asked else None
    return Outlook(question, joined, searcher.judge(question), searcher.judge(joined) if joined else None)


def lines(searcher: Searcher, seen: Outlook, k: int) -> tuple[Hit, ...]:
    """At most `k` lines, best first: by what they are worth to the question alone and behind the one before it; where
    the topic changed, the question's own before those of the conversation."""
    if seen.joined is None:
        return searcher.search(seen.question, k)
    if not seen.changed:
        return searcher.search(seen.question, k, behind=seen.joined)
    found: dict[tuple[str, str], Hit] = {}
    for hit in (*searcher.search(seen.question, k), *searcher.search(seen.joined, k)):
        found.setdefault((hit.passage.id, hit.text), hit)
    return tuple(found.values())[:k]
