"""Blind votes: experiments, draws, battles with both sides, votes with their marks and reasons."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
STANDING = sa.text("withdrawn IS NULL")


def _text(name: str, *more: sa.ForeignKey, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, *more, nullable=null)


def upgrade() -> None:
    """Make the tables. Frozen: what follows is a migration of its own."""
    _draws()
    _battles()
    _votes()


def _draws() -> None:
    op.create_table(
        "experiments", _text("id"), _text("brand"), _text("name"), _text("salt"), _text("modes"), _text("created"),
        sa.PrimaryKeyConstraint("id", name="pk_experiments"),
        sa.UniqueConstraint("brand", "name", name="uq_experiments_brand_name"),
    )  # fmt: skip
    op.create_table(
        "draws", _text("id"), _text("experiment"), _text("voter"), sa.Column("turn", sa.Integer, nullable=False),
        _text("stratum"), sa.Column("number", sa.Integer, nullable=False), _text("first_mode"),
        _text("second_mode"), _text("left_mode"), _text("counts", null=True), _text("at"),
        sa.PrimaryKeyConstraint("id", name="pk_draws"),
        sa.ForeignKeyConstraint(["experiment"], ["experiments.id"], name="fk_draws_experiment"),
        sa.UniqueConstraint("experiment", "voter", "turn", name="uq_draws_experiment_voter_turn"),
        sa.UniqueConstraint("experiment", "stratum", "number", name="uq_draws_experiment_stratum_number"),
    )  # fmt: skip


def _battles() -> None:
    op.create_table(
        "battles", _text("id"), _text("brand"), _text("question"), _text("situation"), _text("history"),
        _text("shared"), _text("passages"), _text("left_arm"), sa.Column("seed", sa.Integer, nullable=False),
        _text("decoding"), _text("version"), _text("created"), _text("void_reason"),
        sa.PrimaryKeyConstraint("id", name="pk_battles"),
        sa.ForeignKeyConstraint(["id"], ["draws.id"], name="fk_battles_id"),
    )  # fmt: skip
    op.create_table(
        "sides", _text("battle"), _text("arm"), _text("mode"), _text("adapter"), _text("base"),
        _text("prompt_version"), _text("prompt_hash"), _text("text"), _text("finish"),
        sa.Column("tokens_out", sa.Integer, nullable=False), sa.Column("first_token_s", sa.Float, nullable=False),
        sa.Column("total_s", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("battle", "arm", name="pk_sides"),
        sa.ForeignKeyConstraint(["battle"], ["battles.id"], name="fk_sides_battle"),
    )  # fmt: skip


def _votes() -> None:
    op.create_table(
        "votes", _text("id"), _text("battle"), _text("voter"), _text("key"), _text("verdict"),
        _text("winner", null=True), _text("comment"), _text("cast_at"), _text("withdrawn", null=True),
        sa.PrimaryKeyConstraint("id", name="pk_votes"),
        sa.ForeignKeyConstraint(["battle"], ["battles.id"], name="fk_votes_battle"),
        sa.UniqueConstraint("key", name="uq_votes_key"),
        sa.CheckConstraint("(verdict = 'better') = (winner IS NOT NULL)", name="ck_votes_winner"),
        sa.CheckConstraint("verdict IN ('better', 'tie', 'both-bad')", name="ck_votes_verdict"),
    )  # fmt: skip
    op.create_index(
        "uq_votes_standing", "votes", ["battle", "voter"], unique=True,
        sqlite_where=STANDING, postgresql_where=STANDING,
    )  # fmt: skip
    for name, column in (("marks", sa.Column("good", sa.Boolean, nullable=True)), ("reasons", _text("reason"))):
        keys = ["vote", "arm"] + (["reason"] if name == "reasons" else [])
        op.create_table(
            name, _text("vote"), _text("arm"), column,
            sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"),
            sa.ForeignKeyConstraint(["vote"], ["votes.id"], name=f"fk_{name}_vote"),
        )  # fmt: skip
    op.create_table(
        "withdrawals", _text("of"), _text("kind"), _text("voter"), _text("at"),
        sa.PrimaryKeyConstraint("of", name="pk_withdrawals"),
    )  # fmt: skip
