"""Features that follow their events in a transaction of their own, a moment later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol

from engine.errors import StoreUnavailable

# Customers a transaction: events wait for its end, some milliseconds.
PAGE = 32
# More than these are left to the regular look for what is due; the database knows them.
MOST = 100_000


class FeatureWriter(Protocol):
    """Works out features (`engine.feedback.Feedback`)."""

    def follow(self, customer_ids: Sequence[str], *, now: datetime) -> None:
        """Work out the features of customers whose events were recorded without them."""


class Follower:
    """Customers whose features are due because many events came at once.

    Lists and profiles do not wait for it: they are worked out from the customer's state. What it
    moves are the stored features, and with them the members of segments.
    """

    def __init__(self, writer: FeatureWriter, *, clock: Callable[[], datetime]) -> None:
        self._writer = writer
        self._clock = clock
        self._lock = threading.Lock()
        self._due: dict[str, None] = {}

    @property
    def waiting(self) -> int:
        """How many customers are due."""
        return len(self._due)

    def add(self, customer_ids: Sequence[str]) -> None:
        """Note whose features are due."""
        with self._lock:
            room = MOST - len(self._due)
            self._due.update(dict.fromkeys(islice(customer_ids, max(room, 0))))

    def drain(self, *, pause: Callable[[], object] = lambda: None) -> None:
        """Work out what is due, a page at a time with a `pause` after each.

        Raises StoreUnavailable; what was not done is still due.
        """
        while self.page():
            pause()

    def page(self) -> bool:
        """Work out the first that are due; whether there were any. Raises StoreUnavailable."""
        with self._lock:
            taken = list(islice(self._due, PAGE))
            for each in taken:
                del self._due[each]
        try:
            self._writer.follow(taken, now=self._clock())
        except StoreUnavailable:
            self.add(taken)
            raise
        return bool(taken)
