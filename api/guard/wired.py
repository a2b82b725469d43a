"""The guard connected as the settings say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from api.guard.cors import Origins
from api.guard.guard import Guard
from api.guard.keyring import Keyring
from api.guard.rates import Leases
from api.repeating import Repeating
from engine.domain.addresses import is_loopback
from engine.domain.rates import Rate
from engine.ports_access import ApiKeys, Permits
from engine.settings import Settings
from engine.store.api_keys import SqlApiKeys
from engine.store.breaker import CircuitBreaker
from engine.store.database import Database
from engine.store.kept_keys import KeyFile
from engine.store.permits import RedisPermits
from engine.store.redis_cache import connect

REFRESH_INTERVAL = timedelta(seconds=1)


@dataclass(frozen=True)
class Wired:
    """The guard with the keys behind it; `close` stops what keeps them up to date."""

    guard: Guard
    keys: ApiKeys
    close: Callable[[], None]


def wired_guard(settings: Settings, database: Database) -> Wired:
    """The guard over the settings' database and cache, neither of which has to be there yet."""
    keys = SqlApiKeys(database)
    keyring = Keyring(keys, kept=KeyFile(settings.home), clock=_now_ms)
    keyring.start()
    client = None if settings.redis_url is None else connect(settings.redis_url)
    shared = None if client is None else RedisPermits(client, breaker=CircuitBreaker())
    guard = Guard(
        keyring,
        loopback=is_loopback(settings.host),
        origins=Origins(settings.cors_origins),
        per_key=_leases(settings.rate_limit_per_key, shared, settings),
        per_address=_leases(settings.rate_limit_per_address, shared, settings),
        trusted=settings.trusted_proxies,
    )
    refresh = Repeating("keys", keyring.refresh, every=REFRESH_INTERVAL).start()

    def close() -> None:
        refresh.close()
        if shared is not None:
            shared.close()

    return Wired(guard, keys, close)


def _leases(rate: Rate | None, shared: Permits | None, settings: Settings) -> Leases | None:
    if rate is None:
        return None
    return Leases(shared, rate, workers=settings.workers, clock=time.time)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
