"""GA4's shapes, as Google's documentation shows them, on a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from engine.store.database import Database
from engine.store.tables import event_lines, events
from tests.fakes import NOW, Shop, a_shop

# https://developers.google.com/analytics/devguides/collection/ga4/apply-discount: three pairs of
# socks of 6.00 each with 2.00 off a pair.
SOCKS = {
    "transaction_id": "T_12345",
    "coupon": "socksSale",
    "value": 12.00,
    "currency": "USD",
    "items": [
        {
            "item_id": "SKU_12345",
            "item_name": "Socks",
            "discount": 2.00,
            "price": 4.00,
            "quantity": 3,
        }
    ],
}
# The reference of GA4's events: here the price is the one before the discount, as `value` says.
TEE = {
    "currency": "USD",
    "value": 7.77,
    "items": [
        {
            "item_id": "SKU_12345",
            "item_name": "Stan and Friends Tee",
            "affiliation": "Google Merchandise Store",
            "coupon": "SUMMER_FUN",
            "discount": 2.22,
            "index": 0,
            "item_brand": "Google",
            "item_category": "Apparel",
            "item_list_id": "related_products",
            "price": 9.99,
            "quantity": 1,
        }
    ],
}
MICROS = int(NOW.timestamp()) * 1_000_000


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database.open(sqlite_url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def shop(database: Database) -> Iterator[Shop]:
    with a_shop(database) as opened:
        yield opened


def logged(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(events).order_by(events.c.seq)))


def lines(database: Database) -> list[tuple[Any, ...]]:
    own = event_lines.c
    with database.read() as connection:
        asked = select(own.item_id, own.quantity, own.unit_price, own.discount)
        return [tuple(row) for row in connection.execute(asked.order_by(own.event_seq))]


def an_event(**fields: Any) -> dict[str, Any]:
    return {"event_id": "e1", "type": "purchase", "customer_id": "ann", **fields}


def collect(shop: Shop, *told: dict[str, Any], **envelope: Any) -> None:
    body = {"client_id": "c.1", "user_id": "ann", "events": list(told), **envelope}
    # Google's own examples send no type of content.
    answer = shop.client.post("/mp/collect?measurement_id=G-1&api_secret=s", data=json.dumps(body))
    assert (answer.status_code, answer.data) == (204, b"")


def test_the_price_is_what_was_paid_and_the_discount_came_off_it(shop: Shop, database: Database):
    answer = shop.client.post(
        "/v1/events", json=an_event(**SOCKS | {"coupon": None}, properties={})
    )
    assert answer.json["field"] == "coupon"

    told = {name: value for name, value in SOCKS.items() if name != "coupon"}
    answer = shop.client.post("/v1/events", json=an_event(**told))

    assert answer.json["accepted"] == 1
    # 3 x 6.00 less 3 x 2.00.
    assert lines(database) == [("SKU_12345", 3.0, 600, 600)]
    profile = shop.client.get("/v1/customers/ann/profile").json
    assert (profile["orders"], profile["units"], profile["revenue"]) == (1, 3, 1200)
    assert logged(database)[0].order_id == "T_12345"


def test_the_price_is_the_one_before_the_discount_where_the_value_says_so(
    shop: Shop, database: Database
):
    shop.client.post("/v1/events", json=an_event(**TEE, type="add_to_cart"))

    assert lines(database) == [("SKU_12345", 1.0, 999, 222)]


@pytest.mark.parametrize(
    ("currency", "price", "minor"), [("JPY", 1200, 1200), ("KWD", 1.234, 1234), ("EUR", 0.29, 29)]
)
def test_major_units_are_those_of_the_currency(
    shop: Shop, database: Database, currency: str, price: float, minor: int
):
    items = [{"item_id": "A", "price": price, "quantity": 1}]

    shop.client.post("/v1/events", json=an_event(items=items, currency=currency))

    assert lines(database) == [("A", 1.0, minor, 0)]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (
            {"items": [{"item_id": "A"}], "lines": [{"item_id": "A", "quantity": 1}]},
            "items",
        ),
        (
            {"items": [{"item_id": "A"}], "order_id": "o1", "transaction_id": "o2"},
            "transaction_id",
        ),
        ({"items": [{"item_name": "Socks"}]}, "items[0].item_id"),
        ({"items": [{"item_id": "A", "price": "free"}]}, "items[0].price"),
        ({"items": [{"item_id": "A", "price": 1, "discount": -1}]}, "items[0].discount"),
        ({"items": []}, "lines"),
    ],
)
def test_what_cannot_be_meant_is_refused(shop: Shop, fields: dict[str, Any], field: str):
    answer = shop.client.post("/v1/events", json=an_event(**fields))

    assert (answer.status_code, answer.json["field"]) == (400, field)


def test_the_measurement_protocol_is_taken(shop: Shop, database: Database):
    collect(
        shop,
        {"name": "purchase", "params": SOCKS},
        {"name": "view_item", "params": TEE},
        {"name": "tutorial_begin", "params": {"step": 1}},
        timestamp_micros=str(MICROS),
    )

    found = logged(database)
    assert [(e.type, e.customer_id, e.anonymous_id, e.occurred_ms) for e in found] == [
        (kind, "ann", "c.1", MICROS // 1000) for kind in ("purchase", "view_item", "custom")
    ]
    assert json.loads(found[0].properties) == {"coupon": "socksSale", "value": 12.0}
    assert json.loads(found[2].properties) == {"name": "tutorial_begin", "properties": {"step": 1}}
    assert shop.client.get("/v1/customers/ann/profile").json["revenue"] == 1200


def test_the_same_told_again_counts_once(shop: Shop, database: Database):
    later = MICROS + 1_000_000
    for micros in (MICROS, later):
        collect(shop, {"name": "purchase", "params": SOCKS}, timestamp_micros=micros)
    for _ in range(2):
        collect(shop, {"name": "view_item", "params": TEE}, timestamp_micros=MICROS)

    assert [event.type for event in logged(database)] == ["purchase", "view_item"]


def test_two_equal_events_without_a_time_are_two(shop: Shop, database: Database):
    for _ in range(2):
        collect(shop, {"name": "view_item", "params": TEE})

    assert len(logged(database)) == 2


def test_a_partial_refund_takes_back_what_the_order_took(shop: Shop):
    collect(shop, {"name": "purchase", "params": SOCKS})

    back = {"transaction_id": "T_12345", "items": [{"item_id": "SKU_12345", "quantity": 1}]}
    collect(shop, {"name": "refund", "params": back})

    profile = shop.client.get("/v1/customers/ann/profile").json
    assert (profile["units"], profile["revenue"]) == (2, 800)


def test_what_is_refused_is_kept_with_the_reason(shop: Shop, database: Database):
    collect(
        shop,
        {"name": "purchase", "params": {"transaction_id": "T1", "items": 7}},
        {"params": {}},
        {"name": "view_item", "params": {"items": [{"item_id": "A", "price": "free"}]}},
        {"name": "view_item", "params": {"items": [{"item_id": "A"}]}},
    )

    assert len(logged(database)) == 1
    kept = shop.services.clients.rejects.latest(limit=9)
    assert sorted(each.field for each in kept) == ["items[0].price", "name", "params.items"]


def test_a_page_of_another_site_cannot_send_text(shop: Shop):
    answer = shop.client.post("/mp/collect", data="{}", headers={"Origin": "https://evil.example"})

    assert answer.status_code == 415


def test_history_is_no_robots(shop: Shop, database: Database):
    views = [
        {
            "event_id": f"e{n}",
            "type": "view_item",
            "customer_id": "ann",
            "occurred_at": "2020-01-01T00:00:00Z",
        }
        for n in range(300)
    ]

    shop.client.post("/v1/events?backfill=true", json={"events": views[:150]})
    shop.client.post("/v1/events", json={"events": [{**v, "backfill": True} for v in views[150:]]})

    assert {event.properties for event in logged(database)} == {None}


def test_what_is_too_fast_for_a_person_is_marked_and_an_order_is_not(
    shop: Shop, database: Database
):
    views = [{"event_id": f"e{n}", "type": "view_item", "customer_id": "ann"} for n in range(130)]
    order = an_event(event_id="order", lines=[{"item_id": "A", "quantity": 1}])

    shop.client.post("/v1/events", json={"events": [*views, order]})

    marked = [event.event_id for event in logged(database) if event.properties]
    assert marked == [f"e{n}" for n in range(120, 130)]
