"""A lock file that one process holds and its children may inherit."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

POLL_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class FileLock:
    """A held lock: free when it is released, or when every process that inherited it has ended."""

    path: Path
    descriptor: int

    @classmethod
    def take(cls, path: Path, *, wait_seconds: float) -> Self:
        """The lock on the file, made if need be.

        Raises BlockingIOError when somebody holds it for longer, OSError when it cannot be made.
        """
        deadline = time.monotonic() + wait_seconds
        while (descriptor := _held(path)) is None:
            if time.monotonic() > deadline:
                raise BlockingIOError(f"{path} is held by another process")
            time.sleep(POLL_SECONDS)
        return cls(path, descriptor)

    def release(self) -> None:
        """Free the lock and remove its file."""
        # Removed while it is still held: whoever waits for it notices that its file is gone.
        with suppress(FileNotFoundError):
            self.path.unlink()
        # Unlocked by name, for a forked child may still hold the descriptor.
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        os.close(self.descriptor)


def _held(path: Path) -> int | None:
    """A descriptor that holds the lock, None while somebody else does."""
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last holder may have removed the file between the opening and the locking.
        if path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _opened(path: Path) -> int:
    low = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # A shell names descriptors up to 9 only: one that it inherits must not be among those.
        return fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 10)
    finally:
        os.close(low)
