"""What is asked of the tables more than once, and the shape in which a vote comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, insert, select

from chatbot.errors import FeedbackError
from chatbot.feedback.ballot import CHOICES, Experiment, Vote, cell
from chatbot.feedback.rows import Row
from chatbot.feedback.tables import battles, draws, sides, votes

LONGEST_KEY = 100  # characters of an idempotency key, a voter's id or a reason
LONGEST_COMMENT = 4000  # characters


@dataclass(frozen=True)
class Cast:
    """A vote as it is stored. `winner` is a mode's key, "" for a tie or both bad."""

    id: str
    battle: str
    voter: str
    verdict: str  # better, tie or both-bad
    winner: str
    at: str  # UTC, ISO 8601
    withdrawn: str = ""  # when it was taken back; "" while it stands
    again: bool = False  # was this post a repetition of one that had been stored?


def one(connection: Connection, asked: Select[Any]) -> Row | None:
    """The first row, or None."""
    found = connection.execute(asked).mappings().first()
    return None if found is None else dict(found)


def many(connection: Connection, asked: Select[Any]) -> list[Row]:
    """All rows."""
    return [dict(row) for row in connection.execute(asked).mappings()]


def put(connection: Connection, made: Mapping[Table, Sequence[Row]]) -> None:
    """Insert all rows into their tables, in the order given."""
    for table, lot in made.items():
        if lot:
            connection.execute(insert(table), [dict(row) for row in lot])


def next_number(connection: Connection, column: ColumnElement[int], *where: ColumnElement[bool]) -> int:
    """One more than the highest; 0 to begin with."""
    found = connection.execute(select(func.max(column)).where(*where)).scalar()
    return 0 if found is None else int(found) + 1


def cast_of(*where: ColumnElement[bool]) -> Select[Any]:
    """Votes with their winner's mode."""
    won = (sides.c.battle == votes.c.battle) & (sides.c.arm == votes.c.winner)
    return select(votes, sides.c.mode.label("winning_mode")).outerjoin(sides, won).where(*where)


def cast(row: Row, again: bool = False) -> Cast:
    """A row of `cast_of`."""
    return Cast(
        row["id"], row["battle"], row["voter"], row["verdict"], row["winning_mode"] or "", row["cast_at"],
        row["withdrawn"] or "", again,
    )  # fmt: skip


def counts(connection: Connection, experiment: Experiment, situations: Sequence[str]) -> dict[str, int]:
    """Votes that count, by cell; 0 where there are none."""
    asked = (
        select(draws.c.stratum, draws.c.first_mode, draws.c.second_mode, func.count().label("n"))
        .join(battles, battles.c.id == draws.c.id)
        .join(votes, votes.c.battle == battles.c.id)
        .where(draws.c.experiment == experiment.id, votes.c.withdrawn.is_(None), battles.c.void_reason == "")
        .group_by(draws.c.stratum, draws.c.first_mode, draws.c.second_mode)
    )
    found = {cell(situation, pair): 0 for situation in situations for pair in experiment.pairs}
    for row in many(connection, asked):
        name = cell(row["stratum"], (row["first_mode"], row["second_mode"]))
        if name in found:
            found[name] = row["n"]
    return found


def check(vote: Vote) -> None:
    """Raises FeedbackError for a vote that no page of ours can give."""
    if vote.choice not in CHOICES:
        raise FeedbackError(f"The vote was not stored: {vote.choice!r} is none of {', '.join(CHOICES)}.")
    for reason in (*vote.left_reasons, *vote.right_reasons):
        short(reason, "reason")
    short(vote.key, "key of the form")
    comment(vote.comment)


def short(value: str, what: str) -> str:
    """`value`, if it can be one. Raises FeedbackError."""
    if not value.strip() or len(value) > LONGEST_KEY or not value.isprintable():
        raise FeedbackError(f"The {what} must have 1 to {LONGEST_KEY} plain characters. Nothing was stored.")
    return value


def comment(value: str) -> str:
    """`value`, if it is short enough. Raises FeedbackError."""
    if len(value) > LONGEST_COMMENT:
        raise FeedbackError(
            f"The comment has {len(value)} characters; {LONGEST_COMMENT} is the most. Nothing was stored: shorten it."
        )
    return value
