"""Everyone's features and segments at once, on every database, beside a server that records."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from random import Random

import msgspec
import pytest

from engine.domain.events import Event, EventType, to_ms
from engine.domain.features import FeatureRow, StoredSegment
from engine.feedback import record_in
from engine.live import LiveModel, Surroundings, living
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.registry import Features
from engine.receipts import entry_of
from engine.store.catalog import SqlCatalog
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.features import SqlFeatures
from engine.store.ledger import SqlLedger
from engine.store.segments import SqlSegments
from tests.any_events import some_log
from tests.builders import DAY_ZERO, a_purchase
from training import refresh as module
from training.progress import Silent
from training.refresh import Refreshed, refresh, told

CUTS = Cuts.untrained()
NOW = DAY_ZERO + timedelta(days=130)


def record(database: Database, *events: Event) -> None:
    """Into the log and the states, as an ingest does: features wait for a refresh."""
    with SqlLedger(database).transaction() as transaction:
        record_in(transaction, [entry_of(each, received_at=DAY_ZERO) for each in events])


def refreshed(database: Database, *, days: float = 0, **more) -> Refreshed:
    now_ms = to_ms(NOW + timedelta(days=days))
    return refresh(database, CUTS, now_ms=now_ms, progress=Silent(), **more)


def row(database: Database, customer_id: str = "anna") -> FeatureRow:
    found = SqlFeatures(database).load(customer_id)
    assert found is not None
    return found


def weekly(who: str, weeks: int, *, first: int = 0) -> list[Event]:
    return [a_purchase(f"{who}-{week}", who, day=7 * (first + week)) for week in range(weeks)]


def told_of(customer_id: str, event_id: str, **traits) -> Event:
    return Event(event_id, EventType.IDENTIFY, DAY_ZERO, customer_id, properties={"traits": traits})


def live_model(database: Database) -> LiveModel:
    return LiveModel(
        Surroundings(
            cuts=lambda: CUTS,
            items=lambda: {item.item_id: item for item in SqlCatalog(database).all()},
            segments=SqlSegments(database).own,
        )
    )


def follow(database: Database, customer_id: str, *, days: float = 0) -> None:
    """What a server does for a customer when an event comes."""
    with SqlLedger(database).transaction() as transaction:
        stored = transaction.lock([customer_id])[customer_id]
        now_ms = to_ms(NOW + timedelta(days=days))
        live_model(database).follow(transaction, living([stored]), now_ms=now_ms)


def test_what_is_stored_for_everyone_is_what_a_server_works_out_for_each(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 7)
    record(database, *some_log(Random(11), customers=25))
    done = refreshed(database, days=600)
    batch = {each.customer_id: row(database, each.customer_id) for each in everyone(database)}
    members = memberships(database)

    for each in batch:
        follow(database, each, days=600)

    assert done.customers == len(batch) > 20
    assert {each: row(database, each) for each in batch} == batch
    assert memberships(database) == members


def everyone(database: Database) -> list:
    return [each for page in SqlCustomers(database).pages(size=100) for each in page]


def memberships(database: Database) -> dict[str, list[str]]:
    segments = SqlSegments(database)
    return {
        each.customer_id: [name for name, _ in segments.of(each.customer_id)]
        for each in everyone(database)
    }


def test_a_second_run_changes_nothing(database: Database) -> None:
    record(database, *weekly("anna", 6), *weekly("ben", 1))
    first = refreshed(database)
    before = row(database)

    again = refreshed(database)

    assert again == replace(first, changes=0)
    assert row(database) == before
    assert SqlFeatures(database).changes("anna") == []


def test_time_alone_changes_stages_and_the_steps_are_kept(database: Database) -> None:
    record(database, *weekly("anna", 6, first=12))
    refreshed(database, days=-10)

    later = refreshed(database, days=60)

    assert later.changes == 1
    (step,) = SqlFeatures(database).changes("anna")
    assert (step.before, step.after) == ("familiarity", "separation")
    assert row(database).values["previous_stage"] == "familiarity"


def test_what_was_told_of_customers_stands_beside_their_features(database: Database) -> None:
    record(
        database,
        a_purchase("e1", "anna"),
        told_of("anna", "i1", city="Taipei", age=30),
        told_of("ben", "i2", city="Graz"),
        told_of("ben", "i3", odd=["a", "list"]),
    )

    refreshed(database)

    assert msgspec.json.decode(row(database).attributes) == {"age": 30, "city": "Taipei"}
    assert msgspec.json.decode(row(database, "ben").attributes) == {"city": "Graz"}


def test_segments_of_the_shops_own_are_worked_out_too(database: Database) -> None:
    condition = json.dumps({"attribute": "city", "is": "Taipei"})
    SqlSegments(database).put(StoredSegment("taipei", "Taipei", "", condition, updated_ms=0))
    record(database, a_purchase("e1", "anna"), told_of("anna", "i1", city="Taipei"))

    done = refreshed(database)

    assert {run.segment: run.members for run in done.segments}["taipei"] == 1


def test_features_of_a_later_event_are_never_overwritten(database: Database) -> None:
    record(database, *weekly("anna", 6))
    refreshed(database)
    newer = replace(row(database), revision=9, attributes='{"from":"the future"}')
    older = replace(newer, revision=8, attributes="{}")

    with SqlLedger(database).transaction() as transaction:
        transaction.save_features([newer], changes=())
        transaction.save_features([older], changes=())

    assert row(database) == newer


def test_a_customer_with_news_meanwhile_keeps_what_came_of_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(database, *weekly("anna", 6), *weekly("ben", 6))
    read = module._read

    def read_and_then_an_event(*given, **more):
        found = read(*given, **more)
        record(database, a_purchase("late", "anna", day=129))
        follow(database, "anna")
        return found

    monkeypatch.setattr(module, "_read", read_and_then_an_event)
    shown: list[Features] = []

    done = refreshed(database, show=shown.append)

    assert (done.customers, done.left) == (1, 1)
    assert row(database).values["orders"] == 7
    # A file of everyone has everyone, as the log was read.
    assert [each for page in shown for each in page.customers] == ["anna", "ben"]
    assert "1 had news meanwhile" in told(done)


def test_events_to_come_do_not_count_yet(database: Database) -> None:
    record(database, *weekly("anna", 3), a_purchase("soon", "anna", day=200))

    refreshed(database)

    assert row(database).values["orders"] == 3


def test_a_shop_without_customers_is_no_trouble(database: Database) -> None:
    done = refreshed(database)

    assert (done.customers, done.changes, done.left) == (0, 0, 0)
    assert all(run.members == 0 for run in done.segments)
