"""Events from many senders at once: those who come while one writes are written together.

The first sender to come writes. Whoever comes meanwhile waits in line, and the next transaction
takes all of the line: a commit costs the same for one event as for a hundred, and on a disk that
needs a millisecond to be sure, it is nearly all that an event costs. Nobody is told that an event
is accepted before the transaction that holds it has committed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, islice, takewhile
from typing import Protocol

from engine.domain.events import Event
from engine.errors import Overloaded
from engine.receipts import Batch, Receipt, Recorded, checked

# Events a transaction: on SQLite others wait for its end, and what comes next is read and folded
# meanwhile. More in one request are written together all the same.
MAX_GROUP = 200
# Nobody waits for so few more to be folded while others cannot write.
MANY = 64
# Events in line: some megabytes of memory, and about a second of work.
MAX_WAITING = 10_000
# A writer that takes longer is stuck: then no more may wait than there are seats.
PATIENCE = timedelta(milliseconds=250)
# As long as a writer waits for its database.
LONGEST_WAIT = timedelta(seconds=6)
# A lone event moves features in its own transaction; more than these leave that to the follower.
AT_ONCE = 4
# After a crowd it is calm when none has come for so long.
CALM = timedelta(milliseconds=100)


class Recorder(Protocol):
    """Writes events (`engine.feedback.Feedback`)."""

    def record_together(
        self,
        gather: Callable[[], Sequence[Batch]],
        *,
        now: datetime,
        expected: Callable[[], Sequence[Batch]],
        at_once: Callable[[Sequence[Batch]], bool],
    ) -> Recorded:
        """What became of several senders' events, written in one transaction."""


@dataclass(frozen=True)
class Limits:
    """How many may wait, and how long.

    `seats` are how many senders may wait for a writer that is stuck, which it is after
    `patience`; each holds a thread of the server's, and the others are for whoever sends nothing.
    `events` is how many events may stand in line in all.
    """

    seats: int
    events: int = MAX_WAITING
    patience: timedelta = PATIENCE


class Intake:
    """Takes events from any number of threads, and writes those that come together as one."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        due: Callable[[Sequence[str]], object],
        limits: Limits,
        grouped: Callable[[int], object] = lambda _: None,
        heard: Callable[[Sequence[Event], Sequence[Receipt]], object] = lambda _, __: None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """`due` is told whose features are left to follow, `grouped` the events a transaction,
        `heard` what became of one sender's events.
        """
        self._recorder = recorder
        self._due = due
        self._grouped = grouped
        self._heard = heard
        self._limits = limits
        self._patience = limits.patience.total_seconds()
        self._timer = timer
        self._lock = threading.Lock()
        self._line: deque[_Turn] = deque()
        self._events_waiting = 0
        self._crowd_at = float("-inf")
        # Since when somebody writes, None when nobody does.
        self._writing_since: float | None = None

    @property
    def calm(self) -> bool:
        """Whether no crowd of events was written just now."""
        return self._timer() - self._crowd_at > CALM.total_seconds()

    @property
    def busy(self) -> bool:
        """Whether somebody writes or waits to, or a crowd was written just now."""
        return self._writing_since is not None or not self.calm

    @property
    def waiting(self) -> int:
        """How many events stand in line."""
        return self._events_waiting

    def record(self, events: Sequence[Event], *, now: datetime) -> list[Receipt]:
        """What became of each event, in order; accepted ones are durable and counted once.

        Raises Overloaded when the line is too long or does not move, and StoreUnavailable when
        the log cannot be written: then none was accepted.
        """
        turn = _Turn(checked(events, now=now))
        if self._line_up(turn) or not self._written_by_another(turn):
            self._write(turn, now=now)
        receipts = turn.receipts()
        self._heard(events, receipts)
        return receipts

    def _line_up(self, turn: _Turn) -> bool:
        """Take a place in line; whether this is the one to write, since nobody does."""
        with self._lock:
            since = self._writing_since
            stuck = since is not None and self._timer() - since > self._patience
            full = self._events_waiting + turn.size > max(self._limits.events, turn.size)
            if full or (stuck and len(self._line) >= self._limits.seats):
                raise Overloaded(
                    f"{self._events_waiting} events wait to be written; send it again in a moment"
                )
            self._line.append(turn)
            self._events_waiting += turn.size
            if since is None:
                self._writing_since = self._timer()
                return True
        return False

    def _written_by_another(self, turn: _Turn) -> bool:
        """Wait in line: True when the turn was written, False when it is this one's to write."""
        until = self._timer() + LONGEST_WAIT.total_seconds()
        while not turn.wait(self._patience):
            with self._lock:
                now, since = self._timer(), self._writing_since
                moved = since is not None and now - since <= self._patience
                room = len(self._line) <= self._limits.seats and now < until
                if turn.taken or turn.woken or moved or room:
                    continue
                self._line.remove(turn)
                self._events_waiting -= turn.size
            raise Overloaded("the log is not being written just now; send it again in a moment")
        return turn.finished

    def _write(self, own: _Turn, *, now: datetime) -> None:
        group: list[_Turn] = []
        most = MAX_GROUP

        def expected() -> list[Batch]:
            nonlocal most
            with self._lock:
                first = self._first(MAX_GROUP)
            # Many who come later are folded for the next transaction while this one is written.
            most = max(sum(each.size for each in first), MANY)
            return [each.batch for each in first]

        def gather() -> list[Batch]:
            group.extend(self._take(most))
            return [each.batch for each in group]

        try:
            recorded = self._recorder.record_together(
                gather, now=now, expected=expected, at_once=self._alone
            )
        except BaseException as error:
            # Before it was this transaction's turn nobody else was in it: they go on waiting.
            self._finish(group or self._leave(own), error)
            raise
        self._grouped(sum(each.size for each in group))
        for each, receipts in zip(group, recorded.receipts, strict=True):
            each.result = receipts
        if recorded.due:
            self._crowd_at = self._timer()
            self._due(recorded.due)
        self._finish(group, None)

    def _alone(self, batches: Sequence[Batch]) -> bool:
        """Whether these events are few, with no crowd before them and nobody behind them."""
        few = sum(len(each.events) for each in batches) <= AT_ONCE
        return few and self.calm and not self._line

    def _take(self, most: int) -> list[_Turn]:
        with self._lock:
            taken = self._first(most)
            for each in taken:
                self._line.popleft()
                self._events_waiting -= each.size
                each.taken = True
        return taken

    def _first(self, most: int) -> list[_Turn]:
        """Those at the head of the line with so many events at most; the first one always."""
        sizes = accumulate(each.size for each in self._line)
        fitting = sum(1 for size in takewhile(lambda size: size <= most, sizes))
        return list(islice(self._line, max(fitting, 1)))

    def _leave(self, own: _Turn) -> list[_Turn]:
        with self._lock:
            self._line.remove(own)
            self._events_waiting -= own.size
        return [own]

    def _finish(self, group: Sequence[_Turn], error: BaseException | None) -> None:
        """Tell the group what became of them, and the first in line that it is to write."""
        for each in group:
            each.error = error
            each.finished = True
        with self._lock:
            following = self._line[0] if self._line else None
            self._writing_since = None if following is None else self._timer()
            if following is not None:
                following.woken = True
        if following is not None:
            following.wake()
        for each in group:
            each.wake()


class _Turn:
    """One sender's batch, and its wait for what becomes of it."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.size = len(batch.events)
        self.taken = False
        self.woken = False
        self.finished = False
        self.result: list[Receipt] = []
        self.error: BaseException | None = None
        # A lock that somebody else releases is the cheapest thing to wait for.
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def wait(self, seconds: float) -> bool:
        """Whether this was woken within the time."""
        return self._asleep.acquire(timeout=seconds)

    def wake(self) -> None:
        """End the wait; again does nothing."""
        if self._asleep.locked():
            self._asleep.release()

    def receipts(self) -> list[Receipt]:
        """What became of each event; raises what went wrong."""
        if self.error is not None:
            raise self.error
        return self.result
