"""The places of the workers of one server: each holds one, and leaves its counts to the next.

Counts live in files that are named after the place (`prometheus_client.values`). A worker that is
killed leaves its file as it was; whoever takes the place goes on from there, so that nothing is
lost, nothing counts twice, and there are never more files than there were workers at a time.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import msgspec

from engine.store.file_lock import FileLock

_LOCK = "place-{}.lock"
_STATE = "state-{}.json"


class WorkerState(msgspec.Struct, frozen=True):
    """How a worker is right now. `breakers_open` is by part, `began` seconds since 1970."""

    process: int
    began: float
    code_version: str
    model_version: str | None
    breakers_open: dict[str, bool]
    events_waiting: int
    memory_bytes: int | None
    open_files: int | None


@dataclass(frozen=True)
class Place:
    """A place that this process holds until it ends, however it ends."""

    folder: Path
    number: int
    lock: FileLock

    @classmethod
    def take(cls, folder: Path) -> Place:
        """The first place that nobody holds. Raises OSError when the folder cannot be written."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in count():
            try:
                lock = FileLock.take(folder / _LOCK.format(number), wait_seconds=0)
            except BlockingIOError:
                continue
            return cls(folder, number, lock)
        raise AssertionError("numbers do not end")

    def tell(self, state: WorkerState) -> None:
        """Let others see how this worker is. Raises OSError."""
        path = self.folder / _STATE.format(self.number)
        aside = path.with_suffix(f".{os.getpid()}")
        aside.write_bytes(msgspec.json.encode(state))
        aside.replace(path)

    def leave(self) -> None:
        """Free the place."""
        (self.folder / _STATE.format(self.number)).unlink(missing_ok=True)
        self.lock.release()


def states(folder: Path) -> dict[int, WorkerState]:
    """How the workers that run are, by place."""
    return dict(_states(folder))


def _states(folder: Path) -> Iterator[tuple[int, WorkerState]]:
    for path in sorted(folder.glob(_STATE.format("*"))):
        number = path.stem.removeprefix("state-")
        if not number.isdecimal() or not _is_held(folder / _LOCK.format(number)):
            # What a worker left that was killed.
            continue
        try:
            yield int(number), msgspec.json.decode(path.read_bytes(), type=WorkerState)
        except (OSError, msgspec.DecodeError):
            continue


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
