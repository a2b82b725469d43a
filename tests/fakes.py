"""A small shop to test the API with: real database, real model of six items, outages at will."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pytest
from flask.testing import FlaskClient
from scipy import sparse

from api.app import create_app
from api.budget import Budget
from api.catalog_changes import CatalogChanges
from api.events_wiring import clients_of
from api.guard.guard import Guard, open_guard
from api.item_book import ItemBook
from api.live_model import live_model
from api.model_watch import ModelWatch
from api.services import Services
from api.telemetry.watching import Watching
from engine.domain.assortment import Assortment
from engine.domain.catalog import Item, ItemPatch
from engine.domain.ids import IdTable
from engine.errors import ModelUnavailable, StoreUnavailable
from engine.feedback import Feedback
from engine.follower import Follower
from engine.intake import Intake, Limits
from engine.list_cache import ListCache
from engine.loyalty.cuts import Cuts
from engine.loyalty.rfm import RfmCuts
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.item_item import ItemItem
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.recommend.recommender import Recommender
from engine.store.api_keys import SqlApiKeys
from engine.store.breaker import CircuitBreaker
from engine.store.catalog import SqlCatalog
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.features import SqlFeatures
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from engine.store.sales import SqlSales
from engine.store.segments import SqlSegments
from tests.waiting import AMPLE

ITEMS = ("A", "B", "C", "D", "E", "F")
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HALF_LIFE = 30.0


def a_model(version: str = "m1", *, popular: Sequence[float] = (6, 5, 4, 3, 2, 1)) -> Model:
    """Six items A to F of falling popularity; who bought A also bought F, and the other way."""
    similar = np.zeros((6, 6), dtype=np.float32)
    similar[0, 5] = similar[5, 0] = 1.0
    scorers = (
        Popularity(np.asarray(popular, dtype=np.float32), half_life_days=HALF_LIFE),
        PersonalFrequency(items=6, half_life_days=HALF_LIFE),
        ItemItem(sparse.csr_matrix(similar), half_life_days=HALF_LIFE),
    )
    return Model(
        version=version,
        until_ms=int(NOW.timestamp() * 1000),
        items=IdTable(ITEMS),
        scorers={each.name: each for each in scorers},
        blends={Goal.ANY: {"popularity": 0.1, "frequency": 1.0, "item_item": 0.5}},
        assortment=Assortment.unknown(6),
        cuts=msgspec.structs.replace(
            Cuts.untrained(),
            rfm=RfmCuts("absolute", (180.0, 90.0, 60.0, 30.0), (1, 2, 4, 9), (1, 2, 3, 4)),
            version=version,
        ),
    )


@dataclass
class Models:
    """A source of models: those published, the current one, and any that are broken."""

    published: dict[str, Model] = field(default_factory=dict)
    current: str | None = None
    loads: int = 0
    warm: int = 0

    def publish(self, model: Model) -> None:
        """Make a model current."""
        self.published[model.version] = model
        self.current = model.version

    def current_version(self) -> str | None:
        """The version that should serve."""
        return self.current

    def warm_customers(self, version: str) -> int:
        """For how many customers lists are made before a version serves."""
        return self.warm

    def load(self, version: str) -> Model:
        """The model; one that was never published stands for a broken one."""
        self.loads += 1
        if version not in self.published:
            raise ModelUnavailable(f"model {version} is broken; publish another")
        return self.published[version]


class Outage:
    """Passes calls on while `up`, and fails like an adapter while not."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.up = True

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if not callable(method):
            return method

        def call(*args: Any, **named: Any) -> Any:
            if not self.up:
                raise StoreUnavailable("the server db.internal:5432 does not answer")
            return method(*args, **named)

        return call


@dataclass
class Shop:
    """The API over its parts, each within reach of a test."""

    client: FlaskClient
    services: Services
    models: Models
    customers: Outage
    catalog: Outage
    ledger: Outage
    cache: Outage
    features: Outage
    segments: Outage

    def publish(self, model: Model) -> None:
        """Make a model serve."""
        self.models.publish(model)
        self.services.models.poll()

    def database_up(self, up: bool) -> None:
        """Let the database answer, or not."""
        for each in (self.customers, self.catalog, self.ledger, self.features, self.segments):
            each.up = up

    def buy(self, customer_id: str, item_id: str, event_id: str, **more: object) -> None:
        """Record a purchase of one unit for 5.00, acknowledged."""
        line = {"item_id": item_id, "quantity": 1, "unit_price": 500}
        event = {
            "event_id": event_id,
            "type": "purchase",
            "customer_id": customer_id,
            "order_id": f"order-{event_id}",
            "lines": [line],
            **more,
        }
        answer = self.client.post("/v1/events", json=event)
        assert answer.status_code == 200, answer.text

    def items(self, customer_id: str, **query: object) -> list[str]:
        """The items this customer is shown, in order."""
        address = f"/v1/customers/{customer_id}/recommendations"
        answer = self.client.get(address, query_string=query)
        assert answer.status_code == 200, answer.text
        return [item["item_id"] for item in answer.json["items"]]


@contextmanager
def a_shop(
    database: Database,
    *,
    cache: ListCache | None = None,
    guard: Guard | None = None,
    **settings: Any,
) -> Iterator[Shop]:
    """A shop over a database, with a model, at noon of one day, without a cooldown."""
    models = Models()
    models.publish(a_model())
    customers, catalog = Outage(SqlCustomers(database)), Outage(SqlCatalog(database))
    ledger = Outage(SqlLedger(database))
    changes = CatalogChanges(catalog)
    kept = Outage(cache or MemoryListCache(ttl=timedelta(hours=1), unchanged=changes.unchanged))
    watch = ModelWatch(models, partial(Recommender, cooldown=timedelta(0)))
    watch.poll()
    features, segments = Outage(SqlFeatures(database)), Outage(SqlSegments(database))
    live = live_model(watch, ItemBook(catalog), segments)
    clock = settings.pop("clock", lambda: NOW)
    feedback = Feedback(ledger, SqlInvalidations(database), kept, model=live)
    budget = settings.pop("budget", Budget(AMPLE))
    services = Services(
        intake=Intake(feedback, due=Follower(feedback, clock=clock).add, limits=Limits(seats=4)),
        clients=clients_of(database, feedback, live),
        customers=customers,
        catalog=catalog,
        sales=Outage(SqlSales(database)),
        features=features,
        segments=segments,
        live=live,
        cache=kept,
        changes=changes,
        budget=budget,
        closers=(budget.close,),
        models=watch,
        breaker=CircuitBreaker(cooldown=timedelta(0)),
        guard=guard or open_guard(),
        keys=SqlApiKeys(database),
        clock=clock,
        # A part that went away a moment ago must be seen to be gone.
        watching=Watching.alone(fresh_for=timedelta(0)),
        **settings,
    )
    app = create_app(services)
    yield Shop(
        client=app.test_client(),
        services=services,
        models=models,
        customers=customers,
        catalog=catalog,
        ledger=ledger,
        cache=kept,
        features=features,
        segments=segments,
    )
    services.close()


class MemoryCatalog:
    """A catalogue in memory."""

    def __init__(self, *items: Item) -> None:
        self._items = {item.item_id: item for item in items}
        self._revision = len(items)

    def revision(self) -> int:
        """A number that grows with every change."""
        return self._revision

    def get(self, item_id: str) -> Item | None:
        """One item."""
        return self._items.get(item_id)

    def some(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Those of the items that there are."""
        return {each: self._items[each] for each in item_ids if each in self._items}

    def all(self) -> list[Item]:
        """Every item."""
        return list(self._items.values())

    def changed_since(self, revision: int) -> list[Item]:
        """Every item when anything changed: more than was asked for does no harm."""
        return self.all() if revision < self._revision else []

    def put(self, patches: Sequence[ItemPatch]) -> int:
        """Set availability, all that the tests change."""
        for patch in patches:
            self._items[patch.item_id] = Item(patch.item_id, available=bool(patch.available))
        self._revision += 1
        return self._revision


@pytest.fixture
def shop(sqlite_url: str) -> Iterator[Shop]:
    """The API over a fresh database."""
    database = Database.open(sqlite_url)
    database.upgrade()
    with a_shop(database) as opened:
        yield opened
    database.close()
