"""What lies beside the votes: thumbs on ordinary replies, reviewers' marks, tickets for people.

The functions have the values of quality/review.py and ticket.py, which once kept them in files of `home`.
`import_files` brings in what such files hold, once, however often it is called. Tickets are not scrubbed: a person
needs the order number."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from chatbot import ticket as files
from chatbot.errors import FeedbackError
from chatbot.feedback import rows
from chatbot.feedback.provenance import Origin
from chatbot.feedback.queries import comment, many, one, short
from chatbot.feedback.store import Store
from chatbot.feedback.tables import reviews, thumbs, tickets, withdrawals
from chatbot.quality import review as piles
from chatbot.ticket import Ticket

Document = dict[str, Any]


def give_thumb(store: Store, origin: Origin, voter: str, key: str, up: bool, said: str = "") -> str:
    """Store a thumb; an earlier one of the same voter on the same reply is withdrawn with it. Returns its id.

    The same key again changes nothing. Raises FeedbackError if it was not stored.
    """
    made = {**_thumb_row(store, origin), "voter": short(voter, "voter"), "key": short(key, "key of the form")}
    made |= {"up": up, "comment": store.scrub(comment(said)), "given_at": rows.now(), "withdrawn": None}
    try:
        with store.database.writing("The thumb") as connection:
            if found := one(connection, select(thumbs.c.id).where(thumbs.c.key == key)):
                return str(found["id"])
            _withdraw(connection, origin.reply, voter)
            connection.execute(insert(thumbs).values(made))
    except FeedbackError as error:
        if not isinstance(error.__cause__, IntegrityError):
            raise
        with store.database.reading() as connection:  # a second click was a moment earlier
            found = one(connection, select(thumbs.c.id).where(thumbs.c.key == key))
        if found is None:
            raise
        return str(found["id"])
    return str(made["id"])


def withdraw_thumb(store: Store, reply: str, voter: str) -> None:
    """Take the voter's thumb back; nothing happens if none stands."""
    with store.database.writing("The taking back") as connection:
        _withdraw(connection, reply, voter)


def thumb(store: Store, reply: str, voter: str) -> bool | None:
    """The voter's standing thumb on that reply: up, down, or None."""
    asked = select(thumbs.c.up).where(*_standing(reply, voter))
    with store.database.reading() as connection:
        found = one(connection, asked)
    return None if found is None else bool(found["up"])


def save_review(store: Store, brand: str, run: str, given: piles.Review) -> None:
    """Keep a reviewer's mark; said twice, the last one counts. `run`: the name of the run's folder."""
    with store.database.writing("The mark") as connection:
        key = secrets.token_urlsafe(12)
        connection.execute(insert(reviews).values(_review_row(store, brand, run, given, key)))


def read_reviews(store: Store, brand: str, run: str, reviewer: str | None = None) -> list[piles.Review]:
    """What review.read_reviews gives of a folder: the last mark on each number, by reviewer and number."""
    asked = select(reviews).where(reviews.c.brand == brand, reviews.c.run == run).order_by(reviews.c.seq)
    if reviewer is not None:
        asked = asked.where(reviews.c.reviewer == reviewer)
    with store.database.reading() as connection:
        found = {(row["reviewer"], row["number"]): _review(row) for row in many(connection, asked)}
    return [found[place] for place in sorted(found)]


@dataclass(frozen=True)
class StoredMarks:
    """The marks of one run, in the store: what quality.review.Desk reads and writes."""

    store: Store
    brand: str
    run: str  # the name of the run's folder

    def mine(self, reviewer: str) -> list[piles.Review]:
        """One reviewer's, by number."""
        return read_reviews(self.store, self.brand, self.run, reviewer)

    def everyones(self) -> list[piles.Review]:
        """All reviewers'."""
        return read_reviews(self.store, self.brand, self.run)

    def add(self, given: piles.Review) -> None:
        """Keep one more. Raises FeedbackError."""
        save_review(self.store, self.brand, self.run, given)


def keep_ticket(store: Store, given: Ticket) -> bool:
    """As ticket.keep: False for a ticket that was there already."""
    return _keep(store, given.brand, given.id, given.at, given.document())


def read_tickets(store: Store, brand: str) -> list[Document]:
    """As ticket.tickets: the brand's tickets as JSON, oldest first."""
    with store.database.reading() as connection:
        found = many(connection, select(tickets.c.document).where(tickets.c.brand == brand).order_by(tickets.c.seq))
    return [json.loads(row["document"]) for row in found]


def read_ticket(store: Store, brand: str, key: str) -> Document | None:
    """One of them, by its id."""
    with store.database.reading() as connection:
        found = one(connection, select(tickets.c.document).where(tickets.c.brand == brand, tickets.c.id == key))
    return None if found is None else dict(json.loads(found["document"]))


def import_tickets(store: Store, home: Path, brand: str) -> int:
    """Bring in what `home` holds of the brand's tickets; the file stays. How many were new."""
    known = {str(found["id"]) for found in read_tickets(store, brand)}
    found = [one for one in files.tickets(home, brand) if one["id"] not in known]
    return sum(_keep(store, brand, one["id"], str(one.get("at", "")), one) for one in found)


def import_files(store: Store, home: Path, brand: str) -> dict[str, int]:
    """Bring in what `home` holds of the brand's reviews and tickets; the files stay. How many of each were new."""
    kept, new = import_tickets(store, home, brand), 0
    for folder in sorted(path for path in (home / "reviews" / brand).glob("*") if path.is_dir()):
        for given in piles.read_reviews(folder):
            # the mark that counts, by all that it says: brought in again it is the same one
            told = rows.dumped([brand, folder.name, asdict(given)])
            key = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()
            new += _import_review(store, _review_row(store, brand, folder.name, given, key))
    return {"reviews": new, "tickets": kept}


def _import_review(store: Store, made: Document) -> bool:
    with store.database.writing("The mark") as connection:
        there = one(connection, select(reviews.c.seq).where(reviews.c.key == made["key"]))
        if there is None:
            connection.execute(insert(reviews).values(made))
    return there is None


def _keep(store: Store, brand: str, key: str, at: str, document: Document) -> bool:
    made = {"brand": brand, "id": key, "at": at, "document": rows.clean(rows.dumped(document))}
    try:
        with store.database.writing("The ticket") as connection:
            connection.execute(insert(tickets).values(made))
    except FeedbackError as error:
        if isinstance(error.__cause__, IntegrityError):
            return False
        raise
    return True


def _thumb_row(store: Store, given: Origin) -> Document:
    return {
        "id": secrets.token_urlsafe(12), "reply": given.reply, "brand": given.brand,
        "question": store.scrub(given.question), "situation": given.situation,
        "history": rows.messages_row(given.history, store.scrub), "passages": rows.dumped(given.passages),
        "seed": given.decoding.seed, "decoding": rows.dumped(asdict(given.decoding)), "version": given.version,
        **rows.arm_row(given.arm), "text": store.scrub(given.text), "finish": given.finish,
    }  # fmt: skip


def _standing(reply: str, voter: str) -> tuple[Any, ...]:
    return thumbs.c.reply == reply, thumbs.c.voter == voter, thumbs.c.withdrawn.is_(None)


def _withdraw(connection: Any, reply: str, voter: str) -> None:
    found = one(connection, select(thumbs.c.id).where(*_standing(reply, voter)))
    if found is not None:
        at = rows.now()
        connection.execute(update(thumbs).where(thumbs.c.id == found["id"]).values(withdrawn=at))
        connection.execute(insert(withdrawals).values(of=found["id"], kind="thumb", voter=voter, at=at))


def _review_row(store: Store, brand: str, run: str, given: piles.Review, key: str) -> Document:
    verdict = given.verdict
    return {
        "key": key, "brand": brand, "run": run, "reviewer": given.reviewer, "number": given.number,
        "case_id": given.case, "mode": given.mode, "again": given.again, "on_brand": verdict.on_brand,
        "send": verdict.send, "broke": rows.dumped(verdict.broke), "comment": store.scrub(verdict.comment),
        "reply": given.reply, "at": given.when,
    }  # fmt: skip


def _review(row: rows.Row) -> piles.Review:
    verdict = piles.Verdict(bool(row["on_brand"]), bool(row["send"]), tuple(json.loads(row["broke"])), row["comment"])
    return piles.Review(
        row["reviewer"], row["number"], row["case_id"], row["mode"], bool(row["again"]), verdict, row["reply"],
        row["at"],
    )  # fmt: skip
