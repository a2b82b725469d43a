"""A circuit breaker: a service that fails is left alone for a while instead of waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

THRESHOLD = 3
COOLDOWN = timedelta(seconds=1)


class CircuitBreaker:
    """Says whether a service may be asked; safe to share between threads.

    After `threshold` failures in a row the circuit is open: nobody may ask. After each `cooldown`
    one caller may, as a probe; its success closes the circuit, its failure keeps it open for
    another cooldown. The next probe waits for its report, but no longer than `patience` (the
    cooldown by default): give the time a caller may hang, or probes take up thread after thread.
    """

    def __init__(
        self,
        threshold: int = THRESHOLD,
        cooldown: timedelta = COOLDOWN,
        *,
        patience: timedelta | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._cooldown = cooldown.total_seconds()
        self._patience = max(patience or cooldown, cooldown).total_seconds()
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._probe_at: float | None = None

    @property
    def open(self) -> bool:
        """Whether the service is being left alone."""
        return self._probe_at is not None

    def allows(self) -> bool:
        """Whether the caller may ask now; it then reports `succeeded` or `failed`."""
        if self._probe_at is None:
            return True
        with self._lock:
            now = self._clock()
            if self._probe_at is None:
                return True
            if now < self._probe_at:
                return False
            self._probe_at = now + self._patience
            return True

    def succeeded(self) -> None:
        """Note that the service answered: the circuit is closed."""
        # The common case costs no lock: nothing to forget.
        if self._failures == 0 and self._probe_at is None:
            return
        with self._lock:
            self._failures = 0
            self._probe_at = None

    def failed(self) -> None:
        """Note that the service failed: the circuit opens at the threshold."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._threshold:
                self._probe_at = self._clock() + self._cooldown
