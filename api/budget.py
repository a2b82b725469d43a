"""Time that an answer may take: what is not ready by then is answered otherwise."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotReady
from datetime import timedelta
from typing import TypeVar

# Lists are computed one after another by the interpreter; more threads only wait for a database.
THREADS = 4
# What a plainer answer is made of is looked up in no time, or not at all.
GLANCE_SECONDS = 0.25
_Made = TypeVar("_Made")


class OutOfTime(Exception):
    """The work was not done within the budget; it may still be done and kept for the next."""


class Budget:
    """Does work in a few threads of its own, and waits for it no longer than the budget."""

    def __init__(self, time: timedelta, *, threads: int = THREADS) -> None:
        self._seconds = time.total_seconds()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="lists")
        self._glances = ThreadPoolExecutor(1, thread_name_prefix="glances")

    def spend(self, work: Callable[[], _Made]) -> _Made:
        """What the work makes; raises OutOfTime, or what the work raises."""
        return _within(self._seconds, self._pool.submit(work))

    def glance(self, work: Callable[[], _Made]) -> _Made:
        """What the work makes beside all else, at once; raises OutOfTime, or what it raises."""
        return _within(GLANCE_SECONDS, self._glances.submit(work))

    def close(self) -> None:
        """Take no more work; what has begun is not waited for."""
        for pool in (self._pool, self._glances):
            pool.shutdown(wait=False, cancel_futures=True)


def _within(seconds: float, future: Future[_Made]) -> _Made:
    try:
        return future.result(seconds)
    except NotReady as error:
        if future.done():
            # The work itself ran into a time-out.
            raise
        future.cancel()
        raise OutOfTime from error
