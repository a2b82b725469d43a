"""Finished answers in Redis or Valkey.

What the cache promises: it never serves an answer that was computed from an older revision of the
customer or of the catalogue than it has been told of. It is told of a customer by `forget`, which
drops the answers and sets the revision in one step, and refuses to keep what was computed before.
An answer carries the revision of the catalogue it was computed from and counts only while no item
that concerns it has changed since; `unchanged` says so. Losing everything, by an eviction or a
restart, loses answers only.

What it cannot be told while it is away would break that promise on its return, for a server may
come back with what it held. Therefore after any failure `read` and `write` are refused
(StoreUnavailable, without touching the socket) until the owner has called `catch_up` with the work
of carrying out pending invalidations; `forget`, `set_catalog_revision` and `ping` go through
meanwhile. One that could not be told rings the alarm, which every process of the host hears before
its next answer: so they all catch up. An owner calls `catch_up` once a second or so; it costs
nothing while nothing has failed:

    cache.catch_up(carry_out_every_pending_invalidation_and_set_the_catalog_revision)

A read is the hottest path there is: one round trip on a connection that its thread holds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.errors import SettingsError, StoreUnavailable
from engine.list_cache import Stamp, Unchanged, never_unchanged
from engine.store import keys, list_scripts
from engine.store.alarm import Alarm, OwnAlarm
from engine.store.breaker import CircuitBreaker
from engine.store.held_connection import HeldConnections, packed, script

CONNECT_SECONDS = 0.05
ANSWER_SECONDS = 0.25
# An answer takes milliseconds to make; whoever claims one and dies holds others up for so long.
CLAIM_SECONDS = 0.3
# Customers a round trip: enough to make it cheap, few enough to keep within the time-out.
FORGET_AT_ONCE = 250
_CATALOG_NOW = packed("GET", keys.CATALOG)


def connect(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> redis.Redis:
    """A client that waits briefly and never retries; nothing is sent before its first use.

    Raises SettingsError when the URL cannot be read. The message does not repeat the URL, which
    may hold a password.
    """
    # No `health_check_interval`: when such a check fails on a Unix socket the library ends in an
    # AttributeError. A connection that was closed while idle is noticed without it.
    try:
        return redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=answer_seconds,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
            protocol=2,
        )
    except ValueError:
        raise SettingsError(
            "redis_url: not a URL; write redis://host:port/0, rediss:// or unix:///path, "
            "with special characters of a password percent-encoded"
        ) from None


class RedisListCache:
    """The `ListCache` on Redis; safe to share between threads.

    An answer lives for `ttl` by `clock`, which is seconds since 1970 and shared between hosts.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        ttl: timedelta,
        breaker: CircuitBreaker,
        clock: Callable[[], float] = time.time,
        unchanged: Unchanged = never_unchanged,
        alarm: Alarm | None = None,
    ) -> None:
        self._client = client
        self._held = HeldConnections(client)
        self._unchanged = unchanged
        self._ttl = ttl.total_seconds()
        self._memory_ms = int(keys.memory_ttl(ttl).total_seconds() * 1000)
        self._breaker = breaker
        self._clock = clock
        self._lock = threading.Lock()
        self._alarm = alarm or OwnAlarm()
        self._failures = 0
        # The catalogue's revision that the server held when it was asked last.
        self._catalog: int | None = None
        self._settled = (0, self._alarm.state)

    @property
    def must_catch_up(self) -> bool:
        """Whether answers are refused because a failure may have kept an invalidation back."""
        return self._now_failed() != self._settled

    def read(self, customer_id: str, field: str) -> bytes | None:
        """The answer, None when there is none that is current; one round trip."""
        self._refuse_when_behind()
        question = packed("HGET", keys.lists(customer_id), keys.answer(field)) + _CATALOG_NOW
        # What `_asking` does, which costs as much as all the rest.
        if not self._breaker.allows():
            raise _left_alone("read")
        try:
            value, catalog = self._held.ask(question, replies=2)
        except (redis.RedisError, OSError) as error:
            raise self._failed("read", error) from error
        self._breaker.succeeded()
        now = self._catalog = None if catalog is None else int(catalog)
        if value is None or now is None:
            return None
        kept = keys.unpacked(value)
        if kept.ends_at <= self._clock():
            return None
        if kept.catalog_revision != now and not self._unchanged(
            kept.catalog_revision, now, kept.marks
        ):
            return None
        return kept.body

    def last(self, customer_id: str, request: str) -> bytes | None:
        """The latest answer to the request that is kept, whatever model made it and how old it is.

        Never one from before the customer's last event that the cache has been told of.
        """
        self._refuse_when_behind()
        with self._asking("last"):
            found: Any = self._client.hgetall(keys.lists(customer_id))
        start, end = keys.LIST_PREFIX.encode(), request.encode()
        answers = [
            keys.unpacked(value)
            for name, value in found.items()
            if name.startswith(start) and name.endswith(end)
        ]
        return max(answers, key=lambda each: each.ends_at).body if answers else None

    def claim(self, customer_id: str, field: str) -> bool:
        """Whether nobody else is making this answer just now; the caller then does."""
        self._refuse_when_behind()
        now = self._clock()
        with self._asking("claim"):
            (ours,) = self._held.ask(
                script(
                    list_scripts.CLAIM,
                    keys.lists(customer_id),
                    keys.making(field),
                    now,
                    now + CLAIM_SECONDS,
                    # A claim on a list that is never kept leaves nothing behind.
                    int(1000 * CLAIM_SECONDS) + 1,
                ),
                replies=1,
            )
        return bool(ours)

    def release(self, customer_id: str, field: str) -> None:
        """End a claim without an answer."""
        with self._asking("release"):
            self._client.hdel(keys.lists(customer_id), keys.making(field))

    def write(self, customer_id: str, field: str, body: bytes, *, stamp: Stamp) -> bool:
        """Keep an answer unless the customer or the catalogue moved on; whether it was kept.

        A stamp newer than the stored revision proves that older answers are stale and drops them.
        """
        self._refuse_when_behind()
        ends_at = self._clock() + self._ttl
        kept = keys.Kept(stamp.catalog_revision, ends_at, stamp.marks, body)
        writing = script(
            list_scripts.WRITE,
            keys.lists(customer_id),
            stamp.customer_revision,
            keys.answer(field),
            keys.packed(kept),
            self._memory_ms,
            keys.MAX_LISTS,
            keys.making(field),
        )
        with self._asking("write"):
            # What is written for a revision that was left meanwhile is no harm: whoever reads it
            # sees of which it is.
            if stamp.catalog_revision != self._catalog and not self._raise_catalog(
                stamp.catalog_revision
            ):
                return False
            (done,) = self._held.ask(writing, replies=1)
        return bool(done)

    def forget(self, revisions: Mapping[str, int]) -> None:
        """Drop customers' lists and refuse ones computed from an older revision."""
        customers = list(revisions)
        for start in range(0, len(customers), FORGET_AT_ONCE):
            some = customers[start : start + FORGET_AT_ONCE]
            commands = [self._forgetting(each, revisions[each]) for each in some]
            with self._asking("forget", tells=True):
                self._held.ask(b"".join(commands), replies=len(commands))

    def set_catalog_revision(self, revision: int) -> None:
        """Make every list computed from an older catalogue stale; never lowers the revision."""
        with self._asking("set_catalog_revision", tells=True):
            self._raise_catalog(revision)

    def ping(self) -> None:
        """Raise StoreUnavailable when the cache does not answer."""
        with self._asking("ping"):
            self._client.ping()

    def catch_up(self, carry_out: Callable[[], object]) -> bool:
        """Whether answers are read and written; after a failure `carry_out` is called first.

        `carry_out` repeats all pending invalidations through `forget` and sets the catalogue's
        revision. Answers stay refused while the cache is away, when it fails meanwhile, and when
        `carry_out` raises StoreUnavailable, as it must when it cannot tell what is pending.
        """
        failed = self._now_failed()
        if failed == self._settled:
            return True
        try:
            self.ping()
            carry_out()
        except StoreUnavailable:
            return False
        with self._lock:
            self._settled = failed
        return not self.must_catch_up

    def close(self) -> None:
        """Close the connections; the next call would open one again."""
        self._held.close()
        self._client.close()

    def _forgetting(self, customer_id: str, revision: int) -> bytes:
        return script(list_scripts.FORGET, keys.lists(customer_id), revision, self._memory_ms)

    def _raise_catalog(self, revision: int) -> bool:
        raising = script(list_scripts.RAISE, keys.CATALOG, revision, self._memory_ms)
        (raised,) = self._held.ask(raising, replies=1)
        if raised:
            self._catalog = revision
        return bool(raised)

    def _now_failed(self) -> tuple[int, bytes]:
        return self._failures, self._alarm.state

    def _refuse_when_behind(self) -> None:
        if self.must_catch_up:
            raise StoreUnavailable(
                "the cache failed and may hold what is stale; answers are computed until the "
                "pending invalidations are carried out"
            )

    @contextmanager
    def _asking(self, what: str, *, tells: bool = False) -> Iterator[None]:
        """Ask Redis inside: not while the circuit is open, and with every failure noted.

        `tells`: what is stale is told, so that whoever does not hear it must be warned.
        """
        if not self._breaker.allows():
            if tells:
                self._alarm.ring()
            raise _left_alone(what)
        try:
            yield
        except (redis.RedisError, OSError) as error:
            if tells:
                self._alarm.ring()
            raise self._failed(what, error) from error
        self._breaker.succeeded()

    def _failed(self, what: str, error: Exception) -> StoreUnavailable:
        self._breaker.failed()
        with self._lock:
            self._failures += 1
        return StoreUnavailable(
            f"cache {what}: {' '.join(f'{type(error).__name__}: {error}'.split())}"
        )


def _left_alone(what: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"cache {what}: Redis failed repeatedly and is left alone for a moment; check that it runs "
        "and that redis_url names it"
    )
