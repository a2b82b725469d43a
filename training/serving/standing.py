"""Who serves a home, written where `regulars reload` finds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import StoreUnavailable
from engine.store.file_lock import FileLock
from engine.store.private_folder import make_private

FOLDER = "serving"


class Standing(msgspec.Struct, frozen=True):
    """A server's process, how many reloads it has finished, and what became of the last."""

    pid: int
    reloads: int = 0
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class StandingFile:
    """The file of this process, locked as long as it serves."""

    lock: FileLock

    def write(self, standing: Standing) -> None:
        """Say how things stand."""
        text = msgspec.json.encode(standing)
        os.pwrite(self.lock.descriptor, text, 0)
        os.ftruncate(self.lock.descriptor, len(text))


@contextmanager
def standing_file(home: Path, port: int) -> Iterator[StandingFile]:
    """The file of the server of a home at a port. Raises StoreUnavailable."""
    try:
        make_private(home)
        (home / FOLDER).mkdir(exist_ok=True)
        lock = FileLock.take(home / FOLDER / f"{port}.lock", wait_seconds=1)
    except BlockingIOError as error:
        raise StoreUnavailable(f"{home} is already served at port {port}") from error
    except OSError as error:
        raise StoreUnavailable(f"{home / FOLDER} cannot be written: {error.strerror}") from error
    try:
        yield StandingFile(lock)
    finally:
        lock.release()


def standings(home: Path) -> dict[Path, Standing]:
    """How things stand with every server of a home, by its file."""
    found = {}
    for path in sorted((home / FOLDER).glob("*.lock")):
        if (standing := read_standing(path)) is not None:
            found[path] = standing
    return found


def read_standing(path: Path) -> Standing | None:
    """What a server wrote into its file, None when there is none that runs."""
    try:
        with path.open("rb") as file:
            if not _is_held(file.fileno()):
                return None
            return msgspec.json.decode(file.read(), type=Standing)
    except (FileNotFoundError, msgspec.DecodeError):
        # Nothing is there, or nothing yet.
        return None


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
