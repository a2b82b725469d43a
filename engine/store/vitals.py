"""How a database does, looked at without changing anything in it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from urllib.parse import quote

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from engine.errors import StoreUnavailable
from engine.store import schema
from engine.store.database import POSTGRESQL, Database, parsed_url

LOOK_SECONDS = 2
SAMPLES = 5
_READ_ONLY = (
    f"-c default_transaction_read_only=on -c statement_timeout={LOOK_SECONDS}s "
    f"-c lock_timeout={LOOK_SECONDS}s"
)


@dataclass(frozen=True, slots=True)
class Clock:
    """What the server's clock shows, in the middle of a round trip of so many seconds."""

    server: datetime
    ours: datetime
    trip_seconds: float

    @property
    def ahead_seconds(self) -> float:
        """How far the server's clock is ahead of ours; below zero when it is behind."""
        return (self.server - self.ours).total_seconds()


def for_reading(url: str) -> Database:
    """The database of a URL, which gives up after two seconds and refuses to write.

    Nothing is made that is not there. Raises SettingsError for a URL that cannot be used.
    """
    parsed = parsed_url(url)
    if parsed.get_backend_name() == POSTGRESQL:
        options = {"connect_timeout": LOOK_SECONDS, "application_name": "regulars doctor"}
        return Database(
            create_engine(
                parsed, poolclass=NullPool, connect_args={**options, "options": _READ_ONLY}
            ),
            url=parsed,
        )

    def connected() -> sqlite3.Connection:
        file = f"file:{quote(str(parsed.database))}?mode=ro"
        return sqlite3.connect(file, uri=True, timeout=LOOK_SECONDS, check_same_thread=False)

    return Database(create_engine("sqlite://", creator=connected, poolclass=NullPool), url=parsed)


def table_version(connection: Connection) -> str | None:
    """The version of the tables, None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


def is_current(database: Database) -> bool:
    """Whether the tables are those of this code; newer ones raise StoreUnavailable."""
    with database.read() as connection:
        return schema.is_current(connection, name=database.name)


def journal_mode(database: Database) -> str:
    """How the SQLite file is written: `wal` is what the server makes of it."""
    with database.read() as connection:
        return str(connection.scalar(text("PRAGMA journal_mode")))


def synchronous_commit(database: Database) -> str:
    """What PostgreSQL waits for before it says that something is committed."""
    with database.read() as connection:
        return str(connection.scalar(text("SHOW synchronous_commit")))


def trip_seconds(database: Database) -> float:
    """The middle time of a question and its answer on a connection that is open."""
    with database.read() as connection:
        # SQLite answers to less than this without a look into the file.
        asked = text("SELECT 1" if database.dialect == POSTGRESQL else "PRAGMA schema_version")
        return median(_seconds(lambda: connection.scalar(asked)) for _ in range(SAMPLES))


def clock(database: Database, *, now: Callable[[], datetime]) -> Clock:
    """PostgreSQL's clock beside ours."""
    with database.read() as connection:
        # The first statement of a connection is slower: it would blur the middle.
        connection.scalar(text("SELECT 1"))
        before = now()
        server: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        after = now()
    return Clock(server, before + (after - before) / 2, (after - before).total_seconds())


def commit_seconds(folder: Path) -> float:
    """The middle time of a durable commit of SQLite in a folder, by a file that is removed again.

    Raises StoreUnavailable when nothing can be written there.
    """
    path = folder / f".doctor-{time.monotonic_ns()}.db"
    try:
        return _probed(path)
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"nothing can be committed in {folder}: {error}") from error
    finally:
        for each in ("", "-wal", "-shm", "-journal"):
            # A file system that cannot be written says so even of what is not there.
            with suppress(OSError):
                path.with_name(f"{path.name}{each}").unlink(missing_ok=True)


def _probed(path: Path) -> float:
    connection = sqlite3.connect(path, isolation_level=None, timeout=LOOK_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE probe (number INTEGER)")
        return median(
            _seconds(lambda: connection.execute("INSERT INTO probe VALUES (1)"))
            for _ in range(SAMPLES)
        )
    finally:
        connection.close()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
