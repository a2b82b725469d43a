"""Segment's tracking API: what its documentation says, on a real database."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.segment.names import type_of
from engine.domain.events import EventType
from engine.store.database import Database
from engine.store.tables import event_lines, events
from tests.fakes import NOW, Shop, a_shop

SENT = NOW.isoformat()
# The example of the documentation of Segment's e-commerce events, but for the ids.
ORDER_COMPLETED = {
    "type": "track",
    "messageId": "m1",
    "userId": "ann",
    "event": "Order Completed",
    "timestamp": SENT,
    "properties": {
        "checkout_id": "fksdjfsdjfisjf9sdfjsd9f",
        "order_id": "50314b8e9bcf000000000000",
        "affiliation": "Google Store",
        "total": 27.50,
        "subtotal": 22.50,
        "revenue": 25.00,
        "shipping": 3,
        "tax": 2,
        "discount": 2.5,
        "coupon": "hasbros",
        "currency": "USD",
        "products": [
            {
                "product_id": "507f1f77bcf86cd799439011",
                "sku": "45790-32",
                "name": "Monopoly: 3rd Edition",
                "price": 19,
                "quantity": 1,
                "category": "Games",
            },
            {
                "product_id": "505bd76785ebb509fc183733",
                "sku": "46493-32",
                "name": "Uno Card Game",
                "price": 3,
                "quantity": 2,
                "category": "Games",
            },
        ],
    },
}


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database.open(sqlite_url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def shop(database: Database) -> Iterator[Shop]:
    with a_shop(database, max_body_bytes=100_000) as opened:
        yield opened


def logged(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(events).order_by(events.c.seq)))


def lines(database: Database) -> list[tuple[Any, ...]]:
    own = event_lines.c
    asked = select(own.item_id, own.quantity, own.unit_price, own.discount).order_by(
        own.event_seq, own.line_no
    )
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(asked)]


def send(shop: Shop, *calls: dict[str, Any], **more: Any) -> None:
    answer = shop.client.post("/v1/batch", json={"batch": list(calls), **more})
    assert (answer.status_code, answer.json) == (200, {"success": True})


def a_track(event: str, message_id: str = "m1", **properties: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": message_id,
        "userId": "ann",
        "event": event,
        "timestamp": SENT,
        "properties": properties,
    }


def test_the_documented_order_is_worth_what_its_subtotal_says(shop: Shop, database: Database):
    send(shop, ORDER_COMPLETED)

    profile = shop.client.get("/v1/customers/ann/profile").json
    # 19.00 and 2 x 3.00 less 2.50, shared as 19 to 6: 22.50 is the subtotal after discounts.
    assert (profile["orders"], profile["units"], profile["revenue"]) == (1, 3, 2250)
    assert lines(database) == [
        ("507f1f77bcf86cd799439011", 1.0, 1900, 190),
        ("505bd76785ebb509fc183733", 2.0, 300, 60),
    ]
    (event,) = logged(database)
    assert (event.event_id, event.type, event.currency) == ("m1", "purchase", "USD")
    assert event.order_id == "50314b8e9bcf000000000000"
    assert json.loads(event.properties)["coupon"] == "hasbros"


def test_amounts_without_a_currency_are_in_the_shops(shop: Shop, database: Database):
    order = {"order_id": "o1", "products": [{"product_id": "tea", "price": 300}]}
    send(shop, a_track("Order Completed", "m1", **order, currency="JPY"))

    send(shop, a_track("Product Viewed", "m2", product_id="tea", price=300))

    assert lines(database) == [("tea", 1.0, 300, 0), ("tea", None, 300, 0)]


def test_a_call_sent_again_with_a_later_time_of_sending_counts_once(shop: Shop, database: Database):
    later = (NOW + timedelta(seconds=30)).isoformat()

    send(shop, ORDER_COMPLETED, sentAt=SENT)
    send(shop, ORDER_COMPLETED, sentAt=later)

    assert len(logged(database)) == 1
    assert shop.services.clients.rejects.latest(limit=9) == []


def test_a_wrong_clock_is_put_right_by_the_time_of_sending(shop: Shop, database: Database):
    # The sender's clock is two hours ahead: it says that it sent at 14:00 what we got at noon.
    ahead = NOW + timedelta(hours=2)
    call = a_track("Product Viewed", product_id="tea")
    call["timestamp"] = (ahead - timedelta(minutes=5)).isoformat()

    send(shop, call, sentAt=ahead.isoformat())

    (event,) = logged(database)
    assert datetime.fromtimestamp(event.occurred_ms / 1000, UTC) == NOW - timedelta(minutes=5)


@pytest.mark.parametrize("form", ["track", "t"])
def test_one_call_may_come_alone(shop: Shop, database: Database, form: str):
    call = {key: value for key, value in ORDER_COMPLETED.items() if key != "type"}

    answer = shop.client.post(f"/v1/{form}", json=call)

    assert (answer.status_code, answer.json) == (200, {"success": True})
    assert [event.type for event in logged(database)] == ["purchase"]


def test_every_kind_of_call_is_kept_and_none_counts_as_another(shop: Shop, database: Database):
    anonymous = {"anonymousId": "a1", "timestamp": SENT}
    calls = {
        "identify": {"userId": "ann", "traits": {"plan": "gold"}, **anonymous},
        "page": {"name": "Home", "properties": {"url": "https://shop.example/"}, **anonymous},
        "screen": {"name": "Start", **anonymous},
        "group": {"groupId": "g1", "traits": {"name": "ACME"}, "userId": "ann"},
        "alias": {"userId": "bob", "previousId": "a2"},
        "track": {"event": "Warranty Registered", "userId": "ann", "properties": {"years": 3}},
    }

    for name, call in calls.items():
        answer = shop.client.post(f"/v1/{name}", json=call)
        assert answer.json == {"success": True}

    kept = [
        (each.type, each.customer_id, each.anonymous_id, json.loads(each.properties or "null"))
        for each in logged(database)
    ]
    page = {"name": "Home", "properties": {"url": "https://shop.example/"}}
    assert kept == [
        ("identify", "ann", "a1", {"traits": {"plan": "gold"}}),
        ("page_view", None, "a1", page),
        ("page_view", None, "a1", {"name": "Start"}),
        (
            "custom",
            "ann",
            None,
            {"name": "group", "properties": {"group_id": "g1", "traits": {"name": "ACME"}}},
        ),
        ("identify", "bob", "a2", None),
        ("custom", "ann", None, {"name": "Warranty Registered", "properties": {"years": 3}}),
    ]


@pytest.mark.parametrize(
    "told", [{"traits": {"city": "Taipei"}}, {"context": {"traits": {"city": "Taipei"}}}]
)
def test_traits_are_the_customers_attributes_wherever_a_client_tells_them(
    shop: Shop, told: dict[str, Any]
):
    send(shop, {"type": "identify", "messageId": "m1", "userId": "ann", **told})

    stored = shop.services.features.load("ann")
    assert stored is not None
    assert json.loads(stored.attributes) == {"city": "Taipei"}


def test_a_bad_call_keeps_no_other_out_and_is_kept_with_the_reason(shop: Shop, database: Database):
    send(
        shop,
        a_track("Product Viewed", "m1", product_id="tea"),
        a_track("Order Completed", "m2", order_id="o1"),
        {"type": "dance", "messageId": "m3", "userId": "ann"},
        {"type": "track", "event": "Product Viewed", "messageId": "m4"},
        17,
        a_track("Product Viewed", "m6", product_id="tea"),
    )

    assert [event.event_id for event in logged(database)] == ["m1", "m6"]
    kept = shop.services.clients.rejects.latest(limit=9)
    assert sorted(each.field for each in kept) == ["", "customer_id", "lines", "type"]
    assert {each.source for each in kept} == {"segment"}
    (order,) = [each for each in kept if each.field == "lines"]
    assert (json.loads(order.body)["messageId"], order.customer_id) == ("m2", "ann")


def test_a_cancelled_order_is_taken_back_as_a_whole(shop: Shop):
    send(shop, ORDER_COMPLETED)

    cancelled = {**ORDER_COMPLETED, "messageId": "m2", "event": "Order Cancelled"}
    send(shop, cancelled)

    profile = shop.client.get("/v1/customers/ann/profile").json
    assert (profile["orders"], profile["units"], profile["revenue"]) == (0, 0, 0)


def test_a_refund_of_some_products_leaves_the_others(shop: Shop):
    send(shop, ORDER_COMPLETED)

    uno = {"product_id": "505bd76785ebb509fc183733", "price": 3, "quantity": 1}
    order = ORDER_COMPLETED["properties"]["order_id"]  # type: ignore[index]
    send(shop, a_track("Order Refunded", "m2", order_id=order, products=[uno]))

    # 6.00 less 0.60 for two Uno: one of them is 2.70.
    profile = shop.client.get("/v1/customers/ann/profile").json
    assert (profile["units"], profile["revenue"]) == (2, 2250 - 270)


def test_packed_bodies_are_unpacked(shop: Shop, database: Database):
    body = gzip.compress(json.dumps({"batch": [ORDER_COMPLETED]}).encode())

    answer = shop.client.post(
        "/v1/batch",
        data=body,
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
    )

    assert (answer.status_code, len(logged(database))) == (200, 1)


@pytest.mark.parametrize(
    ("packed", "status"),
    [
        (gzip.compress(b" " * 10_000_000), 413),
        (gzip.compress(b'{"batch": []}')[:-9], 400),
        (b"no gzip", 400),
    ],
    ids=["a bomb", "cut off", "nothing packed"],
)
def test_what_cannot_be_unpacked_within_the_limit_is_refused(
    shop: Shop, packed: bytes, status: int
):
    answer = shop.client.post(
        "/v1/batch",
        data=packed,
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
    )

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("origin", "status"), [({}, 200), ({"Origin": "https://evil.example"}, 415)]
)
def test_a_server_need_not_say_what_it_sends_and_a_page_of_another_site_must(
    shop: Shop, origin: dict[str, str], status: int
):
    answer = shop.client.post(
        "/v1/track", data=json.dumps(ORDER_COMPLETED), headers=origin, content_type="text/plain"
    )

    assert answer.status_code == status


def test_a_declared_robot_is_marked_and_its_order_is_not(shop: Shop, database: Database):
    context = {"userAgent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}

    send(
        shop,
        {**a_track("Product Viewed", "m2", product_id="tea"), "context": context},
        {**ORDER_COMPLETED, "context": context},
    )

    marks = [json.loads(event.properties).get("bot") for event in logged(database)]
    assert marks == [True, None]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Products Searched", EventType.SEARCH),
        ("Product List Viewed", EventType.VIEW_ITEM_LIST),
        ("Product List Filtered", EventType.VIEW_ITEM_LIST),
        ("Product Clicked", EventType.SELECT_ITEM),
        ("product viewed", EventType.VIEW_ITEM),
        ("Product Added", EventType.ADD_TO_CART),
        ("Product Removed", EventType.REMOVE_FROM_CART),
        ("Cart Viewed", EventType.VIEW_CART),
        ("Checkout Started", EventType.BEGIN_CHECKOUT),
        ("Checkout Step Viewed", EventType.PAGE_VIEW),
        ("Payment Info Entered", EventType.ADD_PAYMENT_INFO),
        ("Order Completed", EventType.PURCHASE),
        ("Order Refunded", EventType.REFUND),
        ("Order Cancelled", EventType.REFUND),
        ("Order Updated", EventType.CUSTOM),
        ("Product Added to Wishlist", EventType.ADD_TO_WISHLIST),
        ("Wishlist Product Added to Cart", EventType.ADD_TO_CART),
        ("Product Reviewed", EventType.RATING),
        ("Promotion Viewed", EventType.CUSTOM),
        ("Product Shared", EventType.PAGE_VIEW),
    ],
)
def test_the_names_of_the_specification_have_their_types(name: str, kind: EventType):
    assert type_of(name) is kind
