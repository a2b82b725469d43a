"""How a database and a Redis are set up and how quick they are, without changing anything."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import redis
from sqlalchemy import Connection

from engine.errors import StoreUnavailable
from engine.store import schema
from engine.store.database import Database
from engine.store.redis_cache import connect

TIMES = 5
PINGS = 20
# Long enough for any server that is there; the cache itself waits a quarter of a second.
ANSWER_SECONDS = 2.0
_PAGE = bytes(4096)
_FILE = "sqlite:///"


@dataclass(frozen=True)
class DatabaseFacts:
    """`commit_seconds` is what it takes to be sure that something is on the disk, None if it could
    not be tried; `journal` is SQLite's; `clock` is the server's own, None where it has none.
    """

    name: str
    dialect: str
    tables_current: bool
    journal: str | None
    clock: datetime | None
    commit_seconds: float | None


@dataclass(frozen=True)
class RedisFacts:
    """`max_memory` is bytes, 0 for as much as there is."""

    version: str
    max_memory: int
    policy: str
    ping_seconds: float


def inspect_database(url: str) -> DatabaseFacts | None:
    """What there is, None while a SQLite file was not made yet. Raises StoreUnavailable.

    Tables that newer code wrote raise too; older ones are left as they are.
    """
    path = Path(url.removeprefix(_FILE).partition("?")[0]) if url.startswith(_FILE) else None
    if path is not None and not _exists(path):
        return None
    database = Database.open(url)
    try:
        with database.read() as connection:
            current = schema.is_current(connection, name=database.name)
            journal = clock = None
            if path is not None:
                journal = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())
            else:
                clock = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return DatabaseFacts(
            name=database.name,
            dialect=database.dialect,
            tables_current=current,
            journal=journal,
            clock=None if clock is None else clock.astimezone(UTC),
            commit_seconds=_committed(database) if path is None else _synced(path.parent),
        )
    finally:
        database.close()


def inspect_redis(url: str) -> RedisFacts:
    """How the server is set up. Raises StoreUnavailable, and SettingsError for a bad URL."""
    with connect(url, answer_seconds=ANSWER_SECONDS) as client:
        try:
            server: Any = client.info("server")
            memory: Any = client.info("memory")
            times = []
            for _ in range(PINGS):
                began = time.perf_counter()
                client.ping()
                times.append(time.perf_counter() - began)
        except (redis.RedisError, OSError) as error:
            raise StoreUnavailable(f"Redis does not answer: {error}") from error
    return RedisFacts(
        version=str(server.get("valkey_version") or server["redis_version"]),
        max_memory=int(memory.get("maxmemory", 0)),
        policy=str(memory.get("maxmemory_policy", "unknown")),
        ping_seconds=median(times),
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be reached: {error.strerror}") from error


def _synced(folder: Path) -> float | None:
    """Seconds until a page is surely on the disk of the folder."""
    times = []
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            for _ in range(TIMES):
                file.write(_PAGE)
                file.flush()
                began = time.perf_counter()
                os.fsync(file.fileno())
                times.append(time.perf_counter() - began)
    except OSError:
        return None
    return median(times)


def _committed(database: Database) -> float | None:
    """Seconds that a durable commit of PostgreSQL takes; what it writes is in no table."""
    times = []
    for _ in range(TIMES):
        with database.write() as connection:
            _emit(connection)
            began = time.perf_counter()
        times.append(time.perf_counter() - began)
    return median(times)


def _emit(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT pg_logical_emit_message(true, 'regulars', 'doctor')")
