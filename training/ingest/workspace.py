"""A folder for one ingest's intermediate tables, gone afterwards even when the run was killed."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from engine.errors import StoreUnavailable
from engine.store.private_folder import make_private
from training.goods import silence

LOCK = "lock"
PREFIX = "ingest-"
# Beyond this DuckDB spills to disk; two ingests and a server fit beside each other on a laptop.
MEMORY_LIMIT = "400MB"
THREADS = 2


@contextmanager
def workspace(home: Path) -> Iterator[Path]:
    """An empty folder under the home; those of runs that were killed are removed first."""
    try:
        root = home / "tmp"
        make_private(home)
        root.mkdir(exist_ok=True)
        _sweep(root)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
    except OSError as error:
        raise StoreUnavailable(f"{home}: no working folder: {error.strerror or error}") from error
    try:
        with (folder / LOCK).open("w") as lock:
            # Held while this process lives: that is how the next run knows the folder is in use.
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def tables(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the tables kept in the file, closed afterwards."""
    connection = duckdb.connect(
        path,
        config={
            "memory_limit": MEMORY_LIMIT,
            "threads": THREADS,
            "temp_directory": str(path.with_suffix(".spill")),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        connection.execute("SET TimeZone = 'UTC'")
        silence(connection)
        yield connection
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.Error as error:
        raise StoreUnavailable(f"working tables: {first_line(error)}") from error
    finally:
        connection.close()


def first_line(error: Exception) -> str:
    """What a message of several lines begins with."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _sweep(root: Path) -> None:
    for folder in root.glob(f"{PREFIX}*"):
        try:
            with (folder / LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            # In use by a run that lives, or just being made by one.
            continue
