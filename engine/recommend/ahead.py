"""Work on several things at once, in the order of the things, and not too far ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def ahead(work: Callable[[Given], Made], given: Iterable[Given], *, workers: int) -> Iterator[Made]:
    """What `work` makes of each thing in threads, in order; `workers` results wait at most."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        yield from ahead_in(pool, work, given, most=workers)


def ahead_in(
    pool: Executor, work: Callable[[Given], Made], given: Iterable[Given], *, most: int
) -> Iterator[Made]:
    """What `work` makes of each thing in the pool, in order; `most` results wait to be taken."""
    waiting: deque[Future[Made]] = deque()
    for each in given:
        waiting.append(pool.submit(work, each))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
