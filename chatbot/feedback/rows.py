"""Values to rows of the tables and back. What people typed passes through `scrub` on its way in, and nowhere else."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from chatbot.engine.protocol import Decoding
from chatbot.feedback.ballot import Arm, Battle, Draw, Experiment, Side, Vote
from chatbot.message import Message

Row = Mapping[str, Any]
Scrub = Callable[[str], str]
AT = "%Y-%m-%dT%H:%M:%S.%fZ"


def now() -> str:
    """UTC, ISO 8601, to the microsecond: as text it sorts by time."""
    return datetime.now(UTC).strftime(AT)


def dumped(value: Any) -> str:
    """As JSON, the same text for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def clean(text: str) -> str:
    """`text` as every database can keep it: PostgreSQL takes no NUL, and no database half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def messages_row(said: Sequence[Message], scrub: Scrub) -> str:
    """Messages as JSON, scrubbed."""
    return dumped([{"role": one.role, "content": scrub(one.content)} for one in said])


def messages_of(text: str) -> tuple[Message, ...]:
    """What `messages_row` wrote."""
    return tuple(Message(**one) for one in json.loads(text))


def experiment_row(one: Experiment) -> dict[str, Any]:
    """For the table experiments."""
    return {**asdict(one), "modes": dumped(one.modes)}


def experiment_of(row: Row) -> Experiment:
    """From the table experiments."""
    return Experiment(**{**row, "modes": tuple(json.loads(row["modes"]))})


def draw_row(one: Draw, at: str) -> dict[str, Any]:
    """For the table draws."""
    return {
        "id": one.id, "experiment": one.experiment, "voter": one.voter, "turn": one.turn, "stratum": one.stratum,
        "number": one.number, "first_mode": one.pair[0], "second_mode": one.pair[1], "left_mode": one.left,
        "counts": None if one.counts is None else dumped(dict(one.counts)), "at": at,
    }  # fmt: skip


def draw_of(row: Row) -> Draw:
    """From the table draws."""
    return Draw(
        id=row["id"], experiment=row["experiment"], voter=row["voter"], turn=row["turn"], stratum=row["stratum"],
        number=row["number"], pair=(row["first_mode"], row["second_mode"]), left=row["left_mode"],
        counts=None if row["counts"] is None else json.loads(row["counts"]),
    )  # fmt: skip


def battle_row(one: Battle, scrub: Scrub) -> dict[str, Any]:
    """For the table battles: which arm stands on the left is told here alone."""
    return {
        "id": one.draw.id, "brand": one.brand, "question": scrub(one.question), "situation": one.situation,
        "history": messages_row(one.history, scrub), "shared": messages_row(one.shared, scrub),
        "passages": dumped(one.passages), "left_arm": one.left.arm.id, "seed": one.decoding.seed,
        "decoding": dumped(asdict(one.decoding)), "version": one.version, "created": one.created,
        "void_reason": scrub(one.void_reason),
    }  # fmt: skip


def side_row(battle: str, one: Side, scrub: Scrub) -> dict[str, Any]:
    """For the table sides."""
    return {
        "battle": battle, **arm_row(one.arm), "text": scrub(one.text), "finish": one.finish,
        "tokens_out": one.tokens_out, "first_token_s": one.first_token_s, "total_s": one.total_s,
    }  # fmt: skip


def arm_row(arm: Arm) -> dict[str, Any]:
    """An arm's columns, the same in sides and thumbs."""
    return {"arm": arm.id, **asdict(arm)}


def battle_of(draw: Draw, row: Row, sides: Sequence[Row]) -> Battle:
    """From the tables battles and sides; texts as they were stored, scrubbed."""
    first, second = sorted((_side_of(one) for one in sides), key=lambda one: draw.pair.index(one.arm.mode))
    return Battle(
        draw=draw, brand=row["brand"], question=row["question"], situation=row["situation"],
        history=messages_of(row["history"]), shared=messages_of(row["shared"]),
        passages=tuple(json.loads(row["passages"])), sides=(first, second),
        decoding=Decoding(**json.loads(row["decoding"])), version=row["version"], created=row["created"],
        void_reason=row["void_reason"],
    )  # fmt: skip


def _side_of(row: Row) -> Side:
    arm = Arm(row["mode"], row["adapter"], row["base"], row["prompt_version"], row["prompt_hash"])
    return Side(arm, row["text"], row["finish"], row["tokens_out"], row["first_token_s"], row["total_s"])


def vote_rows(vote: Vote, key: str, left: str, right: str, scrub: Scrub) -> dict[str, list[dict[str, Any]]]:
    """For the tables votes, marks and reasons. `left`, `right`: the arms' ids; from here on a side has no place."""
    winner = {"left": left, "right": right}.get(vote.choice)
    chips = {left: vote.left_reasons, right: vote.right_reasons}
    return {
        "votes": [
            {
                "id": key, "battle": vote.battle, "voter": vote.voter, "key": vote.key,
                "verdict": "better" if winner else vote.choice, "winner": winner, "comment": scrub(vote.comment),
                "cast_at": now(), "withdrawn": None, "seconds": vote.seconds,
            }
        ],
        "marks": [
            {"vote": key, "arm": left, "good": vote.left_good},
            {"vote": key, "arm": right, "good": vote.right_good},
        ],
        "reasons": [
            {"vote": key, "arm": arm, "reason": reason} for arm, given in chips.items() for reason in sorted(set(given))
        ],
    }  # fmt: skip
