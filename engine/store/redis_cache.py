"""Finished answers in Redis or Valkey.

What the cache promises: it never serves an answer that was computed from an older revision of the
customer or of the catalogue than it has been told of. It is told of a customer by `forget`, which
drops the answers and sets the revision in one step, and refuses to keep what was computed before.
An answer carries the revision of the catalogue it was computed from and counts only while the
stored revision is equal. Losing everything, by an eviction or a restart, loses answers only.

What it cannot be told while it is away would break that promise on its return, for a server may
come back with what it held. Therefore after any failure `read` and `write` are refused
(StoreUnavailable, without touching the socket) until the owner has called `catch_up` with the work
of carrying out pending invalidations; `forget`, `set_catalog_revision` and `ping` go through
meanwhile. An owner calls it once a second or so; it costs nothing while nothing has failed:

    cache.catch_up(carry_out_every_pending_invalidation_and_set_the_catalog_revision)

The scripts are sent whole (EVAL, some 200 bytes): a server that restarted knows no digest. Each
touches one key, so that they run on a Redis Cluster, and uses nothing newer than Redis 5.
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
from engine.ports import Stamp
from engine.store import keys
from engine.store.breaker import CircuitBreaker

CONNECT_SECONDS = 0.05
ANSWER_SECONDS = 0.25
# A connection idle for longer is tried with a PING before it is used.
IDLE_SECONDS = 30
# Customers a round trip: enough to make it cheap, few enough to keep within the time-out.
FORGET_AT_ONCE = 250

_WRITE = """
local stored = tonumber(redis.call('HGET', KEYS[1], 'rev') or '-1')
local asked = tonumber(ARGV[1])
if stored > asked then return 0 end
local full = redis.call('HLEN', KEYS[1]) > tonumber(ARGV[5])
if stored < asked or (full and redis.call('HEXISTS', KEYS[1], ARGV[2]) == 0) then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'rev', ARGV[1])
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
"""
_FORGET = """
if tonumber(redis.call('HGET', KEYS[1], 'rev') or '-1') < tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'rev', ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
_RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '-1') > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


def connect(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> redis.Redis:
    """A client that waits briefly and never retries; nothing is sent before its first use.

    Raises SettingsError when the URL cannot be read. The message does not repeat the URL, which
    may hold a password.
    """
    try:
        return redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=answer_seconds,
            health_check_interval=IDLE_SECONDS,
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
    ) -> None:
        self._client = client
        self._ttl = ttl.total_seconds()
        self._memory_ms = int(keys.memory_ttl(ttl).total_seconds() * 1000)
        self._breaker = breaker
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._settled = 0

    @property
    def must_catch_up(self) -> bool:
        """Whether answers are refused because a failure may have kept an invalidation back."""
        return self._failures != self._settled

    def read(self, customer_id: str, field: str) -> bytes | None:
        """The answer, None when there is none that is current; one round trip."""
        self._refuse_when_behind()
        with self._asking("read"):
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hget(keys.lists(customer_id), keys.answer(field))
            pipeline.get(keys.CATALOG)
            value, catalog = pipeline.execute()
        if value is None or catalog is None:
            return None
        revision, ends_at = keys.HEADER.unpack_from(value)
        if revision != int(catalog) or ends_at <= self._clock():
            return None
        body: bytes = value[keys.HEADER.size :]
        return body

    def write(self, customer_id: str, field: str, body: bytes, *, stamp: Stamp) -> bool:
        """Keep an answer unless the customer or the catalogue moved on; whether it was kept.

        A stamp newer than the stored revision proves that older answers are stale and drops them.
        """
        self._refuse_when_behind()
        value = keys.HEADER.pack(stamp.catalog_revision, self._clock() + self._ttl) + body
        with self._asking("write"):
            if not self._raise_catalog(stamp.catalog_revision):
                return False
            kept: Any = self._client.eval(
                _WRITE,
                1,
                keys.lists(customer_id),
                stamp.customer_revision,
                keys.answer(field),
                value,
                self._memory_ms,
                keys.MAX_LISTS,
            )
        return bool(kept)

    def forget(self, revisions: Mapping[str, int]) -> None:
        """Drop customers' lists and refuse ones computed from an older revision."""
        customers = list(revisions)
        for start in range(0, len(customers), FORGET_AT_ONCE):
            with self._asking("forget"):
                pipeline = self._client.pipeline(transaction=False)
                for customer_id in customers[start : start + FORGET_AT_ONCE]:
                    key = keys.lists(customer_id)
                    pipeline.eval(_FORGET, 1, key, revisions[customer_id], self._memory_ms)
                pipeline.execute()

    def set_catalog_revision(self, revision: int) -> None:
        """Make every list computed from an older catalogue stale; never lowers the revision."""
        with self._asking("set_catalog_revision"):
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
        failures = self._failures
        if failures == self._settled:
            return True
        try:
            self.ping()
            carry_out()
        except StoreUnavailable:
            return False
        with self._lock:
            if self._failures == failures:
                self._settled = failures
        return not self.must_catch_up

    def close(self) -> None:
        """Close the connections; the next call would open one again."""
        self._client.close()

    def _raise_catalog(self, revision: int) -> bool:
        raised: Any = self._client.eval(_RAISE, 1, keys.CATALOG, revision, self._memory_ms)
        return bool(raised)

    def _refuse_when_behind(self) -> None:
        if self.must_catch_up:
            raise StoreUnavailable(
                "the cache failed and may hold what is stale; answers are computed until the "
                "pending invalidations are carried out"
            )

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Ask Redis inside: not while the circuit is open, and with every failure noted."""
        if not self._breaker.allows():
            raise StoreUnavailable(
                f"cache {what}: Redis failed repeatedly and is left alone for a moment; check "
                "that it runs and that redis_url names it"
            )
        try:
            yield
        except (redis.RedisError, OSError) as error:
            self._breaker.failed()
            with self._lock:
                self._failures += 1
            raise StoreUnavailable(f"cache {what}: {_one_line(error)}") from error
        self._breaker.succeeded()


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
