"""Splitting identities over HTTP and on the command line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from engine.domain.events import EventType
from engine.feedback import Feedback
from engine.settings import Settings
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from tests.commanding import done, refused
from tests.events import a_line, a_purchase, an_event, day
from tests.fakes import Shop

JOIN = {"event_id": "j1", "type": "identify", "customer_id": "ann", "anonymous_id": "tablet/1"}
ORDER = {
    "event_id": "e1",
    "type": "purchase",
    "anonymous_id": "tablet/1",
    "order_id": "o1",
    "lines": [{"item_id": "A", "quantity": 1, "unit_price": 500}],
}


def revenue(shop: Shop) -> int:
    return shop.client.get("/v1/customers/ann/profile").json["revenue"]


def test_a_guests_order_is_the_customers_until_they_are_taken_apart(shop: Shop):
    shop.client.post("/v1/events", json={"events": [ORDER, JOIN]})
    joined = revenue(shop)

    answer = shop.client.delete("/v1/customers/ann/identities/tablet%2F1")

    assert (joined, revenue(shop)) == (500, 0)
    assert answer.json == {"customer_id": "ann", "anonymous_id": "tablet/1"}


def test_taking_apart_who_was_not_joined_is_404(shop: Shop):
    shop.client.post("/v1/events", json=JOIN)

    answer = shop.client.delete("/v1/customers/bob/identities/tablet%2F1")

    assert (answer.status_code, answer.json["type"]) == (404, "/docs#identity-unknown")


def home_with_a_joined_visitor(tmp_path: Path) -> Path:
    database = Database.open(Settings(home=tmp_path).database)
    database.upgrade()
    cache = MemoryListCache(ttl=timedelta(hours=1))
    Feedback(SqlLedger(database), SqlInvalidations(database), cache).record(
        [
            a_purchase("e1", a_line("tea", 1, 500), customer_id=None, anonymous_id="a1"),
            an_event("e2", EventType.IDENTIFY, customer_id="ann", anonymous_id="a1"),
            an_event("e3", EventType.IDENTIFY, customer_id="bob", occurred_at=day(1)),
        ],
        now=day(2),
    )
    database.close()
    return tmp_path


def revenue_at(home: Path) -> int:
    database = Database.open(Settings(home=home).database)
    stored = SqlCustomers(database).load("ann")
    database.close()
    assert stored is not None
    return stored.summary.revenue


def test_the_command_takes_apart_and_joins_again(tmp_path: Path):
    home = home_with_a_joined_visitor(tmp_path)
    joined = revenue_at(home)

    split = done(home, "customer", "split", "a1")
    apart = revenue_at(home)
    undone = done(home, "customer", "split", "a1", "--undo")

    assert (joined, apart, revenue_at(home)) == (500, 0, 500)
    assert split.output == "a1 is no longer joined to ann\n"
    assert undone.output == "a1 may be joined again to ann\n"


def test_the_command_says_when_nobody_was_joined(tmp_path: Path):
    home = home_with_a_joined_visitor(tmp_path)

    said = refused(home, "customer", "split", "a1", "--from", "bob")

    assert said == "a1 was not joined to customer bob; nothing was changed"
