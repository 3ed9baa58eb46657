"""Beside the votes: thumbs, reviews, tickets, what was deleted; and how long a voter took."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
STANDING = sa.text("withdrawn IS NULL")


def _text(name: str, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _truth(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def upgrade() -> None:
    """Votes that are there keep their rows; how long they took is not known."""
    op.add_column("votes", sa.Column("seconds", sa.Float, nullable=True))
    _thumbs()
    op.create_table(
        "reviews", _number("seq"), _text("key"), _text("brand"), _text("run"), _text("reviewer"), _number("number"),
        _text("case_id"), _text("mode"), _truth("again"), _truth("on_brand"), _truth("send"), _text("broke"),
        _text("comment"), _text("reply"), _text("at"),
        sa.PrimaryKeyConstraint("seq", name="pk_reviews"), sa.UniqueConstraint("key", name="uq_reviews_key"),
    )  # fmt: skip
    op.create_table(
        "tickets", _number("seq"), _text("brand"), _text("id"), _text("at"), _text("document"),
        sa.PrimaryKeyConstraint("seq", name="pk_tickets"),
        sa.UniqueConstraint("brand", "id", name="uq_tickets_brand_id"),
    )  # fmt: skip
    op.create_table(
        "deletions", _number("seq"), _text("at"), _text("brand"), _text("why"), _number("battles"),
        _number("votes"), _number("thumbs"), sa.PrimaryKeyConstraint("seq", name="pk_deletions"),
    )  # fmt: skip


def _thumbs() -> None:
    op.create_table(
        "thumbs", _text("id"), _text("reply"), _text("voter"), _text("key"), _truth("up"), _text("comment"),
        _text("given_at"), _text("withdrawn", null=True), _text("brand"), _text("question"), _text("situation"),
        _text("history"), _text("passages"), _number("seed"), _text("decoding"), _text("version"), _text("arm"),
        _text("mode"), _text("adapter"), _text("base"), _text("prompt_version"), _text("prompt_hash"),
        _text("text"), _text("finish"),
        sa.PrimaryKeyConstraint("id", name="pk_thumbs"), sa.UniqueConstraint("key", name="uq_thumbs_key"),
    )  # fmt: skip
    op.create_index(
        "uq_thumbs_standing", "thumbs", ["reply", "voter"], unique=True,
        sqlite_where=STANDING, postgresql_where=STANDING,
    )  # fmt: skip
