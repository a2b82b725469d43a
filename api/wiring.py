"""The one place that connects the API with its adapters; a server calls `create` in each worker."""

from __future__ import annotations

import logging
import multiprocessing
import os
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from flask import Flask

from api.app import create_app
from api.item_book import ItemBook
from api.live_model import live_model
from api.model_watch import ModelWatch
from api.no_cache import NoListCache
from api.refresh import Refresh
from api.repeating import Repeating, exit_without_parent
from api.services import Services, keeper_of, utc_now
from api.storefront.sample import Sample
from api.upkeep import Upkeep, with_catch_up
from engine.feedback import Feedback
from engine.live import LiveModel
from engine.models.model import Model
from engine.ports import Catalog, Invalidations, ListCache, Segments
from engine.recommend.recommender import Recommender
from engine.settings import Settings
from engine.store.breaker import CircuitBreaker
from engine.store.catalog import SqlCatalog
from engine.store.customers import SqlCustomers
from engine.store.database import WAIT_SECONDS, Database
from engine.store.features import SqlFeatures
from engine.store.invalidations import SqlInvalidations
from engine.store.late_database import LateDatabase
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from engine.store.model_store import ModelStore
from engine.store.notes import SqlNotes
from engine.store.redis_cache import RedisListCache, connect
from engine.store.sales import SqlSales
from engine.store.segments import SqlSegments

MODEL_INTERVAL = timedelta(seconds=0.5)
UPKEEP_INTERVAL = timedelta(seconds=1)
REFRESH_INTERVAL = timedelta(minutes=1)
PARENT_INTERVAL = timedelta(seconds=1)
# Twice what a database that is silent holds a thread for: one thread at a time finds out.
DATABASE_PATIENCE = timedelta(seconds=2 * WAIT_SECONDS)
_log = logging.getLogger(__name__)


def create() -> Flask:
    """The app of one worker process, connected as the environment says.

    Granian: `granian --interface wsgi --factory api.wiring:create`.
    """
    # Libraries are heard when something is wrong, the API also when a new model serves.
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level="WARNING")
    logging.getLogger("api").setLevel(logging.INFO)
    return create_app(connected(Settings.from_env(os.environ, folder=Path.cwd())))


def connected(settings: Settings) -> Services:
    """The services over the settings' adapters, with their background at work.

    Neither the database nor the cache nor a model has to be there yet.
    """
    database = LateDatabase.open(settings.database)
    catalog, invalidations = SqlCatalog(database), SqlInvalidations(database)
    cache, upkeep, close_cache = _cache(settings, catalog, invalidations)
    models = ModelWatch(
        ModelStore(settings.models_folder), partial(recommender_of, settings=settings)
    )
    models.poll()
    segments = SqlSegments(database)
    items = ItemBook(catalog)
    live = live_model(models, items, segments)
    refresh = _refresh(database, segments, live)
    background = [
        Repeating("model watch", models.poll, every=MODEL_INTERVAL),
        Repeating("cache upkeep", upkeep, every=UPKEEP_INTERVAL),
        # So that no event has to read a large catalogue while others wait for its transaction.
        Repeating("item book", items.latest, every=UPKEEP_INTERVAL),
        Repeating("refresh", refresh.turn, every=REFRESH_INTERVAL),
        *_parent_watch(),
    ]
    return Services(
        feedback=Feedback(SqlLedger(database), invalidations, cache, model=live),
        customers=SqlCustomers(database),
        catalog=catalog,
        sales=SqlSales(database),
        features=SqlFeatures(database),
        segments=segments,
        live=live,
        cache=cache,
        models=models,
        breaker=CircuitBreaker(patience=DATABASE_PATIENCE),
        max_body_bytes=settings.max_body_bytes,
        storefront=_storefront(settings, database),
        closers=(
            database.close,
            close_cache,
            *(each.start().close for each in background),
            refresh.close,
        ),
    )


def recommender_of(model: Model, *, settings: Settings) -> Recommender:
    """The recommender that serves a model as the shop wants it.

    What the shop wants of something the model does not have is logged.
    """
    recommender = Recommender(model, cooldown=settings.cooldown, control=settings.control)
    for each in recommender.steering.unknown():
        _log.warning(
            "[control] names %s, which model %s does not have; correct it, or train again once "
            "it has sold",
            each,
            model.version,
        )
    return recommender


def _refresh(database: Database, segments: Segments, live: LiveModel) -> Refresh:
    return Refresh(
        ledger=SqlLedger(database),
        features=SqlFeatures(database),
        keeper=keeper_of(segments, live),
        live=live,
        notes=SqlNotes(database),
        holder=uuid.uuid4().hex,
        clock=utc_now,
    )


def _storefront(settings: Settings, database: Database) -> Sample | None:
    if not settings.storefront:
        return None
    return Sample(SqlCustomers(database), SqlFeatures(database), SqlLedger(database))


def _cache(
    settings: Settings, catalog: Catalog, invalidations: Invalidations
) -> tuple[ListCache, Callable[[], object], Callable[[], None]]:
    """The cache, what keeps it up to date, and what closes it."""
    if settings.redis_url is not None:
        shared = RedisListCache(
            connect(settings.redis_url), ttl=settings.cache_ttl, breaker=CircuitBreaker()
        )
        upkeep = Upkeep(shared, catalog, invalidations)
        return shared, with_catch_up(upkeep, shared.catch_up), shared.close
    # A worker cannot drop the lists in another one's memory: several need a shared cache or none.
    own: ListCache = (
        MemoryListCache(ttl=settings.cache_ttl) if settings.workers == 1 else NoListCache()
    )
    return own, Upkeep(own, catalog, invalidations).carry_out, _nothing


def _parent_watch() -> list[Repeating]:
    # Only a process that a server made has a parent it must not outlive: a shell may go.
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        return []
    # Not os.getppid(): the parent may be gone already, and that would be whoever took over.
    leave = partial(exit_without_parent, parent.pid)
    return [Repeating("parent watch", leave, every=PARENT_INTERVAL)]


def _nothing() -> None:
    """Close what needs no closing."""
