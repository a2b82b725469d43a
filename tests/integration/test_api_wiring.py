"""The API connected as settings say, each outside part there or not."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.test import Client

from api.app import create_app
from api.services import Services
from api.upkeep import Upkeep
from api.wiring import connected, create
from engine.domain.catalog import Item, ItemPatch
from engine.errors import StoreUnavailable
from engine.list_cache import Stamp
from engine.settings import Settings
from engine.store.memory_cache import MemoryListCache
from engine.store.model_store import ModelStore
from tests.fakes import MemoryCatalog, Outage, a_model
from tests.waiting import AMPLE, comes_true

PURCHASE = {
    "event_id": "e1",
    "type": "purchase",
    "customer_id": "ann",
    "lines": [{"item_id": "E", "quantity": 1}],
}


def published(home: Path, version: str) -> None:
    store = ModelStore(home / "models")
    store.save(a_model(version), created_at=datetime.now(UTC).isoformat(), training={})
    store.publish(version)


def served(services: Services) -> str | None:
    recommender = services.models.current()
    return recommender.model.version if recommender else None


def test_a_new_home_serves_at_once_and_picks_up_models_as_they_are_published(tmp_path: Path):
    services = connected(Settings(home=tmp_path / "home", workers=1, request_budget=AMPLE))
    client = create_app(services).test_client()

    recorded = client.post("/v1/events", json=PURCHASE)
    before = client.get("/v1/customers/ann/recommendations")
    published(tmp_path / "home", "m1")
    assert comes_true(lambda: served(services) == "m1")
    after = client.get("/v1/customers/ann/recommendations")
    services.close()

    assert recorded.status_code == 200
    assert before.json["fallback_reason"] == "no_model"
    assert after.json["model_version"] == "m1"
    # What was bought within the cooldown is not shown again.
    assert "E" not in {item["item_id"] for item in after.json["items"]}


def test_the_catalogue_was_read_before_anybody_asks(tmp_path: Path):
    settings = Settings(home=tmp_path)
    first = connected(settings)
    create_app(first).test_client().put(
        "/v1/items", json={"items": [{"item_id": "E", "available": False}]}
    )
    first.close()

    second = connected(settings)
    known = second.lists.views.last_known()
    second.close()

    assert known.unavailable == {"E"}


def test_closing_leaves_no_thread_behind(tmp_path: Path):
    before = set(threading.enumerate())

    connected(Settings(home=tmp_path)).close()

    assert set(threading.enumerate()) <= before


def test_without_a_database_the_model_still_answers(tmp_path: Path):
    published(tmp_path, "m1")
    nowhere = "postgresql://nobody:secret@127.0.0.1:1/nothing"
    services = connected(Settings(home=tmp_path, database_url=nowhere))
    client = create_app(services).test_client()

    listed = client.get("/v1/customers/ann/recommendations")
    told = client.post("/v1/events", json=PURCHASE)
    ready = client.get("/readyz")
    services.close()

    assert (listed.status_code, listed.json["fallback_reason"]) == (200, "store_unavailable")
    assert listed.json["items"]
    assert told.status_code == 503
    assert ready.json["parts"]["database"] == "unavailable"
    assert "secret" not in told.text + ready.text


def test_without_the_redis_that_was_named_lists_are_computed(tmp_path: Path):
    published(tmp_path, "m1")
    services = connected(
        Settings(home=tmp_path, redis_url="redis://127.0.0.1:1/0", request_budget=AMPLE)
    )
    client = create_app(services).test_client()

    told = client.post("/v1/events", json=PURCHASE)
    listed = client.get("/v1/customers/ann/recommendations")
    ready = client.get("/readyz")
    services.close()

    assert told.status_code == 200
    assert listed.json["served_by"] == "model"
    assert ready.json["status"] == "degraded"
    assert ready.json["parts"]["cache"] == "unavailable"


def test_two_workers_without_a_shared_cache_keep_no_lists(tmp_path: Path):
    published(tmp_path, "m1")
    one, other = (
        connected(Settings(home=tmp_path, workers=2, request_budget=AMPLE)) for _ in range(2)
    )
    asked = create_app(one).test_client()
    told = create_app(other).test_client()

    told.post("/v1/events", json=PURCHASE)
    asked.get("/v1/customers/ann/recommendations")
    told.post(
        "/v1/events",
        json={
            **PURCHASE,
            "event_id": "e2",
            "lines": [{"item_id": "D", "quantity": 1}, {"item_id": "F", "quantity": 1}],
        },
    )
    answer = asked.get("/v1/customers/ann/recommendations")
    one.close()
    other.close()

    assert answer.json["served_by"] == "model"
    # All three were bought within the cooldown.
    assert not {"D", "E", "F"} & {item["item_id"] for item in answer.json["items"]}


def test_the_environment_makes_an_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    door = create()
    answer = Client(door).get("/readyz")
    door.close()

    assert answer.json["parts"] == {
        "database": "ok",
        "cache": "ok",
        "model": "unavailable",
        "keys": "ok",
        "disk": "ok",
    }


class Notes:
    """Invalidations in memory."""

    def __init__(self, **noted: int) -> None:
        self.noted = dict(noted)

    def pending(self, *, limit: int) -> dict[str, int]:
        """What is noted."""
        return dict(list(self.noted.items())[:limit])

    def clear(self, done: dict[str, int]) -> None:
        """Forget what was carried out."""
        for customer_id in done:
            self.noted.pop(customer_id)


def test_upkeep_tells_the_cache_of_every_note_and_of_the_catalogue():
    cache = MemoryListCache(ttl=timedelta(hours=1))
    catalog = MemoryCatalog(Item("A"))
    notes = Notes(**{f"c{number}": 2 for number in range(2_500)})
    cache.write("c2400", "f", b"old", stamp=Stamp(1, 1))
    cache.write("bob", "f", b"kept", stamp=Stamp(1, 1))

    Upkeep(cache, catalog, notes).carry_out()

    assert notes.noted == {}
    assert cache.read("c2400", "f") is None
    assert cache.read("bob", "f") == b"kept"

    catalog.put([ItemPatch("A", available=False)])
    Upkeep(cache, catalog, notes).carry_out()
    assert cache.read("bob", "f") is None


def test_notes_stay_while_the_cache_is_away():
    cache = Outage(MemoryListCache(ttl=timedelta(hours=1)))
    cache.up = False
    notes = Notes(ann=2)

    with pytest.raises(StoreUnavailable):
        Upkeep(cache, MemoryCatalog(), notes).carry_out()

    assert notes.noted == {"ann": 2}
