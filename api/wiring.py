"""The one place that connects the API with its adapters; a server calls `create` in each worker."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from api.app import create_app
from api.budget import Budget
from api.cache_wiring import Caching, caching, warming
from api.catalog_views import CatalogViews
from api.door.door import Door
from api.door.event_lane import EventLane
from api.door.fast_lane import FastLane
from api.events_wiring import taking
from api.guard.wired import wired_guard
from api.item_book import ItemBook
from api.live_model import live_model
from api.model_watch import ModelWatch
from api.refresh import Refresh
from api.repeating import Repeating
from api.services import Services, keeper_of, utc_now
from api.storefront.sample import Sample
from api.telemetry.middleware import Watched
from api.telemetry.readiness import CACHE, DATABASE
from api.telemetry.watching import Watching
from api.telemetry.wired import watched, watching_of
from api.tokens import token_of
from engine.domain.customer_tokens import DEFAULT_LIFE
from engine.domain.events import to_ms
from engine.domain.structs import make_ready
from engine.errors import StoreUnavailable
from engine.live import LiveModel
from engine.models.model import Model
from engine.ports import Segments
from engine.ports_access import ApiKeys
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
from engine.store.model_store import ModelStore
from engine.store.notes import SqlNotes
from engine.store.sales import SqlSales
from engine.store.segments import SqlSegments

MODEL_INTERVAL = timedelta(seconds=0.5)
UPKEEP_INTERVAL = timedelta(seconds=1)
REFRESH_INTERVAL = timedelta(minutes=1)
# Twice what a database that is silent holds a thread for: one thread at a time finds out.
DATABASE_PATIENCE = timedelta(seconds=2 * WAIT_SECONDS)
_log = logging.getLogger(__name__)


def create() -> Watched:
    """The app of one worker process, connected as the environment says.

    Granian: `granian --interface wsgi --factory api.wiring:create`.
    """
    settings = Settings.from_env(os.environ, folder=Path.cwd())
    services = connected(settings, watching_of(settings, os.environ))
    return watched(behind_door(services), services)


def behind_door(services: Services) -> Door:
    """The app over the services with the fast lane before it."""
    lane = FastLane(services.cache, services.models, clock=services.clock)
    events = EventLane(services)
    return Door(create_app(services), lane, events, guard=services.guard, closes=services.close)


def connected(settings: Settings, watching: Watching | None = None) -> Services:
    """The services over the settings' adapters, with their background at work.

    Neither the database nor the cache nor a model has to be there yet.
    """
    make_ready()
    watched_with = watching or Watching.alone()
    database = LateDatabase.open(settings.database)
    catalog, segments = SqlCatalog(database), SqlSegments(database)
    kept = caching(settings, catalog, SqlInvalidations(database))
    warm_up = warming(settings, database)
    models, items = _models(settings), ItemBook(catalog)
    live = live_model(models, items, segments)
    events = taking(database, kept.cache, live, watched_with.telemetry, threads=settings.threads)
    refresh, door = _refresh(database, segments, live), wired_guard(settings, database)
    budget = Budget(settings.request_budget)
    breaker = CircuitBreaker(patience=DATABASE_PATIENCE)
    background = [*_watches(models, items, kept), *events.background, _turns(refresh)]
    ends = (database.close, kept.close, budget.close, door.close)
    services = Services(
        intake=events.intake,
        clients=events.clients,
        customers=SqlCustomers(database),
        catalog=catalog,
        sales=SqlSales(database),
        features=SqlFeatures(database),
        segments=segments,
        live=live,
        cache=kept.cache,
        changes=kept.changes,
        budget=budget,
        models=models,
        breaker=breaker,
        guard=door.guard,
        keys=door.keys,
        watching=_with_breakers(watched_with, {CACHE: kept.breaker, DATABASE: breaker}),
        max_body_bytes=settings.max_body_bytes,
        storefront=_storefront(settings, database, door.keys),
        closers=(*ends, *map(_started, background), refresh.close, warm_up.stop),
    )
    models.before_serving(partial(warm_up.carry_out, services.lists.make_for))
    _read_ahead(services.lists.views, items)
    return services


def _read_ahead(views: CatalogViews, items: ItemBook) -> None:
    # A large catalogue takes longer to read than a list may take: nobody's first list waits for it.
    with suppress(StoreUnavailable):
        views.latest()
        items.latest()


def _with_breakers(watching: Watching, breakers: Mapping[str, CircuitBreaker]) -> Watching:
    looks = {name: lambda each=each: each.open for name, each in breakers.items()}
    return replace(watching, breakers=looks)


def _started(work: Repeating) -> Callable[[], None]:
    return work.start().close


def _models(settings: Settings) -> ModelWatch:
    source = ModelStore(settings.models_folder)
    models = ModelWatch(source, partial(recommender_of, settings=settings))
    models.poll()
    return models


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


def _turns(refresh: Refresh) -> Repeating:
    return Repeating("refresh", refresh.turn, every=REFRESH_INTERVAL)


def _storefront(settings: Settings, database: Database, keys: ApiKeys) -> Sample | None:
    if not settings.storefront:
        return None

    def token(customer_id: str) -> str:
        return token_of(keys, customer_id, life=DEFAULT_LIFE, now_ms=to_ms(utc_now()))

    return Sample(
        SqlCustomers(database),
        SqlFeatures(database),
        SqlLedger(database),
        key=settings.storefront_key,
        token_of=token,
    )


def _watches(models: ModelWatch, items: ItemBook, kept: Caching) -> list[Repeating]:
    return [
        Repeating("model watch", models.poll, every=MODEL_INTERVAL),
        # So that no event has to read a large catalogue while others wait for its transaction.
        Repeating("item book", items.latest, every=UPKEEP_INTERVAL),
        Repeating("cache upkeep", kept.upkeep, every=UPKEEP_INTERVAL),
        Repeating("item changes", kept.changes.catch_up, every=UPKEEP_INTERVAL),
    ]
