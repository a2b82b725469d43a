"""What a worker counts and logs of what it does."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Histogram

from api.telemetry.measures import Measures, observe_all
from api.telemetry.seen import METHODS, OTHER, Seen, outcome_of
from api.telemetry.sink import LogSink
from engine.domain.events import Event
from engine.receipts import Receipt, Status

# The type of an event that could not be read.
UNREAD = "unread"
# Nobody settles: memory must have an end all the same.
MOST_WAITING = 50_000


class Log(NamedTuple):
    """Where a line of every request goes, and what makes it of what was seen."""

    sink: LogSink
    render: Callable[[Seen], bytes]


class _Kind(NamedTuple):
    """Requests of one kind: the seconds of those not counted yet, and where they are counted."""

    waiting: list[float]
    counts: tuple[Callable[[float], object], ...]
    seconds: Histogram

    def settle(self) -> None:
        # Others go on appending meanwhile.
        new = self.waiting[:]
        if not new:
            return
        del self.waiting[: len(new)]
        for count in self.counts:
            count(len(new))
        observe_all(self.seconds, new)


class Telemetry:
    """Counts requests and events and logs requests; any thread may tell it.

    Requests are only noted when they are answered, and counted together by `settle`, which is to
    be called every second or so: a count in a file that processes share costs as much as a look
    into the cache.
    """

    def __init__(self, measures: Measures, *, log: Log | None = None) -> None:
        self.measures = measures
        self._log = log
        self._kinds: dict[tuple[str, str, int, str, str, str], _Kind] = {}
        self._settling = threading.Lock()
        self._events: dict[tuple[str, str], Callable[[float], object]] = {}

    @classmethod
    def alone(cls) -> Telemetry:
        """One that counts for itself and logs nothing."""
        return cls(Measures.new(CollectorRegistry()))

    def answered(self, seen: Seen) -> None:
        """Note and log a request; called for each of them, so it must cost next to nothing."""
        key = (
            seen.route,
            seen.method,
            seen.status,
            seen.lane,
            seen.served_by,
            seen.fallback_reason,
        )
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds.setdefault(key, self._kind(seen))
        kind.waiting.append(seen.seconds)
        if len(kind.waiting) >= MOST_WAITING:
            self.settle()
        if self._log is not None:
            self._log.sink.put(self._log.render(seen))

    def settle(self) -> None:
        """Count the requests noted since the last time."""
        with self._settling:
            for kind in tuple(self._kinds.values()):
                kind.settle()

    def events(self, counted: Mapping[tuple[str, str], int]) -> None:
        """Count events by type and outcome."""
        for key, number in counted.items():
            add = self._events.get(key)
            if add is None:
                add = self._events[key] = self.measures.events.labels(*key).inc
            add(number)

    def recorded(self, events: Sequence[Event], receipts: Sequence[Receipt]) -> None:
        """Count what became of events handed in together."""
        pairs = zip(events, receipts, strict=True)
        self.events(Counter((event.type.value, receipt.status.value) for event, receipt in pairs))

    def unread(self, number: int = 1) -> None:
        """Count events that could not be read: what they were of is not known."""
        if number:
            self.events({(UNREAD, Status.REJECTED.value): number})

    def group(self, size: int) -> None:
        """Count the events of one transaction."""
        self.measures.groups.observe(size)

    def lines_dropped(self, number: int) -> None:
        """Count log lines that were lost."""
        self.measures.lines_dropped.inc(number)

    def close(self) -> None:
        """Write the log lines that are left."""
        if self._log is not None:
            self._log.sink.close()

    def _kind(self, seen: Seen) -> _Kind:
        of, method = self.measures, seen.method if seen.method in METHODS else OTHER
        counts: list[Callable[[float], Any]] = [
            of.requests.labels(seen.route, method, str(seen.status), seen.lane).inc
        ]
        if seen.served_by:
            counts.append(of.lists.labels(seen.route, seen.served_by, seen.fallback_reason).inc)
        if seen.status == 429:
            counts.append(of.limited.inc)
        timed = of.seconds.labels(seen.route, outcome_of(seen.status))
        return _Kind([], tuple(counts), timed)
