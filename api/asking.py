"""Asking a service that may fail, and leaving it alone for a while when it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from engine.errors import SegmentUnknown, StoreUnavailable


class Breaker(Protocol):
    """Says whether a service that failed may be asked again (`engine.store.breaker`)."""

    def allows(self) -> bool:
        """Whether to ask now, and then report how it went."""

    def succeeded(self) -> None:
        """Note an answer."""

    def failed(self) -> None:
        """Note a failure."""


@contextmanager
def asking(breaker: Breaker) -> Iterator[None]:
    """Ask the database inside, unless it failed just now: a list waits for it only briefly.

    Raises StoreUnavailable.
    """
    if not breaker.allows():
        raise StoreUnavailable("the database failed repeatedly and is left alone for a moment")
    try:
        yield
    except StoreUnavailable:
        breaker.failed()
        raise
    except SegmentUnknown:
        # The database did answer.
        breaker.succeeded()
        raise
    breaker.succeeded()
