"""What a store of votes must survive, done to it for real. prove.py counts and prints; test_faults.py asserts.

Each fault is a function of a `Ground` (SQLite, or a PostgreSQL of its own) that gives how often it was done and how
often the store did right. The tests run the same functions."""

import multiprocessing
import os
import random
import secrets
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event, text

from chatbot.errors import AlreadyVoted, FeedbackError
from chatbot.feedback.database import open_database
from chatbot.feedback.store import Store, open_store
from chatbot.settings import Settings
from tests.chatbot.feedback import postgres
from tests.chatbot.feedback.given import MODES, a_vote, saved

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.chatbot.feedback.faults"])  # before the first fork: its server serves all
SECRET = "s3cret"  # the password in every PostgreSQL address of these tests
COUNT = "SELECT count(*) FROM {}"


@dataclass(frozen=True)
class Ground:
    """Where faults happen: settings for an empty database, and the server if it is PostgreSQL."""

    name: str
    settings: Settings
    server: postgres.Server | None = None

    @property
    def file(self) -> Path:
        return self.settings.home / "feedback" / "feedback.sqlite3"


@dataclass(frozen=True)
class Outcome:
    """`right` of `tried`; what was counted besides, in words."""

    fault: str
    tried: int
    right: int
    seen: str = ""


@contextmanager
def opened(ground: Ground, wait_s: float = 20.0) -> Iterator[Store]:
    store = open_store(ground.settings, wait_s=wait_s)
    try:
        yield store
    finally:
        store.close()


def rows(store: Store, table: str = "votes", where: str = "1 = 1") -> int:
    with store.database.reading() as connection:
        return int(connection.exec_driver_sql(f"{COUNT.format(table)} WHERE {where}").scalar())


def refusal(act: Callable[[], Any]) -> str:
    """The sentence `act` was refused with; "" if it was not. A password in it is a fault."""
    try:
        act()
    except FeedbackError as error:
        return "THE PASSWORD" if SECRET in str(error) else str(error)
    return ""


def double_posts(ground: Ground, count: int = 200) -> Outcome:
    """Every vote is posted twice at once under one key: one row each, and both posts are told the same."""
    with opened(ground) as store:
        experiment = store.experiment("northwind", "demo", MODES)
        votes = [a_vote(saved(store, experiment, f"voter-{n}")) for n in range(count)]
        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(lambda vote: store.cast(vote).id, [vote for vote in votes for _ in range(2)]))
        alike = sum(first == second for first, second in zip(told[::2], told[1::2], strict=True))
        return Outcome("double posts", count, alike if rows(store) == count else 0, f"{rows(store)} rows")


def two_forms(ground: Ground, count: int = 50) -> Outcome:
    """Two forms of one voter, two keys, at once: one is stored, the other is told that it was."""
    with opened(ground) as store:
        experiment = store.experiment("northwind", "demo", MODES)
        battles = [saved(store, experiment, f"voter-{n}") for n in range(count)]

        def post(battle: Any) -> bool:
            try:
                return not store.cast(a_vote(battle)).again
            except AlreadyVoted:
                return False

        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(post, [battle for battle in battles for _ in range(2)]))
        right = sum(one != other for one, other in zip(told[::2], told[1::2], strict=True))
        return Outcome("two forms at once", count, right if rows(store) == count else 0, f"{rows(store)} rows")


def _write_until_killed(settings: Settings, pipe: Any, voter: str) -> None:
    store = open_store(settings)
    experiment = store.experiment("northwind", "demo", MODES)
    while True:
        vote = a_vote(saved(store, experiment, voter), left_reasons=("too-long",))
        pipe.send(store.cast(vote).id)


def killed_writers(ground: Ground, rounds: int = 100, seed: int = 0) -> Outcome:
    """A process that votes and tells each vote once it is acknowledged is killed (SIGKILL) at a random moment."""
    rng, acknowledged, right = random.Random(seed), set(), 0
    opened_once = open_store(ground.settings)
    opened_once.close()
    for n in range(rounds):
        ours, theirs = FORKS.Pipe(duplex=False)
        writer = FORKS.Process(target=_write_until_killed, args=(ground.settings, theirs, f"voter-{n}"))
        writer.start()
        theirs.close()
        acknowledged.add(ours.recv())  # from here on it is writing
        time.sleep(rng.uniform(0, 0.03))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        acknowledged |= set(_rest(ours))
        right += _whole(ground, acknowledged)
    return Outcome("kill -9 of a writer", rounds, right, f"{len(acknowledged)} acknowledged votes")


def _rest(pipe: Any) -> Iterator[str]:
    """What the writer had told before it died."""
    try:
        while True:
            yield pipe.recv()
    except EOFError:
        pipe.close()


def _whole(ground: Ground, acknowledged: set[str]) -> bool:
    """Opened anew: is every acknowledged vote there, and none without both marks, its battle and both sides?"""
    with opened(ground) as store, store.database.reading() as connection:
        there = set(connection.execute(text("SELECT id FROM votes")).scalars())
        marks = connection.execute(text("SELECT count(*) FROM marks GROUP BY vote")).scalars().all()
        sides = connection.execute(text("SELECT count(*) FROM sides GROUP BY battle")).scalars().all()
        reasons = rows(store, "reasons")
        battles = rows(store, "battles")
    halves = set(marks) | set(sides) != {2} or len(marks) != len(there) or len(sides) != battles
    return acknowledged <= there and not halves and reasons == len(there)


def locked(ground: Ground) -> Outcome:
    """Another program keeps the table: the voter is told, and the same form is taken once the lock is gone."""
    with opened(ground, wait_s=0.3) as store, opened(ground) as other:
        vote = a_vote(saved(store, store.experiment("northwind", "demo", MODES), "ana"))
        with other.database.engine.begin() as holder:
            if ground.server:
                holder.exec_driver_sql("LOCK TABLE votes IN ACCESS EXCLUSIVE MODE")
            said = refusal(lambda: store.cast(vote))
        taken = not store.cast(vote).again and rows(store) == 1
    return Outcome("database locked", 1, int("locked" in said and "Give it again" in said and taken), said)


def full(ground: Ground, make_room: Callable[[], None]) -> Outcome:
    """The disk fills up: the voter is told, what was acknowledged stays, and with room the same form is taken."""
    with opened(ground) as store:
        return _fill(store, make_room)


def full_by_pragma(ground: Ground) -> Outcome:
    """SQLite's own limit on pages: the same error as a full disk gives, where no small disk can be mounted."""
    with opened(ground) as store:
        pages = ["PRAGMA max_page_count = 150", "PRAGMA max_page_count = 100000"]
        event.listen(store.database.engine, "connect", lambda raw, _: raw.execute(pages[0]))
        store.database.engine.dispose()

        def make_room() -> None:
            pages.pop(0)
            store.database.engine.dispose()

        return _fill(store, make_room)


def _fill(store: Store, make_room: Callable[[], None]) -> Outcome:
    size = 5_000 if store.database.sqlite else 50_000
    experiment, kept, said, waiting = store.experiment("northwind", "demo", MODES), 0, "", None
    while not said:
        try:
            long = secrets.token_hex(size)  # PostgreSQL would press together what repeats itself
            waiting = waiting or a_vote(saved(store, experiment, "ana", question=long), comment=secrets.token_hex(1900))
            store.cast(waiting)
            kept, waiting = kept + 1, None
        except FeedbackError as error:
            said = str(error)
    there = rows(store)
    make_room()
    again = store.cast(waiting or a_vote(saved(store, experiment, "ana"))).again
    right = there == kept > 0 and "is full" in said and "not stored" in said and SECRET not in said
    right = right and rows(store) == kept + 1 and not again
    return Outcome("disk full", 1, int(right), f"{kept} votes before it; {said}")


def restarted(ground: Ground, rounds: int = 10) -> Outcome:
    """PostgreSQL restarts between votes and within one: at most one sentence, then the same form is taken."""
    assert ground.server
    right, told = 0, 0
    with opened(ground) as store:
        experiment = store.experiment("northwind", "demo", MODES)
        for n in range(rounds):
            vote = a_vote(saved(store, experiment, f"voter-{n}"))
            said = ""
            if n % 2:
                said = refusal(partial(_cut_within, store, ground.server, "immediate" if n % 4 == 1 else "fast"))
            else:
                ground.server.restart("immediate" if n % 4 == 0 else "fast")
            again = refusal(partial(store.cast, vote))
            told += bool(said) + bool(again)
            if again:
                store.cast(vote)
            right += bool(said) + bool(again) <= 1 and rows(store) == n + 1 and (not n % 2 or "does not answer" in said)
    return Outcome("PostgreSQL restarted", rounds, right, f"{told} sentences")


def _cut_within(store: Store, server: postgres.Server | None, how: str) -> None:
    assert server
    with store.database.writing("The vote") as connection:
        connection.exec_driver_sql("UPDATE votes SET comment = 'never committed'")
        server.restart(how)
        connection.exec_driver_sql("UPDATE votes SET comment = 'nor this'")


def old_version(ground: Ground, count: int = 20, openers: int = 4) -> Outcome:
    """A database of revision 0001 with votes, opened by several at once: every row is there, at the newest revision."""
    _make_old(ground, count)
    with ThreadPoolExecutor(openers) as pool:
        stores = list(pool.map(lambda _: open_store(ground.settings), range(openers)))
    with stores[0].database.engine.connect() as connection:
        found = connection.execute(text("SELECT id, comment, seconds FROM votes ORDER BY id")).all()
    right = sum(tuple(row) == (f"vote-{n:03}", f"said {n}", None) for n, row in enumerate(found))
    store = stores[0]
    added = store.cast(a_vote(saved(store, store.experiment("northwind", "old", MODES), "ana"), seconds=2.5))
    for one in stores:
        one.close()
    return Outcome("version-old database", count, right if not added.again else 0, f"{openers} opened it at once")


def _make_old(ground: Ground, count: int) -> None:
    from alembic import command
    from alembic.config import Config

    from chatbot.feedback import database as rooms

    ground.file.parent.mkdir(parents=True, exist_ok=True)
    engine = rooms._engine(rooms._url(ground.settings), 20.0)
    config = Config()
    config.set_main_option("script_location", str(rooms.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        put = connection.exec_driver_sql
        put(
            "INSERT INTO experiments VALUES ('e', 'northwind', 'old', 'salt', '[\"base-prompted\", \"fine-tuned\", \"combined\"]', '2026')"
        )
        for n in range(count):
            put(
                f"INSERT INTO draws VALUES ('b{n}', 'e', 'v', {n}, 'free', {n}, 'base-prompted', 'combined', 'combined', NULL, '2026')"
            )
            put(
                f"INSERT INTO battles VALUES ('b{n}', 'northwind', 'q', 'refund', '[]', '[]', '[]', 'x', 0, '{{}}', '0', '2026', '')"
            )
            for arm in "xy":
                put(
                    f"INSERT INTO sides VALUES ('b{n}', '{arm}', 'm{arm}', '', '', '', '', 'text', 'stop', 1, 0.1, 0.2)"
                )
            put(
                f"INSERT INTO votes VALUES ('vote-{n:03}', 'b{n}', 'v', 'k{n}', 'better', 'x', 'said {n}', '2026', NULL)"
            )
    engine.dispose()


def newer_version(ground: Ground) -> Outcome:
    """A database of a newer program is refused, and not touched."""
    with opened(ground) as store, store.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    said = refusal(lambda: open_store(ground.settings))
    return Outcome("newer database", 1, int("newer Triptych" in said and "9999" in said), said)


def damaged(ground: Ground) -> Outcome:
    """SQLite: another file's bytes, pages overwritten, a file cut short. PostgreSQL: a table is gone."""
    with opened(ground) as store:
        experiment = store.experiment("northwind", "demo", MODES)
        vote = a_vote(saved(store, experiment, "ana"))
        for _ in range(20):
            store.cast(a_vote(saved(store, experiment, "ben")))
        if ground.server:
            with store.database.engine.begin() as connection:
                connection.exec_driver_sql("DROP TABLE marks")
            said = refusal(lambda: store.cast(vote))
            right = "not stored" in said and "marks" in said and ground.server.url()[-8:] in said
            return Outcome("damaged database", 1, int(right and rows(store) == 20), said)
    with sqlite3.connect(ground.file) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    whole, right, said = ground.file.read_bytes(), 0, ""
    for bad in (
        b"not a database at all\n" * 500,
        whole[:4096] + os.urandom(16384) + whole[20480:],
        whole[: len(whole) // 2],
    ):
        for log in ground.file.parent.glob("*-*"):
            log.unlink()
        ground.file.write_bytes(bad)
        said = refusal(lambda: open_store(ground.settings))
        right += str(ground.file) in said and "damaged" in said and "move the file away" in said
    return Outcome("damaged database", 3, right, said)


def _open_as_nobody(settings: Settings, pipe: Any) -> None:
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)  # root may write everywhere
    pipe.send(refusal(lambda: open_store(settings)))


def not_writable(ground: Ground) -> Outcome:
    """SQLite: a folder that may not be written. PostgreSQL: a database that may only be read."""
    if ground.server:
        with opened(ground) as store:
            vote = a_vote(saved(store, store.experiment("northwind", "demo", MODES), "ana"))
            name = store.database.url.database
            ground.server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            store.database.engine.dispose()
            said = refusal(lambda: store.cast(vote))
            ground.server.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
            store.database.engine.dispose()
            right = "may not be written" in said and not store.cast(vote).again
        return Outcome("not writable", 1, int(right), said)
    ground.settings.home.chmod(0o555)
    ours, theirs = FORKS.Pipe(duplex=False)
    opener = FORKS.Process(target=_open_as_nobody, args=(ground.settings, theirs))
    opener.start()
    said = ours.recv()
    opener.join()
    ground.settings.home.chmod(0o755)
    return Outcome("not writable", 1, int("make its folder writable" in said and str(ground.file) in said), said)


def no_answer(ground: Ground) -> Outcome:
    """Nothing listens there: a sentence without the password, at once."""
    assert ground.server
    away = replace(ground.settings, database_url=ground.server.url().replace(str(ground.server.port), "1"))
    began = time.monotonic()
    said = refusal(lambda: open_database(away))
    return Outcome("PostgreSQL away", 1, int("does not answer" in said and time.monotonic() - began < 15), said)
