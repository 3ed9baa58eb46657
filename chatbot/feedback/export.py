"""Take everything out: CSV and JSON lines for people and programs, preference pairs for the next adapter.

Every vote ever cast is accounted for: counted + excluded = cast, each exclusion under its reason. The pairs have TRL's
conversational DPO columns: `prompt`, the messages both sides were given alike, `chosen` and `rejected`. A cell of CSV
never begins with what a spreadsheet would run as a formula."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from chatbot.feedback.queries import many
from chatbot.feedback.rows import Row
from chatbot.feedback.store import AMENDED, Store
from chatbot.feedback.tables import (
    battles,
    deletions,
    draws,
    experiments,
    marks,
    reasons,
    reviews,
    sides,
    thumbs,
    votes,
    withdrawals,
)

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
TIE, BOTH_BAD = "a tie", "both bad"
Document = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """Every vote cast, by what became of it: `counted + sum(excluded.values()) == cast`, always."""

    cast: int
    counted: int
    excluded: dict[str, int]  # reason -> votes

    def document(self) -> Document:
        """For --json."""
        return {"cast": self.cast, "counted": self.counted, "excluded": self.excluded}


def records(store: Store, brand: str | None = None) -> list[Document]:
    """Every battle, with each vote on it ("vote") or without one ("battle"), then thumbs and reviews; by kind and time.

    A vote says in `excluded` why it does not count, "" if it does. Sides are named by mode. Raises FeedbackError.
    """
    with store.database.reading() as connection:
        of_battles = many(connection, _of(brand, _BATTLES, battles.c.brand).order_by(battles.c.created))
        lots = {
            name: _grouped(many(connection, select(table)), key)
            for name, table, key in (
                ("sides", sides, "battle"), ("votes", votes, "battle"), ("marks", marks, "vote"),
                ("reasons", reasons, "vote"), ("withdrawals", withdrawals, "of"),
            )
        }  # fmt: skip
        of_thumbs = many(connection, _of(brand, select(thumbs), thumbs.c.brand).order_by(thumbs.c.given_at))
        of_reviews = many(connection, _of(brand, select(reviews), reviews.c.brand).order_by(reviews.c.seq))
    made = [record for row in of_battles for record in _battle(row, lots)]
    return [*made, *map(_thumb, of_thumbs), *({"kind": "review", **row} for row in map(_loaded, of_reviews))]


def account(
    store: Store, found: Iterable[Document], brand: str | None = None, pairs: bool = False, deleted: bool = True
) -> Account:
    """What became of every vote. `pairs`: a tie and both bad make no preference pair, so they are excluded too.

    `deleted`: with the votes that were deleted for good; False for one experiment, as nothing tells whose they were.
    """
    excluded: Counter[str] = Counter()
    counted = 0
    for record in found:
        if record["kind"] == "vote":
            why = record["excluded"] or (no_pair(record) if pairs else "")
            counted += not why
            excluded.update([why] if why else [])
    excluded.update(gone(store, brand) if deleted else {})
    excluded = +excluded
    return Account(counted + excluded.total(), counted, dict(sorted(excluded.items())))


def gone(store: Store, brand: str | None = None) -> dict[str, int]:
    """Why -> votes that were deleted for good; only their numbers are known."""
    found: Counter[str] = Counter()
    with store.database.reading() as connection:
        for row in many(connection, _of(brand, select(deletions), deletions.c.brand)):
            found[row["why"]] += row["votes"]
    return dict(found)


def no_pair(record: Document) -> str:
    """Why a counted vote prefers neither reply; "" if it prefers one."""
    return {"tie": TIE, "both-bad": BOTH_BAD}.get(record["verdict"], "")


def preference_pairs(found: Iterable[Document]) -> list[Document]:
    """One for every vote that counts and prefers a reply: prompt, chosen, rejected, each a list of messages."""
    pairs = []
    for record in found:
        if record["kind"] != "vote" or record["excluded"] or no_pair(record):
            continue
        (lost,) = {"first", "second"} - {"first" if record["winner"] == record["first_mode"] else "second"}
        won = "second" if lost == "first" else "first"
        pairs.append(
            {
                "prompt": record["shared"],
                "chosen": [{"role": "assistant", "content": record[f"{won}_text"]}],
                "rejected": [{"role": "assistant", "content": record[f"{lost}_text"]}],
            }
        )
    return pairs


def as_jsonl(found: Sequence[Document]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found)


def as_csv(found: Sequence[Document]) -> str:
    """One table with the columns of all kinds; lists as JSON."""
    columns = list(dict.fromkeys(name for one in found for name in one))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([cell(one.get(name)) for name in columns] for one in found)
    return text.getvalue()


def cell(value: Any) -> Any:
    """A value as no spreadsheet runs it: text that begins like a formula gets an apostrophe before it."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{told}" if told.startswith(FORMULA) or told.lstrip().startswith(FORMULA) else told


_BATTLES = (
    select(
        battles, draws.c.voter, draws.c.turn, draws.c.stratum, draws.c.number, draws.c.first_mode,
        draws.c.second_mode, draws.c.left_mode, experiments.c.name.label("experiment"),
    )
    .join(draws, draws.c.id == battles.c.id)
    .join(experiments, experiments.c.id == draws.c.experiment)
)  # fmt: skip


def _of(brand: str | None, asked: Any, column: Any) -> Any:
    return asked if brand is None else asked.where(column == brand)


def _grouped(found: Iterable[Row], key: str) -> dict[str, list[Row]]:
    made: dict[str, list[Row]] = {}
    for row in found:
        made.setdefault(row[key], []).append(row)
    return made


def _battle(row: Row, lots: dict[str, dict[str, list[Row]]]) -> list[Document]:
    facts = _loaded({"battle": row["id"], **{name: value for name, value in row.items() if name != "id"}})
    by_mode = {side["mode"]: side for side in lots["sides"].get(row["id"], [])}
    for place in ("first", "second"):
        side = by_mode[row[f"{place}_mode"]]
        facts |= {f"{place}_{name}": side[name] for name in side if name not in ("battle", "mode")}
    cast = lots["votes"].get(row["id"], [])
    modes = {side["arm"]: mode for mode, side in by_mode.items()}
    return [_vote(facts, vote, modes, lots) for vote in sorted(cast, key=lambda one: one["cast_at"])] or [
        {"kind": "battle", **facts}
    ]


def _vote(facts: Document, vote: Row, modes: dict[str, str], lots: dict[str, dict[str, list[Row]]]) -> Document:
    why = _withdrawn(vote["id"], lots) if vote["withdrawn"] else ""
    if not why and facts["void_reason"]:
        why = f"void: {facts['void_reason']}"
    made = {
        "kind": "vote", **facts, "vote": vote["id"], "voter": vote["voter"], "verdict": vote["verdict"],
        "winner": modes.get(vote["winner"], ""), "comment": vote["comment"], "cast_at": vote["cast_at"],
        "seconds": vote["seconds"], "withdrawn": vote["withdrawn"] or "", "excluded": why,
    }  # fmt: skip
    for place in ("first", "second"):
        arm = facts[f"{place}_arm"]
        good = (one["good"] for one in lots["marks"].get(vote["id"], []) if one["arm"] == arm)
        made[f"{place}_good"] = next(good, None)
        made[f"{place}_reasons"] = sorted(
            one["reason"] for one in lots["reasons"].get(vote["id"], []) if one["arm"] == arm
        )
    return made


def _withdrawn(vote: str, lots: dict[str, dict[str, list[Row]]]) -> str:
    amended = any(row["kind"] == AMENDED for row in lots["withdrawals"].get(vote, []))
    return "replaced when remarks were added" if amended else "withdrawn"


def _thumb(row: Row) -> Document:
    return {"kind": "thumb", **_loaded({name: value for name, value in row.items() if name != "key"})}


def _loaded(row: Row) -> Document:
    """JSON kept as text becomes what it was."""
    kept = ("history", "shared", "passages", "decoding", "broke")
    return {name: json.loads(value) if name in kept else value for name, value in row.items() if name != "key"}
