"""Permits that all workers of a shop share, counted in Redis."""

from __future__ import annotations

import redis
from limits.storage import RedisStorage

from engine.domain.rates import Rate
from engine.errors import StoreUnavailable
from engine.store import keys
from engine.store.breaker import CircuitBreaker


class RedisPermits:
    """Fixed windows in Redis; each has a key of its own, so that clocks need not agree exactly."""

    def __init__(self, client: redis.Redis, *, breaker: CircuitBreaker) -> None:
        # The scheme only says which library; the connections are the client's.
        self._storage = RedisStorage(
            "redis://", connection_pool=client.connection_pool, key_prefix=keys.RATE_PREFIX
        )
        self._client = client
        self._breaker = breaker

    def reserve(self, name: str, *, rate: Rate, window: int, block: int) -> int:
        """How many of a block of permits are left for the caller to spend in the window.

        One step in Redis: whatever callers do at once, they get no more than the rate together.
        """
        if not self._breaker.allows():
            raise StoreUnavailable("rate limits: Redis failed repeatedly and is left alone")
        try:
            taken = self._storage.incr(keys.permits(name, window), 2 * rate.seconds, block)
        except (redis.RedisError, OSError) as error:
            self._breaker.failed()
            raise StoreUnavailable(f"rate limits: {type(error).__name__}") from error
        self._breaker.succeeded()
        return max(0, min(block, rate.limit - (taken - block)))

    def close(self) -> None:
        """Close the connections; the next call would open one again."""
        self._client.close()
