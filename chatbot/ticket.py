"""Hand-over to a person: when one is due, and the ticket that saves the customer from telling it twice.

A situation's file says whether a person is called (`escalate: yes`), offered (`offer`) or left out (`no`); a reply
that says what no source supports is a reason to offer one. Tickets are kept by feedback/shelf.py; `keep` and `tickets`
are the file of JSON lines from which it takes over those of an earlier version. Sending is for webhook.py. Knows
neither pages nor models."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from chatbot.brief import Turn
from chatbot.errors import TurnError
from chatbot.journal import append, lines, now
from chatbot.message import Message
from chatbot.situation import NO, OFFER, Situation
from chatbot.voice import Voice

LONGEST = 160  # characters of the customer's words in a summary


@dataclass(frozen=True)
class Due:
    """Is a person called ("yes"), offered ("offer") or neither ("no"), and the sentence why."""

    escalate: str
    why: str = ""


@dataclass(frozen=True)
class Ticket:
    """What a person needs to go on. `tried`: the lines of the articles that the replies were given."""

    id: str
    at: str  # UTC, ISO 8601
    brand: str
    situation: str  # its key
    summary: str
    why: str
    order_numbers: tuple[str, ...]
    transcript: tuple[Message, ...]
    tried: tuple[str, ...]
    missing: tuple[str, ...] = ()  # what the situation's file wants a person to know and nobody has said yet

    def document(self) -> dict[str, Any]:
        """As JSON: what is kept, printed and downloaded."""
        return asdict(self)


def due(turn: Turn) -> Due:
    """Whether `turn` is one for a person. The guard judges every mode's reply alike."""
    situation = turn.brief.verdict.situation
    if situation.escalate != NO:
        called = "a person is called" if situation.escalate != OFFER else "a person is offered"
        return Due(situation.escalate, f"In the situation “{situation.name}” {called}.")
    loose = [reply.mode.label for reply in turn.replies if reply.unsupported]
    if loose:
        return Due(OFFER, f"No source supports all that stands under {' and '.join(loose)}.")
    return Due(NO)


def ticket_id(conversation: str, turn: int, question: str) -> str:
    """The same for the same turn, so that no turn gets two tickets."""
    return "T-" + hashlib.blake2b(repr((conversation, turn, question)).encode(), digest_size=4).hexdigest()


def fill(
    key: str,
    voice: Voice,
    brand: str,
    situation: Situation,
    why: str,
    said: Sequence[Message],
    tried: Sequence[str],
) -> Ticket:
    """A ticket for the conversation `said`; its last customer's message is the summary."""
    asked = [message.content for message in said if message.role == "user"]
    words = " ".join(asked[-1].split())
    short = words if len(words) <= LONGEST else words[:LONGEST].rsplit(" ", 1)[0] + " …"
    ticket = Ticket(
        id=key,
        at=now(),
        brand=brand,
        situation=situation.key,
        summary=f"{situation.name}: {short}",
        why=why,
        order_numbers=order_numbers(voice, asked),
        transcript=tuple(said),
        tried=tuple(tried),
    )
    return replace(ticket, missing=_missing(ticket, situation.ticket))


def _missing(ticket: Ticket, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """What `schema` (JSON Schema, draft 2020-12) asks of the ticket and is not there, by the `title` of the field."""
    document = json.loads(json.dumps(ticket.document()))  # tuples become lists, as the reader will see them
    names = (str(next(iter(error.absolute_path), error.message)) for error in _errors(schema, document))
    fields = schema.get("properties", {})
    return tuple(dict.fromkeys(fields.get(name, {}).get("title", name.replace("_", " ")) for name in names))


def _errors(schema: Mapping[str, Any], document: Any) -> list[Any]:
    return list(Draft202012Validator(schema).iter_errors(document))


def order_numbers(voice: Voice, texts: Sequence[str]) -> tuple[str, ...]:
    """Every order number in `texts`, each once, in their order. Their form is voice.md's `order_number`."""
    if not voice.order_number:
        return ()
    found = re.findall(voice.order_number, "\n".join(texts), re.IGNORECASE)
    return tuple(dict.fromkeys(one.upper() for one in found))


def keep(home: Path, ticket: Ticket) -> bool:
    """On the disk before this returns; False for a ticket that was there already. Raises TurnError."""
    if any(one["id"] == ticket.id for one in tickets(home, ticket.brand)):
        return False
    path = _path(home, ticket.brand)
    try:
        append(path, [ticket.document()])
    except OSError as error:
        raise TurnError(
            f"The ticket could not be saved ({error.strerror or error}). Make room or writable: {path.parent}"
        ) from error
    return True


def tickets(home: Path, brand: str) -> list[dict[str, Any]]:
    """The brand's tickets as JSON, oldest first. A line that a crash cut short is left out."""
    return [{**one, "id": str(one["id"])} for one in lines(_path(home, brand)) if "id" in one]


def sent_log(home: Path, brand: str) -> Path:
    """Where the webhook notes how each sending ended."""
    return home / "tickets" / f"{brand}.sent.jsonl"


def _path(home: Path, brand: str) -> Path:
    return home / "tickets" / f"{brand}.jsonl"
