"""Where a reply on the compare page came from, kept with its turn: what a thumb under it is stored with.

Digests are noted when the reply is written: a later adapter or prompt file says nothing of it. Knows nothing about
Streamlit."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict

from chatbot.engine.protocol import Decoding
from chatbot.feedback.ballot import Arm
from chatbot.feedback.provenance import Origin, app_version
from chatbot.message import Message
from chatbot.mode import EVERY
from ui.state import Conversation, Record


def trace(talk: Conversation, number: int, history: Sequence[Message], arms: Sequence[Arm]) -> Record:
    """For the record of turn `number`: what wrote each reply, and whose replies the turn's history was made of."""
    carried = next((mode.key for mode in EVERY if talk.history(mode.key, number) == tuple(history)), None)
    made = [asdict(arm) for arm in arms]
    return {"id": secrets.token_hex(4), "version": app_version(), "carried": carried, "arms": made}


def origin_of(talk: Conversation, number: int, mode: str) -> Origin | None:
    """Of the reply in `mode` to turn `number`; None for a turn that was kept without a trace."""
    record = talk.turns[number]
    traced = record.get("trace") or {}
    place = [reply["mode"] for reply in record["replies"]].index(mode)
    if not traced.get("carried"):
        return None
    reply = record["replies"][place]
    return Origin(
        reply=f"{talk.id}/{number}-{traced['id']}/{mode}",  # answered again, it is another reply
        brand=record["brand"],
        question=record["question"],
        situation=record["situation"]["key"],
        history=talk.history(traced["carried"], number),
        passages=tuple(one["id"] for one in record["passages"]),
        decoding=Decoding(**record["decoding"]),
        version=traced["version"],
        arm=Arm(**traced["arms"][place]),
        text=reply["text"],
        finish=reply["finish"],
    )
