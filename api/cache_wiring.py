"""The cache of lists as the settings want it, with what keeps it true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from api.catalog_changes import CatalogChanges
from api.no_cache import NoListCache
from api.upkeep import Upkeep, with_catch_up
from api.warm_up import OwnTurn, WarmUp
from engine.list_cache import ListCache
from engine.ports import Catalog, Invalidations
from engine.settings import Settings
from engine.store.alarm import SharedAlarm
from engine.store.breaker import CircuitBreaker
from engine.store.database import Database
from engine.store.memory_cache import MemoryListCache
from engine.store.model_store import ModelStore
from engine.store.recent import recent_customers
from engine.store.redis_cache import RedisListCache, connect
from engine.store.redis_turn import RedisTurn

ALARM_NAME = "cache.alarm"


@dataclass(frozen=True)
class Caching:
    """The cache, what tells it of changes once a second, and what closes it."""

    cache: ListCache
    changes: CatalogChanges
    upkeep: Callable[[], object]
    close: Callable[[], None]
    breaker: CircuitBreaker


def caching(settings: Settings, catalog: Catalog, invalidations: Invalidations) -> Caching:
    """The parts of the cache; nothing is connected yet."""
    changes, breaker = CatalogChanges(catalog), CircuitBreaker()
    if settings.redis_url is not None:
        shared = RedisListCache(
            connect(settings.redis_url),
            ttl=settings.cache_ttl,
            breaker=breaker,
            unchanged=changes.unchanged,
            alarm=SharedAlarm(settings.home / ALARM_NAME),
        )
        upkeep = Upkeep(shared, catalog, invalidations)
        keep = with_catch_up(upkeep, shared.catch_up)
        return Caching(shared, changes, keep, shared.close, breaker)
    # A worker cannot drop the lists in another one's memory: several need a shared cache or none.
    own: ListCache = (
        MemoryListCache(ttl=settings.cache_ttl, unchanged=changes.unchanged)
        if settings.workers == 1
        else NoListCache()
    )
    keep = Upkeep(own, catalog, invalidations).carry_out
    return Caching(own, changes, keep, _nothing, breaker)


def warming(settings: Settings, database: Database) -> WarmUp:
    """What makes lists by a new model before it serves."""
    store = ModelStore(settings.models_folder)
    recent = partial(recent_customers, database)
    if settings.redis_url is not None:
        return WarmUp(recent, RedisTurn(connect(settings.redis_url)), store.current_version)
    # Lists that nobody keeps need not be made.
    anybody = recent if settings.workers == 1 else lambda _most: ()
    return WarmUp(anybody, OwnTurn(), store.current_version)


def _nothing() -> None:
    """Close what needs no closing."""
