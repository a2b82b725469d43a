"""Keeping features and segments up to date where no event does it: time passes, models change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from engine.domain.events import to_ms
from engine.domain.histories import DAY_MS
from engine.live import LiveModel, living
from engine.ports import Features, Ledger
from engine.segment_keeper import SegmentKeeper

TURN = "refresh"
# Customers found at once, and a transaction: events wait for one, on SQLite all of them.
FOUND = 200
PAGE = 20
# How long one turn works, and how long it pauses after a page, so that requests come first.
WORK = timedelta(seconds=10)
REST = timedelta(milliseconds=20)
# After this another process takes over from one that died in its turn.
LEASE = timedelta(minutes=5)
SEGMENT_AGE = timedelta(days=1)
_MS = timedelta(milliseconds=1)


class Notes(Protocol):
    """What the processes of a shop tell each other (`engine.store.notes`)."""

    def take(self, turn: str, holder: str, *, now_ms: int, until_ms: int) -> bool:
        """Whether the turn is the holder's until then: it was free, run out or theirs already."""

    def release(self, turn: str, holder: str) -> None:
        """Let the next one have the turn, if the holder still has it."""

    def since(self, name: str, value: str, *, now_ms: int) -> int:
        """Since when the name stands for the value, in ms; from now on when it is a new one."""


@dataclass(frozen=True)
class Refresh:
    """Works out features that are due, a page at a time, and then segments that are.

    Features are due when they are of an earlier UTC day, of an earlier revision of the customer or
    of other cuts; segments when they were not worked out for a day, or not since they or the cuts
    changed. One process of a shop at a time; `holder` names this one. What a turn does not manage
    is left to the next.
    """

    ledger: Ledger
    features: Features
    keeper: SegmentKeeper
    live: LiveModel
    notes: Notes
    holder: str
    clock: Callable[[], datetime]
    timer: Callable[[], float] = time.monotonic
    found: int = FOUND
    page: int = PAGE
    work: timedelta = WORK
    closed: threading.Event = field(default_factory=threading.Event)

    def turn(self) -> None:
        """Do what is due, for a while. Raises StoreUnavailable."""
        if not self._mine():
            return
        try:
            ends = self.timer() + self.work.total_seconds()
            if self._features_done(ends):
                self._segments(ends)
        finally:
            self.notes.release(TURN, self.holder)

    def close(self) -> None:
        """End a turn that is under way after the page it is at."""
        self.closed.set()

    def _features_done(self, ends: float) -> bool:
        """Whether no customer's features are due any more."""
        today = self._now_ms() // DAY_MS * DAY_MS
        while due := self._due(today):
            for start in range(0, len(due), self.page):
                self._follow(due[start : start + self.page])
                if not self._goes_on(ends):
                    return False
        return True

    def _due(self, today_ms: int) -> list[str]:
        version = self.live.cuts_version()
        due = self.features.due(before_ms=today_ms, cuts_version=version, limit=self.found)
        return [each.customer_id for each in due]

    def _follow(self, customer_ids: list[str]) -> None:
        with self.ledger.transaction() as transaction:
            # Events may have come since they were found due: what counts is read under the lock.
            held = transaction.lock(customer_ids)
            customers = living(held[name] for name in sorted(held))
            self.live.follow(transaction, customers, now_ms=self._now_ms())

    def _segments(self, ends: float) -> None:
        version = self.live.cuts_version()
        since = self.notes.since("cuts", version, now_ms=self._now_ms())
        before = max(self._now_ms() - SEGMENT_AGE // _MS, since)
        for book, name in self.keeper.due(before_ms=before):
            self.keeper.refresh(book, name, now_ms=self._now_ms())
            if not self._goes_on(ends):
                return

    def _goes_on(self, ends: float) -> bool:
        """Whether the turn has time left, after a pause."""
        paused = not self.closed.wait(REST.total_seconds())
        return paused and self.timer() < ends and self._mine()

    def _mine(self) -> bool:
        now_ms = self._now_ms()
        return self.notes.take(TURN, self.holder, now_ms=now_ms, until_ms=now_ms + LEASE // _MS)

    def _now_ms(self) -> int:
        return to_ms(self.clock())
