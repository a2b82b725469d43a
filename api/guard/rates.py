"""How often somebody may ask: permits of a window, leased in blocks and spent here.

A count in Redis for each request would cost more than the answer. A worker reserves a block of
permits at once and spends it by itself; what the workers reserve together never exceeds the rate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from engine.domain.rates import Rate
from engine.errors import StoreUnavailable
from engine.ports_access import Permits

# All workers together hold back at most an eighth of the permits that others could use.
BLOCKS = 8
LARGEST_BLOCK = 1_000
# Names a window; those beyond share one count, so that memory has an end.
MOST_NAMES = 20_000
OTHERS = "others"


@dataclass(slots=True)
class _Lease:
    left: int = 0
    taken: int = 0
    ended: bool = False


class Leases:
    """What one worker may let in; threads may share it. `clock` is seconds since 1970.

    Without shared permits, or while Redis is away, each worker lets in its share of the rate.
    """

    def __init__(
        self,
        permits: Permits | None,
        rate: Rate,
        *,
        workers: int,
        clock: Callable[[], float],
        most_names: int = MOST_NAMES,
    ) -> None:
        self._permits = permits
        self._rate = rate
        self._block = max(1, min(LARGEST_BLOCK, rate.limit // (BLOCKS * workers)))
        self._share = max(1, rate.limit // workers)
        self._clock = clock
        self._most_names = most_names
        self._lock = threading.Lock()
        self._window = 0
        self._leases: dict[str, _Lease] = {}

    def take(self, name: str) -> int:
        """0 when the request may go on, else the whole seconds until it is worth asking again."""
        now = self._clock()
        window = int(now // self._rate.seconds)
        with self._lock:
            # A clock that was set back by a moment does not open a window again.
            if not self._window - 1 <= window <= self._window:
                self._window, self._leases = window, {}
            window = self._window
            name, lease = self._lease(name)
            if lease.left > 0:
                lease.left -= 1
                return 0
            if lease.ended:
                return self._wait(now)
        return 0 if self._renew(name, lease, window) else self._wait(now)

    def _lease(self, name: str) -> tuple[str, _Lease]:
        lease = self._leases.get(name)
        if lease is None:
            if len(self._leases) >= self._most_names:
                name = OTHERS
            lease = self._leases.setdefault(name, _Lease())
        return name, lease

    def _renew(self, name: str, lease: _Lease, window: int) -> bool:
        """Whether another block was to be had; one permit of it is spent.

        A block of a window that has ended meanwhile falls with its lease.
        """
        granted, alone = self._reserved(name, window)
        with self._lock:
            if alone:
                granted = max(0, self._share - lease.taken)
            lease.taken += granted
            # Alone there is nothing more to come; shared, an empty answer is the last one.
            lease.ended = lease.ended or alone or granted == 0
            if granted == 0 and lease.left == 0:
                return False
            lease.left += granted - 1
            return True

    def _reserved(self, name: str, window: int) -> tuple[int, bool]:
        if self._permits is None:
            return 0, True
        try:
            return self._permits.reserve(
                name, rate=self._rate, window=window, block=self._block
            ), False
        except StoreUnavailable:
            return 0, True

    def _wait(self, now: float) -> int:
        seconds = self._rate.seconds
        return max(1, ceil(seconds - now % seconds))
