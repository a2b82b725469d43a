"""The database of the truth: SQLite in a file, or PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from engine.errors import SettingsError, StoreUnavailable
from engine.store import schema
from engine.store.private_folder import make_private

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

WAIT_SECONDS = 5
# Between two looks whether another process is done writing: often at first, then more seldom.
LOOK_SECONDS, MOST_LOOK_SECONDS = 0.0001, 0.002
# Pages of the write-ahead log after which a commit moves it into the file: 16 MB.
CHECKPOINT_PAGES = 4_000
POOL_SIZE = 8
_POSTGRESQL_LIMITS = (
    "-c statement_timeout=120s -c lock_timeout=10s -c idle_in_transaction_session_timeout=120s"
)
# Another transaction won (deadlock, serialisation) or held a row for too long.
_TRANSIENT_STATES = ("40001", "40P01", "55P03")
# How a transaction begins on SQLite, told to the "begin" event as an execution option.
_BEGIN = "regulars_begin"
_SYNCHRONOUS = "regulars_synchronous"
_TAKE_TURN = "BEGIN IMMEDIATE"
_DURABLE, _LAZY = "FULL", "NORMAL"


class Database:
    """A pool of connections that any thread may use; close it at the end."""

    def __init__(self, engine: Engine, *, url: URL) -> None:
        self.url = url
        self._engine = engine
        self._writing = engine.execution_options(**{_BEGIN: _DURABLE})
        # SQLite's transactions see one moment by themselves.
        one_moment = {"isolation_level": "REPEATABLE READ"} if self.dialect == POSTGRESQL else {}
        self._reading = engine.execution_options(**one_moment)
        self._noting = engine.execution_options(**{_BEGIN: _LAZY})
        # SQLite has one writer at a time; queueing here is fair and needs no polling.
        self._writer = threading.Lock()

    @classmethod
    def open(cls, url: str) -> Database:
        """The database of a SQLAlchemy URL; a SQLite file's folder is made when it is missing.

        Nothing is connected yet. Raises SettingsError for a URL that cannot be used.
        """
        parsed = parsed_url(url)
        engine = _sqlite(parsed) if parsed.get_backend_name() == SQLITE else _postgresql(parsed)
        return cls(engine, url=parsed)

    @property
    def dialect(self) -> str:
        """SQLITE or POSTGRESQL."""
        return self.url.get_backend_name()

    @property
    def name(self) -> str:
        """The database as a message may name it: without user and password."""
        if self.dialect == SQLITE:
            return f"database {self.url.database}"
        port = f":{self.url.port}" if self.url.port else ""
        return f"database {self.url.database} at {self.url.host or 'localhost'}{port}"

    def upgrade(self) -> None:
        """Bring the tables to the version of this code; safe to repeat and to race.

        Raises StoreUnavailable when the database was written by newer code.
        """
        with self.read() as connection:
            if schema.is_current(connection, name=self.name):
                return
        with self.write() as connection:
            schema.upgrade(connection, name=self.name)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in a transaction that sees one state of the database."""
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection whose every query sees the same moment, however long it takes."""
        with self._translated(), self._reading.connect() as connection:
            if self.dialect == POSTGRESQL:
                _take_time(connection)
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction that commits at the end, or not at all on an exception."""
        with self._translated(), self._turn(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def write_patiently(self) -> Iterator[Connection]:
        """Like `write`, but it may take as long as it needs."""
        with self.write() as connection:
            if self.dialect == POSTGRESQL:
                _take_time(connection)
            yield connection

    @contextmanager
    def write_lazily(self) -> Iterator[Connection]:
        """Like `write`, but it does not wait for the disk: a power cut may undo the last ones.

        Nothing else is weaker, and whatever `write` commits later is never there without them.
        """
        with self._translated(), self._turn(), self._noting.begin() as connection:
            if self.dialect == POSTGRESQL:
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self.dialect != SQLITE:
            yield
            return
        if not self._writer.acquire(timeout=WAIT_SECONDS):
            raise StoreUnavailable(f"{self.name} is busy with other writes; try again")
        try:
            yield
        finally:
            self._writer.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        driver_error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        try:
            yield
        except (SQLAlchemyError, driver_error) as error:
            raise StoreUnavailable(f"{self.name}: {_reason(error)}") from error


def parsed_url(url: str) -> URL:
    """The parts of a database's URL; raises SettingsError for one that cannot be used."""
    # The URL may hold a password: a message never repeats it.
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError(
            "database_url cannot be read; write sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from error
    backend = parsed.get_backend_name()
    if backend not in (SQLITE, POSTGRESQL):
        raise SettingsError(f"database_url: {backend} is not supported; use sqlite or postgresql")
    if backend == POSTGRESQL and "@" in f"{parsed.host}{parsed.database}":
        # What follows the first @ of a password would be taken for a host, and be shown as one.
        raise SettingsError("database_url: the password holds @ or /; write them as %40 and %2F")
    if backend == SQLITE and parsed.database in (None, "", ":memory:"):
        raise SettingsError("database_url: SQLite needs a file; write sqlite:///FILE")
    return parsed


def _sqlite(url: URL) -> Engine:
    folder = Path(str(url.database)).parent
    try:
        make_private(folder)
    except OSError as error:
        raise StoreUnavailable(f"the folder {folder} cannot be made: {error.strerror}") from error
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=WAIT_SECONDS,
        connect_args={"timeout": WAIT_SECONDS},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN comes late and never IMMEDIATE: ours is sent on SQLAlchemy's "begin".
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
    _use_write_ahead_log(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # Changing the mode does not wait for other connections, whatever busy_timeout says.
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # Straight to the driver: this is part of every event.
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    wanted = connection.get_execution_options().get(_BEGIN)
    if wanted is None:
        driver.execute("BEGIN")
        return
    if connection.info.get(_SYNCHRONOUS) != wanted:
        driver.execute(f"PRAGMA synchronous = {wanted}")
        connection.info[_SYNCHRONOUS] = wanted
    _take_turn(driver)


def _take_turn(connection: sqlite3.Connection) -> None:
    """Begin to write, as soon after another process as may be.

    SQLite's own waiting sleeps up to a tenth of a second between two looks, while a transaction
    of ours takes a millisecond: one writer in a hundred would wait for nothing.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    look = LOOK_SECONDS
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute(_TAKE_TURN)
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(look)
                look = min(1.2 * look, MOST_LOOK_SECONDS)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")


def _postgresql(url: URL) -> Engine:
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            pool_timeout=WAIT_SECONDS,
            connect_args={
                "connect_timeout": WAIT_SECONDS,
                "application_name": "regulars",
                "options": _POSTGRESQL_LIMITS,
                # A host that vanished without a word would otherwise be waited for a quarter hour.
                "tcp_user_timeout": WAIT_SECONDS * 1000,
                "keepalives_idle": WAIT_SECONDS,
                "keepalives_interval": 1,
                "keepalives_count": WAIT_SECONDS,
            },
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise SettingsError(
            "database_url: PostgreSQL needs its driver; run pip install 'regulars[postgres]'"
        ) from error


def _take_time(connection: Connection) -> None:
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def _reason(error: Exception) -> str:
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines()
    text = lines[0] if lines else type(cause).__name__
    again = getattr(cause, "sqlstate", None) in _TRANSIENT_STATES or "is locked" in text
    return f"{text}; try again" if again else text
