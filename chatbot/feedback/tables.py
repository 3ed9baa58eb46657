"""The tables of the store: what the newest migration leaves. Texts are by arm; no table says "left" of a text.

A vote, a thumb and a ticket are never changed. One that is taken back gets a time in `withdrawn` and a row in
`withdrawals`; the UNIQUE indexes leave such rows out, so that the voter may vote again. JSON is kept as text."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
STANDING = text("withdrawn IS NULL")


def _text(name: str, *more: ForeignKey, null: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, *more, nullable=null, primary_key=key)


experiments = Table(
    "experiments", METADATA,
    _text("id", key=True), _text("brand"), _text("name"), _text("salt"), _text("modes"), _text("created"),
    UniqueConstraint("brand", "name"),
)  # fmt: skip

draws = Table(
    "draws", METADATA,
    _text("id", key=True), _text("experiment", ForeignKey("experiments.id")), _text("voter"),
    Column("turn", Integer, nullable=False), _text("stratum"), Column("number", Integer, nullable=False),
    _text("first_mode"), _text("second_mode"), _text("left_mode"), _text("counts", null=True), _text("at"),
    UniqueConstraint("experiment", "voter", "turn"), UniqueConstraint("experiment", "stratum", "number"),
)  # fmt: skip

battles = Table(
    "battles", METADATA,
    _text("id", ForeignKey("draws.id"), key=True), _text("brand"), _text("question"), _text("situation"),
    _text("history"), _text("shared"), _text("passages"), _text("left_arm"),
    Column("seed", Integer, nullable=False), _text("decoding"), _text("version"), _text("created"),
    _text("void_reason"),
)  # fmt: skip

sides = Table(
    "sides", METADATA,
    _text("battle", ForeignKey("battles.id"), key=True), _text("arm", key=True), _text("mode"), _text("adapter"),
    _text("base"), _text("prompt_version"), _text("prompt_hash"), _text("text"), _text("finish"),
    Column("tokens_out", Integer, nullable=False), Column("first_token_s", Float, nullable=False),
    Column("total_s", Float, nullable=False),
)  # fmt: skip

votes = Table(
    "votes", METADATA,
    _text("id", key=True), _text("battle", ForeignKey("battles.id")), _text("voter"), _text("key"),
    _text("verdict"), _text("winner", null=True), _text("comment"), _text("cast_at"), _text("withdrawn", null=True),
    Column("seconds", Float, nullable=True),
    UniqueConstraint("key"),
    CheckConstraint("(verdict = 'better') = (winner IS NOT NULL)", name="winner"),
    CheckConstraint("verdict IN ('better', 'tie', 'both-bad')", name="verdict"),
    Index("uq_votes_standing", "battle", "voter", unique=True, sqlite_where=STANDING, postgresql_where=STANDING),
)  # fmt: skip

marks = Table(
    "marks", METADATA,
    _text("vote", ForeignKey("votes.id"), key=True), _text("arm", key=True), Column("good", Boolean, nullable=True),
)  # fmt: skip

reasons = Table(
    "reasons", METADATA,
    _text("vote", ForeignKey("votes.id"), key=True), _text("arm", key=True), _text("reason", key=True),
)  # fmt: skip

withdrawals = Table(
    "withdrawals", METADATA,
    _text("of", key=True), _text("kind"), _text("voter"), _text("at"),
)  # fmt: skip

thumbs = Table(
    "thumbs", METADATA,
    _text("id", key=True), _text("reply"), _text("voter"), _text("key"), Column("up", Boolean, nullable=False),
    _text("comment"), _text("given_at"), _text("withdrawn", null=True), _text("brand"), _text("question"),
    _text("situation"), _text("history"), _text("passages"), Column("seed", Integer, nullable=False),
    _text("decoding"), _text("version"), _text("arm"), _text("mode"), _text("adapter"), _text("base"),
    _text("prompt_version"), _text("prompt_hash"), _text("text"), _text("finish"),
    UniqueConstraint("key"),
    Index("uq_thumbs_standing", "reply", "voter", unique=True, sqlite_where=STANDING, postgresql_where=STANDING),
)  # fmt: skip

reviews = Table(
    "reviews", METADATA,
    Column("seq", Integer, primary_key=True), _text("key"), _text("brand"), _text("run"), _text("reviewer"),
    Column("number", Integer, nullable=False), _text("case_id"), _text("mode"),
    Column("again", Boolean, nullable=False), Column("on_brand", Boolean, nullable=False),
    Column("send", Boolean, nullable=False), _text("broke"), _text("comment"), _text("reply"), _text("at"),
    UniqueConstraint("key"),
)  # fmt: skip

tickets = Table(
    "tickets", METADATA,
    Column("seq", Integer, primary_key=True), _text("brand"), _text("id"), _text("at"), _text("document"),
    UniqueConstraint("brand", "id"),
)  # fmt: skip

deletions = Table(  # what is gone for good, in numbers alone: counted + excluded = cast holds after it too
    "deletions", METADATA,
    Column("seq", Integer, primary_key=True), _text("at"), _text("brand"), _text("why"),
    Column("battles", Integer, nullable=False), Column("votes", Integer, nullable=False),
    Column("thumbs", Integer, nullable=False),
)  # fmt: skip
