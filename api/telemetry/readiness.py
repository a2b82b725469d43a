"""Whether answers are full, plainer or not to be had, and why.

A part that hangs holds up nobody: it is asked by a thread of its own, one at a time, and waited
for briefly; an answer serves everybody who asks within a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from engine.errors import StoreUnavailable

FRESH_FOR = timedelta(seconds=1)
PATIENCE = timedelta(seconds=0.5)
DATABASE, CACHE, MODEL, KEYS = "database", "cache", "model", "keys"


class Status(StrEnum):
    """How the whole is."""

    READY = "ready"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Found:
    """How a part is: "ok" or a word for what is wrong, and why, fit for anybody to read."""

    word: str = "ok"
    why: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.word == "ok"


FINE = Found()
Check = Callable[[], Found]


def unavailable(why: str) -> Found:
    """That a part cannot be had."""
    return Found("unavailable", why)


def answers(ask: Callable[[], object]) -> Check:
    """A check that is fine when the call does not raise StoreUnavailable.

    What the error says names hosts and files and is not repeated.
    """

    def check() -> Found:
        try:
            ask()
        except StoreUnavailable:
            return unavailable("it cannot be reached or refuses; the log says more")
        return FINE

    return check


def checked(ask: Callable[[], bool], why: str) -> Check:
    """A check that is fine when the call is true."""
    return lambda: FINE if ask() else unavailable(why)


class Probe:
    """One part, asked at most once at a time and no more often than it may have changed."""

    def __init__(
        self, name: str, check: Check, *, fresh_for: timedelta, patience: timedelta
    ) -> None:
        self._name = name
        self._check = check
        self._fresh_for = fresh_for.total_seconds()
        self._patience = patience.total_seconds()
        self._lock = threading.Lock()
        self._found: Found | None = None
        self._found_at = float("-inf")
        self._began = 0.0
        self._done: threading.Event | None = None

    def begin(self) -> None:
        """Ask, unless somebody does or what is known is fresh."""
        with self._lock:
            now = time.monotonic()
            if self._done is not None or now - self._found_at < self._fresh_for:
                return
            self._began, self._done = now, threading.Event()
            asking = threading.Thread(
                target=self._ask, args=(self._done,), name=f"probe {self._name}", daemon=True
            )
        asking.start()

    def found(self) -> Found:
        """How the part is, after `begin`; waits no longer than the patience."""
        done = self._done
        if done is not None and not done.wait(self._began + self._patience - time.monotonic()):
            waited = time.monotonic() - self._began
            return unavailable(f"no answer for {max(waited, self._patience):.1f} s")
        return self._found or unavailable("not asked yet")

    def _ask(self, done: threading.Event) -> None:
        try:
            found = self._check()
        except Exception as error:
            found = unavailable(f"it could not be asked: {type(error).__name__}")
        with self._lock:
            self._found, self._found_at = found, time.monotonic()
            self._done = None
        done.set()


@dataclass(frozen=True, slots=True)
class Report:
    """How the whole and its parts are."""

    status: Status
    parts: Mapping[str, Found]


class Readiness:
    """Asks all parts at once."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        fresh_for: timedelta = FRESH_FOR,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._probes = {
            name: Probe(name, check, fresh_for=fresh_for, patience=patience)
            for name, check in checks.items()
        }

    def report(self) -> Report:
        """How things are, no older than a second."""
        for each in self._probes.values():
            each.begin()
        parts = {name: each.found() for name, each in self._probes.items()}
        return Report(_status(parts), parts)


def _status(parts: Mapping[str, Found]) -> Status:
    # From the model alone lists can be made, and from the database alone best sellers.
    if not any(parts[name].ok for name in (DATABASE, MODEL) if name in parts):
        return Status.DOWN
    return Status.READY if all(each.ok for each in parts.values()) else Status.DEGRADED
