"""How a Redis or Valkey server does."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import redis

from engine.errors import StoreUnavailable
from engine.store.redis_cache import connect

SAMPLES = 20


@dataclass(frozen=True, slots=True)
class CacheVitals:
    """What a server says of itself; `max_memory` in bytes, 0 for no limit."""

    name: str
    version: str
    max_memory: int
    used_memory: int
    policy: str
    trip_seconds: float


def cache_vitals(url: str) -> CacheVitals:
    """How the server at a URL does, waited for as briefly as workers wait for it.

    Raises SettingsError for a URL that cannot be read, StoreUnavailable when it does not answer.
    """
    with connect(url) as client:
        try:
            told: dict[str, Any] = {**_told(client, "server"), **_told(client, "memory")}
            trip = median(_trip(client) for _ in range(SAMPLES))
        except (redis.RedisError, OSError) as error:
            words = " ".join(f"{type(error).__name__}: {error}".split())
            raise StoreUnavailable(words) from error
    valkey = told.get("valkey_version")
    return CacheVitals(
        name="Valkey" if valkey else "Redis",
        version=str(valkey or told.get("redis_version", "unknown")),
        max_memory=int(told.get("maxmemory", 0)),
        used_memory=int(told.get("used_memory", 0)),
        policy=str(told.get("maxmemory_policy", "unknown")),
        trip_seconds=trip,
    )


def _told(client: redis.Redis, section: str) -> dict[str, Any]:
    found: Any = client.info(section)
    return dict(found)


def _trip(client: redis.Redis) -> float:
    began = time.perf_counter()
    client.ping()
    return time.perf_counter() - began
