"""Lists made before a new model serves: by one worker, within the bound, whatever happens."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from api import warm_up
from api.app import create_app
from api.services import Services
from api.wiring import connected
from engine.feedback import Feedback
from engine.settings import Settings
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from engine.store.model_store import ModelStore
from engine.store.recent import recent_customers
from engine.store.redis_cache import connect
from engine.store.redis_turn import RedisTurn
from tests.events import a_view, day
from tests.fakes import a_model
from tests.waiting import AMPLE, comes_true

CUSTOMERS = ("ann", "bob", "cid", "dan")


def published(settings: Settings, version: str, *, warm: int = 0) -> None:
    store = ModelStore(settings.models_folder)
    store.save(a_model(version), created_at=datetime.now(UTC).isoformat(), training={})
    store.publish(version, warm=warm)


def visited(database: Database) -> None:
    """Everyone looked at something, ann first and dan last; ann came back at the end."""
    seen = [*CUSTOMERS, "ann"]
    views = [
        a_view(f"v{number}", customer_id=customer, occurred_at=day(number))
        for number, customer in enumerate(seen)
    ]
    cache = MemoryListCache(ttl=timedelta(hours=1))
    Feedback(SqlLedger(database), SqlInvalidations(database), cache).record(views, now=day(9))


def versions(services: list[Services]) -> set[str]:
    return {each.models.current().model.version for each in services}


@pytest.fixture
def settings(tmp_path: Path, valkey_url: str) -> Settings:
    made = Settings(home=tmp_path, redis_url=valkey_url, workers=2, request_budget=AMPLE)
    database = Database.open(made.database)
    database.upgrade()
    visited(database)
    database.close()
    published(made, "m1")
    return made


@pytest.fixture
def workers(settings: Settings) -> Iterator[list[Services]]:
    """Two workers as two processes would have them."""
    made = [connected(settings) for _ in range(2)]
    yield made
    for each in made:
        each.close()


def asked(services: Services, customer: str, kind: str = "recommendations") -> dict[str, str]:
    client: FlaskClient = create_app(services).test_client()
    answer = client.get(f"/v1/customers/{customer}/{kind}").json
    return {name: answer[name] for name in ("served_by", "model_version")}


def test_customers_are_named_by_their_last_event(database: Database):
    visited(database)

    assert recent_customers(database, 3) == ["ann", "dan", "cid"]
    assert recent_customers(database, 100) == ["ann", "dan", "cid", "bob"]


def test_naming_them_reads_the_end_of_an_index(database: Database):
    visited(database)
    statements: list[tuple[str, object]] = []
    with database.read() as connection:
        engine = connection.engine
    event.listen(
        engine, "before_cursor_execute", lambda *told: statements.append((told[2], told[3]))
    )
    recent_customers(database, 2)
    statement, parameters = statements[-1]

    with database.read() as connection:
        if database.dialect == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        else:
            # On five rows it would read them all.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all()

    assert "ix_events_occurred_ms" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_one_worker_makes_the_lists_and_both_change_over_to_them(
    settings: Settings, workers: list[Services], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "api")

    published(settings, "m2", warm=3)

    assert comes_true(lambda: versions(workers) == {"m2"})
    for worker in workers:
        for customer in ("ann", "dan", "cid"):
            for kind in ("recommendations", "discover", "buy-again"):
                assert asked(worker, customer, kind) == {
                    "served_by": "cache",
                    "model_version": "m2",
                }
    assert asked(workers[0], "bob")["served_by"] != "cache", "three were asked for"
    said = [each.message for each in caplog.records if "were made" in each.message]
    assert said == ["model m2: 9 lists were made before it serves"]


def test_the_old_model_serves_until_the_lists_are_made(
    settings: Settings, workers: list[Services], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "api")
    taken = RedisTurn(connect(settings.redis_url or ""))
    assert taken.take("m2")

    published(settings, "m2", warm=3)
    meanwhile = set()
    for _ in range(15):
        time.sleep(0.1)
        taken.hold("m2")
        meanwhile |= versions(workers)
    taken.finish("m2")

    assert meanwhile == {"m1"}
    assert comes_true(lambda: versions(workers) == {"m2"})
    assert not [each.message for each in caplog.records if "were made" in each.message]


def test_a_worker_that_died_over_it_is_relieved(settings: Settings, workers: list[Services]):
    # It says nothing any more, and the turn is another one's after five seconds.
    assert RedisTurn(connect(settings.redis_url or "")).take("m2")

    published(settings, "m2", warm=3)

    assert comes_true(lambda: versions(workers) == {"m2"})
    assert asked(workers[0], "ann")["served_by"] == "cache"


def test_nobody_waits_longer_than_the_bound(settings: Settings, workers: list[Services]):
    for each in workers:
        each.models.before_serving(lambda *_: None)
    bounded = [
        warm_up.WarmUp(
            lambda most: [f"c{number}" for number in range(1_000)],
            RedisTurn(connect(settings.redis_url or "")),
            ModelStore(settings.models_folder).current_version,
            seconds=1.0,
        )
        for _ in workers
    ]
    for each, own in zip(workers, bounded, strict=True):

        def prepare(recommender: object, customers: int, own: warm_up.WarmUp = own) -> None:
            own.carry_out(lambda *_: time.sleep(0.4), recommender, customers)

        each.models.before_serving(prepare)

    published(settings, "m2", warm=1_000_000)

    # All their lists would take forty minutes.
    assert comes_true(lambda: versions(workers) == {"m2"})


def test_a_model_taken_back_meanwhile_never_serves(settings: Settings, workers: list[Services]):
    assert RedisTurn(connect(settings.redis_url or "")).take("m2")
    published(settings, "m2", warm=3)
    time.sleep(1)

    ModelStore(settings.models_folder).rollback()
    seen = set()
    for _ in range(100):
        seen |= versions(workers)
        time.sleep(0.02)

    assert seen == {"m1"}


def test_without_the_cache_the_model_serves_at_once(tmp_path: Path):
    settings = Settings(home=tmp_path, redis_url="redis://127.0.0.1:1/0", workers=2)
    published(settings, "m1")
    worker = connected(settings)

    published(settings, "m2", warm=1000)

    assert comes_true(lambda: versions([worker]) == {"m2"})
    worker.close()


def test_a_single_worker_fills_its_own_memory(tmp_path: Path):
    settings = Settings(home=tmp_path, workers=1, request_budget=AMPLE)
    database = Database.open(settings.database)
    database.upgrade()
    visited(database)
    database.close()
    published(settings, "m1")
    worker = connected(settings)

    published(settings, "m2", warm=2)

    assert comes_true(lambda: versions([worker]) == {"m2"})
    assert asked(worker, "ann")["served_by"] == "cache"
    worker.close()


def test_a_worker_that_starts_serves_at_once(settings: Settings, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "api")
    published(settings, "m2", warm=1_000_000)

    worker = connected(settings)

    assert versions([worker]) == {"m2"}
    assert not [each.message for each in caplog.records if "were made" in each.message]
    worker.close()
