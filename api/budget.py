"""Time that an answer may take: what is not ready by then is answered otherwise."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotReady
from datetime import timedelta
from typing import TypeVar

# Lists are computed one after another by the interpreter; more threads only wait for a database.
THREADS = 4
_Made = TypeVar("_Made")


class OutOfTime(Exception):
    """The work was not done within the budget; it may still be done and kept for the next."""


class Budget:
    """Does work in a few threads of its own, and waits for it no longer than the budget."""

    def __init__(self, time: timedelta, *, threads: int = THREADS) -> None:
        self._seconds = time.total_seconds()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lists")

    def spend(self, work: Callable[[], _Made]) -> _Made:
        """What the work makes; raises OutOfTime, or what the work raises."""
        future = self._pool.submit(work)
        try:
            return future.result(self._seconds)
        except NotReady as error:
            if future.done():
                # The work itself ran into a time-out.
                raise
            future.cancel()
            raise OutOfTime from error

    def close(self) -> None:
        """Take no more work; what has begun is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
