"""Forget for good: what is older than so many days, or everything of one voter. The counts stay honest.

What is deleted is gone from the file's bytes too; a row of numbers says how many votes went, and why. Tickets are
work for people and are not touched; draws older than the limit stay, without a word of text, for the audit."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, func, insert, or_, select

from chatbot.errors import FeedbackError
from chatbot.feedback import rows
from chatbot.feedback.queries import many
from chatbot.feedback.store import Store
from chatbot.feedback.tables import (
    battles,
    deletions,
    draws,
    marks,
    reasons,
    sides,
    thumbs,
    votes,
    withdrawals,
)

LONGEST_DAYS = 36_500
CHUNK = 500  # ids in one statement: both databases bound them


@dataclass(frozen=True)
class Gone:
    """How many rows are gone, or would be."""

    battles: int
    votes: int
    thumbs: int


@dataclass(frozen=True)
class _Lot:
    """What is to go: the ids of battles, and which votes and thumbs."""

    battles: Select[Any]
    votes: ColumnElement[bool]
    thumbs: ColumnElement[bool]


def days(text: str) -> int:
    """ "90d" is 90. Raises FeedbackError."""
    found = re.fullmatch(r"(\d{1,5})d", text.strip())
    if not found or not 0 < int(found[1]) <= LONGEST_DAYS:
        raise FeedbackError(f"--older-than={text!r} is no number of days: write 90d.")
    return int(found[1])


def due(store: Store, older_than: int | None = None, voter: str | None = None) -> Gone:
    """What `forget` would delete: of all voters or one, older than so many days or all."""
    with store.database.reading() as connection:
        return _counted(connection, _lot(older_than, voter))


def forget(store: Store, older_than: int | None = None, voter: str | None = None) -> Gone:
    """Delete battles with all their votes, and thumbs. Raises FeedbackError, and then nothing is deleted."""
    lot = _lot(older_than, voter)
    why = "deleted: the voter's wish" if voter else f"deleted: older than {older_than} days"
    with store.database.told("Nothing was deleted", "Do it again."), store.database.engine.begin() as connection:
        found = _counted(connection, lot)
        _note(connection, lot, why)
        _delete(connection, lot)
        if voter is not None and older_than is None:
            kept = select(battles.c.id)
            connection.execute(delete(draws).where(draws.c.voter == voter, draws.c.id.not_in(kept)))
    _empty_the_log(store)
    return found


def _lot(older_than: int | None, voter: str | None) -> _Lot:
    if older_than is None and voter is None:
        raise FeedbackError("Say what to delete: --older-than 90d, or --voter ID.")
    limit = "9999" if older_than is None else f"{datetime.now(UTC) - timedelta(days=older_than):{rows.AT}}"
    chosen = select(battles.c.id).join(draws, draws.c.id == battles.c.id).where(battles.c.created < limit)
    which = thumbs.c.given_at < limit
    if voter is None:
        return _Lot(chosen, votes.c.battle.in_(chosen), which)
    chosen = chosen.where(draws.c.voter == voter)
    theirs = or_(votes.c.battle.in_(chosen), and_(votes.c.voter == voter, votes.c.cast_at < limit))
    return _Lot(chosen, theirs, and_(which, thumbs.c.voter == voter))


def _counted(connection: Connection, lot: _Lot) -> Gone:
    def count(table: Table, where: ColumnElement[bool]) -> int:
        return int(connection.execute(select(func.count()).select_from(table).where(where)).scalar() or 0)

    of_battles = count(battles, battles.c.id.in_(lot.battles))
    return Gone(of_battles, count(votes, lot.votes), count(thumbs, lot.thumbs))


def _note(connection: Connection, lot: _Lot, why: str) -> None:
    """One row of numbers for each brand; no voter is named in it."""
    of_battles = many(connection, select(battles.c.brand).where(battles.c.id.in_(lot.battles)))
    voted = select(battles.c.brand).join(votes, votes.c.battle == battles.c.id).where(lot.votes)
    of_votes, of_thumbs = many(connection, voted), many(connection, select(thumbs.c.brand).where(lot.thumbs))
    lots = {"battles": of_battles, "votes": of_votes, "thumbs": of_thumbs}
    for brand in sorted({row["brand"] for lot in lots.values() for row in lot}):
        counted = {name: sum(row["brand"] == brand for row in lot) for name, lot in lots.items()}
        connection.execute(insert(deletions).values(at=rows.now(), brand=brand, why=why, **counted))


def _delete(connection: Connection, lot: _Lot) -> None:
    """In the order of the foreign keys. The ids first: what is deleted cannot be asked for."""
    ids = [row["id"] for row in many(connection, lot.battles)]
    of_votes = [row["id"] for row in many(connection, select(votes.c.id).where(lot.votes))]
    of_thumbs = [row["id"] for row in many(connection, select(thumbs.c.id).where(lot.thumbs))]
    for table, column, keys in (
        (withdrawals, withdrawals.c.of, [*of_votes, *of_thumbs]),
        (marks, marks.c.vote, of_votes),
        (reasons, reasons.c.vote, of_votes),
        (votes, votes.c.id, of_votes),
        (sides, sides.c.battle, ids),
        (battles, battles.c.id, ids),
        (thumbs, thumbs.c.id, of_thumbs),
    ):
        for start in range(0, len(keys), CHUNK):
            connection.execute(delete(table).where(column.in_(keys[start : start + CHUNK])))


def _empty_the_log(store: Store) -> None:
    """SQLite's write-ahead log still holds the deleted text until it is folded into the file."""
    if store.database.sqlite:
        with store.database.told("The deleted text may remain in the log", "Do it again."):
            raw = store.database.engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                raw.close()
