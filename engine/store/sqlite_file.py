"""A SQLite file in the place of another one."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from engine.errors import StoreUnavailable

_BESIDE = ("-wal", "-shm", "-journal")


def remove(path: Path) -> None:
    """Remove a database file and what SQLite keeps beside it."""
    for each in ("", *_BESIDE):
        path.with_name(f"{path.name}{each}").unlink(missing_ok=True)


def replace(path: Path, *, by: Path) -> None:
    """Give a finished database file the place of another, which nobody may have open.

    Raises StoreUnavailable when somebody has.
    """
    _sync(by)
    if path.exists():
        _be_alone(path)
    for each in _BESIDE:
        path.with_name(f"{path.name}{each}").unlink(missing_ok=True)
    by.replace(path)
    _sync(path.absolute().parent)


def _be_alone(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            # SQLite leaves the write-ahead log only when no other connection is open.
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise StoreUnavailable(
            f"{path} is in use ({error}); stop `regulars serve` and every other command first"
        ) from error
    except sqlite3.DatabaseError:
        # No database any more: nobody works with it, and it is here to be replaced.
        return


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
