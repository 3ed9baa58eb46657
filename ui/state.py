"""What a browser session keeps: the conversation, and the turn that is being written.

A turn is saved whole or not at all: one JSON line, flushed to the disk, once its last column has
ended. Knows nothing about Streamlit."""

import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatbot.brief import Brief, Turn
from chatbot.engine.protocol import End, Run
from chatbot.journal import append, now
from chatbot.message import Message
from chatbot.situation import Verdict
from chatbot.ticket import due
from knowledge.chunk import slug

ID = re.compile(r"[0-9a-f]{16}")
SUREST = 0.99  # what is shown at most: .998 would be "100% sure", and nothing is
Record = dict[str, Any]  # a turn as JSON: what is saved is what is drawn


@dataclass
class Conversation:
    """Turns in order. `add` keeps one in memory in any case and says if the disk refused it."""

    home: Path
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    turns: list[Record] = field(default_factory=list)

    @property
    def path(self) -> Path:
        """The file with one JSON line per turn."""
        return self.home / "conversations" / f"{self.id}.jsonl"

    def add(self, record: Record) -> str:
        """Keep a finished turn; returns "" or the sentence why it is not on the disk.

        A record with "replaces": n takes the place of turn n and of what followed it.
        """
        self._keep(record)
        try:
            append(self.path, [record])
        except OSError as error:
            return (
                f"This turn is on the screen but could not be saved ({error.strerror or error}). "
                f"Make room or writable: {self.path.parent}"
            )
        return ""

    def _keep(self, record: Record) -> None:
        if isinstance(record.get("replaces"), int):
            del self.turns[record["replaces"] :]
        self.turns.append(record)

    def history(self, carried: str, before: int | None = None) -> tuple[Message, ...]:
        """The chat so far, the same for every column: questions, and the replies of mode `carried`.

        A turn without that mode gives its first reply. `before` leaves out turn `before` and later.
        """
        said: list[Message] = []
        for record in self.turns[:before]:
            replies = record["replies"]
            reply = next((one for one in replies if one["mode"] == carried), replies[0])
            said += [Message("user", record["question"]), Message("assistant", reply["text"])]
        return tuple(said)


def open_conversation(home: Path, wanted: str | None) -> tuple[Conversation, str]:
    """The saved conversation of that id, or a new one; and a note if lines of it were damaged."""
    if not wanted or not ID.fullmatch(wanted):
        return Conversation(home), ""
    found = Conversation(home, wanted)
    damaged = 0
    try:
        lines = found.path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return Conversation(home), ""
    for line in filter(str.strip, lines):
        try:
            found._keep(_checked(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            damaged += 1
    note = f"{damaged} damaged turn(s) of this conversation could not be read and are left out." if damaged else ""
    return found, note


def _checked(record: Any) -> Record:
    """Raises KeyError or TypeError unless it has what drawing needs."""
    for key in ("question", "situation", "passages", "decoding"):
        record[key]
    for reply in record["replies"]:
        for key in ("mode", "label", "lever", "text", "finish", "unsupported", "prompt"):
            reply[key]
    if not record["replies"]:
        raise KeyError("replies")
    return dict(record)


@dataclass
class Pending:
    """A turn being written. Draining may be interrupted by a rerun and goes on with the next.

    Streamlit starts a rerun before the script it interrupts has ended, so two threads may be here
    at once: every column is taken by one of them, and one of them settles the turn.
    """

    brief: Brief
    run: Run
    replaces: int | None = None
    texts: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _settled: bool = False

    def __post_init__(self) -> None:
        self.texts = self.texts or [""] * len(self.brief.modes)

    def drain(self) -> Iterator[list[str]]:
        """The texts so far, again after every column. Raises EngineError."""
        columns = iter(self.run)
        while True:
            with self._lock:
                column = next(columns, None)
                if column is None:
                    return
                self.texts = [text + piece for text, piece in zip(self.texts, column, strict=True)]
            yield self.texts

    def settle(self, keep: Callable[[], None]) -> None:
        """Call `keep` the first time only; whoever comes second waits until it is done."""
        with self._lock:
            if not self._settled:
                self._settled = True
                keep()

    @property
    def ends(self) -> list[End]:
        """How the rows ended; all of them once drained."""
        return [end for end in self.run.ends if end is not None]


def record_of(turn: Turn, replaces: int | None = None) -> Record:
    """A finished turn as JSON."""
    brief, verdict = turn.brief, turn.brief.verdict
    record: Record = {
        "at": now(),
        "question": brief.question,
        "brand": brief.brand,
        "history": len(brief.history),
        "prompt_version": brief.prompt_version,
        "situation": situation_record(brief),
        "passages": passage_records(brief),
        "decoding": vars(brief.decoding),
        "replies": [
            {
                "mode": reply.mode.key,
                "label": reply.mode.label,
                "lever": reply.mode.lever,
                "text": reply.text,
                "unsupported": list(reply.unsupported),
                "citations": [[one.start, one.end, one.passage] for one in reply.citations],
                "prompt": "" if brief.approved else prompt,
                **vars(reply.end),
            }
            for reply, prompt in zip(turn.replies, brief.prompts, strict=True)
        ],
    }
    person = due(turn)
    record["handover"] = {"escalate": person.escalate, "why": person.why}
    if replaces is not None:
        record["replaces"] = replaces
    record["situation"]["origin"] = verdict.origin
    return record


def situation_record(brief: Brief) -> Record:
    """Which situation, how sure, why."""
    verdict = brief.verdict
    return {
        "key": verdict.situation.key,
        "name": verdict.situation.name,
        "description": verdict.situation.description,
        "confidence": verdict.confidence,
        "origin": verdict.origin,
        "also": _also(verdict),
        "dropped": list(verdict.dropped),
        "evidence": [vars(one) for one in verdict.evidence],
    }


def _also(verdict: Verdict) -> str:
    if verdict.also is None:
        return ""
    return f"{verdict.also.name} (from an earlier message)" if verdict.lasting else verdict.also.name


def passage_records(brief: Brief) -> list[Record]:
    """The passages every mode was given."""
    return [
        {
            "id": hit.passage.id,
            "article": hit.passage.article,
            "title": hit.passage.title,
            "heading": hit.passage.heading,
            "section": slug(hit.passage.heading),
            "text": hit.text,
            "score": round(float(hit.score), 4),
            "reordered": vars(hit.reordered) if hit.reordered else None,
        }
        for hit in brief.hits
    ]


def settings_line(decoding: Record, passages: int, columns: int, approved: bool = False) -> str:
    """The fairness line: what was the same for every column. `approved`: no model wrote the replies."""
    if approved:
        return "Where a mistake costs, the reply is approved wording: no lever is at work on this turn."
    temperature = decoding["temperature"]
    how = "always the likeliest word" if temperature == 0 else f"temperature {temperature:g}, seed {decoding['seed']}"
    found = {0: "no passages", 1: "the same passage"}.get(passages, f"the same {passages} passages")
    end = "Only the lever differs." if columns > 1 else ""
    return f"Same question, {found}, same settings ({how}). {end}".strip()


def sure(record: Record) -> str:
    """How the situation came about, in a few words."""
    origin = record["origin"]
    if origin == "override":
        return "chosen by you"
    if origin == "fallback":
        return "unlike any example, so the default"
    if origin == "no-passages":
        return "no passage answers it"
    if origin == "cue":
        return "its words decide it"
    if origin == "answered":
        return "the articles answer it"
    return f"{min(record['confidence'], SUREST):.0%} sure"


NO_PASSAGES = "None: the articles do not answer this, or there is nothing to look up."
NOTES: dict[str, str] = {
    "stop": "",
    "approved": "Approved wording: the same in every column, no model wrote it.",
    "length": "Cut at the length limit.",
    "deadline": "Cut: out of time.",
    "cancelled": "Stopped.",
}
