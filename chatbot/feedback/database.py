"""Open the database, bring it up to date, and turn its errors into sentences. SQLite by default, or PostgreSQL.

SQLite: WAL and synchronous FULL, so what is committed is on the disk; every write transaction takes the lock when it
begins, so that two writers wait for each other instead of failing half-way. Knows nothing of votes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chatbot.errors import FeedbackError
from chatbot.settings import Settings, masked

FILE = "feedback.sqlite3"
MIGRATIONS = Path(__file__).parent / "migrations"
WAIT_S = 10.0  # for another writer, before a vote is refused
SILENT_S = 30.0  # without a word from PostgreSQL, before its connection counts as gone
MIGRATING_S = 60.0  # for another program that is making or migrating the database
POOL = 10  # connections held; as many again when busy
LOCK = 7_301_994  # the advisory lock that one migrating program holds in PostgreSQL
# PostgreSQL's ways to say that the connection is gone, by SQLSTATE; the driver passes them on as plain errors
GONE = ("57P01", "57P02", "57P03", "08006", "08003", "08001", "08000")


class Database:
    """An open database at the newest revision. `place` names it without a password. Share one between threads."""

    def __init__(self, url: URL, wait_s: float = WAIT_S):
        self.url, self.sqlite = url, url.get_backend_name() == "sqlite"
        plain = url.set(drivername=url.get_backend_name())
        self.place = str(url.database) if self.sqlite else masked(plain.render_as_string(hide_password=True))
        self.engine = _engine(url, wait_s)

    @contextmanager
    def writing(self, what: str) -> Iterator[Connection]:
        """One transaction: all of it is on the disk on leaving, or nothing is. `what`: "The vote". FeedbackError."""
        with self.told(f"{what} was not stored", "Give it again."), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent look, which no writer waits for. Raises FeedbackError."""
        with self.told("The feedback could not be read", "Try again."), self.engine.connect() as connection:
            level = "REPEATABLE READ"
            yield connection.execution_options(**({"reading": True} if self.sqlite else {"isolation_level": level}))

    @contextmanager
    def told(self, what: str, way_out: str) -> Iterator[None]:
        """Foreign errors stop here."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise FeedbackError(f"{what}: {self._why(error)} {way_out}") from error

    def _why(self, error: Exception) -> str:
        found = getattr(error, "orig", None) or error
        for sign, why in WHY.items():
            if sign in _words(found):
                return why.format(place=self.place)
        if isinstance(error, PoolTimeout):
            return f"too many are voting at once in {self.place}."
        if self.sqlite and isinstance(found, OSError):
            return f"{self.place} cannot be opened ({found.strerror or found}): make its folder writable."
        if getattr(error, "connection_invalidated", False) or isinstance(found, OSError) or _code(found) in GONE:
            return f"the database {self.place} does not answer."
        return f"the database {self.place} refused it ({_plain(found)})."

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


WHY = {  # words of SQLite, or SQLSTATEs of PostgreSQL, and what they mean to a person
    "database is locked": "another program keeps the database {place} locked.",
    "55P03": "another program keeps the database {place} locked.",
    "database or disk is full": "the disk of {place} is full: make room there.",
    "disk I/O error": "the disk of {place} cannot be written: see that it has room and is whole.",
    "53100": "the disk of {place} is full: make room there.",
    "readonly database": "{place} may not be written: make the file and its folder writable.",
    "unable to open database": "{place} cannot be opened: make its folder writable.",
    "malformed": "{place} is damaged: move the file away, restore a copy or begin a new one.",
    "not a database": "{place} is damaged or no database: move the file away, restore a copy or begin a new one.",
    "25006": "{place} may not be written: it is read-only at present.",
    "42501": "{place} may not be written by this user: grant it the rights, or correct TRIPTYCH_DATABASE_URL.",
    "Can't create a connection": "{place} does not answer: start it, or correct TRIPTYCH_DATABASE_URL.",
    "28P01": "{place} refused the user or password: correct TRIPTYCH_DATABASE_URL.",
    "28000": "{place} refused the user or password: correct TRIPTYCH_DATABASE_URL.",
    "3D000": "there is no database {place}: create it, or correct TRIPTYCH_DATABASE_URL.",
}


def open_database(settings: Settings, wait_s: float = WAIT_S) -> Database:
    """The database of `settings`, made or migrated if need be. Raises FeedbackError: the place, the way out."""
    url = _url(settings)
    database = Database(url, wait_s)
    with database.told("The feedback cannot be opened", "Then start the program again."):
        if database.sqlite:
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        try:
            _bring_up_to_date(database)
        except BaseException:
            database.close()
            raise
    return database


def _url(settings: Settings) -> URL:
    if not settings.database_url:
        return URL.create("sqlite", database=str(settings.home / "feedback" / FILE))
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError) as error:
        raise FeedbackError(f"TRIPTYCH_DATABASE_URL={masked(settings.database_url)} is no database address.") from error
    return url.set(drivername="postgresql+pg8000")


def _engine(url: URL, wait_s: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": wait_s}, pool_size=POOL, max_overflow=POOL)
        event.listen(engine, "connect", _careful_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # pre-ping: after a restart of PostgreSQL the pool notices dead connections before a vote does
    engine = create_engine(
        url, connect_args={"timeout": SILENT_S}, pool_pre_ping=True, pool_size=POOL, max_overflow=POOL
    )
    # a connection that cannot even be closed is told to the voter in a sentence; its traceback helps nobody
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    event.listen(engine, "connect", lambda raw, _: _careful_postgres(raw, wait_s))
    event.listen(engine, "handle_error", _notice_gone)
    return engine


def _careful_sqlite(raw: Any, _: Any) -> None:
    raw.isolation_level = None  # else Python's module begins and ends transactions by itself
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        raw.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _careful_postgres(raw: Any, wait_s: float) -> None:
    cursor = raw.cursor()
    cursor.execute(f"SET lock_timeout = {round(wait_s * 1000)}")
    cursor.execute("SET synchronous_commit = on")
    raw.commit()


def _notice_gone(context: Any) -> None:
    if _code(context.original_exception) in GONE:
        context.is_disconnect = True


def _bring_up_to_date(database: Database) -> None:
    with database.engine.connect() as connection:
        if database.sqlite:
            _refuse_damage(connection, database.place)
        found, head = MigrationContext.configure(connection).get_current_revision(), _scripts().get_current_head()
    if found == head:
        return
    if found is not None and found not in {one.revision for one in _scripts().walk_revisions()}:
        raise FeedbackError(
            f"The feedback in {database.place} was written by a newer Triptych (revision {found}; this one knows "
            f"{head}). Use that version, or keep feedback elsewhere (TRIPTYCH_DATABASE_URL or TRIPTYCH_HOME)."
        )
    _migrate(database)


def _refuse_damage(connection: Connection, place: str) -> None:
    if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
        raise FeedbackError(f"The feedback cannot be opened: {WHY['malformed'].format(place=place)}")


def _migrate(database: Database) -> None:
    """One program at a time; the second finds nothing left to do."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    if database.sqlite:
        with FileLock(f"{database.place}.lock", timeout=MIGRATING_S), database.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _code(error: BaseException | None) -> str:
    """The SQLSTATE that PostgreSQL gave; "" if none."""
    given = error.args[0] if error is not None and error.args else None
    return str(given.get("C", "")) if isinstance(given, dict) else ""


def _words(error: Any) -> str:
    return _code(error) or str(error)


def _plain(error: Any) -> str:
    """The first line of what the database said; its parameters, a voter's words, are not among it."""
    given = error.args[0] if getattr(error, "args", None) else error
    said = given.get("M", "") if isinstance(given, dict) else str(given)
    return str(said).split("\n", 1)[0][:200] or type(error).__name__
