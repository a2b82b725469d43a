"""Events, profiles and the catalogue over HTTP, on a real database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes import NOW, Shop

PURCHASE = {
    "event_id": "e1",
    "type": "purchase",
    "customer_id": "ann",
    "order_id": "o1",
    "occurred_at": "2026-03-01T10:00:00+01:00",
    "currency": "EUR",
    "lines": [{"item_id": "A", "quantity": 2, "unit_price": 250, "discount": 50}],
}


def test_a_purchase_sent_twice_counts_once(shop: Shop):
    first = shop.client.post("/v1/events", json=PURCHASE)
    second = shop.client.post("/v1/events", json=PURCHASE)
    profile = shop.client.get("/v1/customers/ann/profile").json

    assert (first.status_code, first.json["accepted"]) == (200, 1)
    assert (second.status_code, second.json["duplicate"]) == (200, 1)
    assert (profile["orders"], profile["units"], profile["revenue"]) == (1, 2, 450)


def test_an_id_used_again_for_something_else_conflicts(shop: Shop):
    shop.client.post("/v1/events", json=PURCHASE)

    answer = shop.client.post("/v1/events", json={**PURCHASE, "order_id": "o2"})

    assert answer.status_code == 409
    assert answer.json["type"] == "/docs#event-conflict"
    assert "e1" in answer.json["detail"]


def test_a_batch_is_answered_event_by_event(shop: Shop):
    broken = {"event_id": "e3", "type": "purchase", "lines": [{"item_id": 7}]}
    batch = [
        PURCHASE,
        PURCHASE,
        broken,
        {**PURCHASE, "order_id": "o2"},
        {**PURCHASE, "event_id": "e4", "lines": []},
        17,
        {**PURCHASE, "event_id": "e5", "type": "teleport"},
    ]

    answer = shop.client.post("/v1/events", json={"events": batch})

    assert answer.status_code == 200
    statuses = [result["status"] for result in answer.json["results"]]
    assert statuses == [
        "accepted",
        "duplicate",
        "rejected",
        "conflict",
        "rejected",
        "rejected",
        "rejected",
    ]
    assert [result["index"] for result in answer.json["results"]] == list(range(7))
    assert (answer.json["accepted"], answer.json["rejected"]) == (1, 4)
    fields = [result.get("field") for result in answer.json["results"]]
    assert fields == [None, None, "lines[0].item_id", "event_id", "lines", None, "type"]
    ids = [result["event_id"] for result in answer.json["results"]]
    assert ids == ["e1", "e1", "e3", "e1", "e4", None, "e5"]


def test_segment_names_are_stored_as_the_canonical_ones(shop: Shop):
    segment = {**PURCHASE, "type": "Order Completed"}

    first = shop.client.post("/v1/events", json=segment)
    second = shop.client.post("/v1/events", json=PURCHASE)

    assert first.json["accepted"] == 1
    assert second.json["duplicate"] == 1


def test_a_profile_shows_what_was_bought_and_how_the_customer_scores(shop: Shop):
    shop.client.post("/v1/events", json=PURCHASE)
    shop.buy("ann", "B", "e2", occurred_at=(NOW - timedelta(days=10)).isoformat())
    shop.buy("ann", "A", "e3", occurred_at=(NOW - timedelta(days=20)).isoformat())

    answer = shop.client.get("/v1/customers/ann/profile")

    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.json["first_order_at"] == "2026-02-10T12:00:00Z"
    assert answer.json["last_order_at"] == "2026-03-01T09:00:00Z"
    assert answer.json["revision"] == 3
    assert answer.json["items"] == [
        {"item_id": "A", "orders": 2, "units": 3.0, "last_bought_at": "2026-03-01T09:00:00Z"},
        {"item_id": "B", "orders": 1, "units": 1.0, "last_bought_at": "2026-02-20T12:00:00Z"},
    ]
    told = {name: each["value"] for name, each in answer.json["features"].items()}
    # One UTC day ago, three orders of together 14.50.
    assert (told["days_since_last"], told["orders_12m"], told["revenue_12m"]) == (1, 3, 1450)
    assert (told["rfm_r"], told["rfm_f"], answer.json["cuts_version"]) == (5, 3, "m1")
    assert told["rfm_code"] == int(f"{told['rfm_r']}{told['rfm_f']}{told['rfm_m']}")


def test_nobody_has_a_profile_before_their_first_event(shop: Shop):
    answer = shop.client.get("/v1/customers/ann/profile")

    assert answer.status_code == 404
    assert answer.json["type"] == "/docs#customer-unknown"


@pytest.mark.parametrize(
    "customer_id", ["a/b", "/a", "a/", "a//b", "a/profile", "a b", "é", "50%", "?", "#", "a+b", "."]
)
def test_ids_may_hold_what_addresses_use_themselves(shop: Shop, customer_id: str):
    encoded = "".join(f"%{byte:02X}" for byte in customer_id.encode())
    shop.buy(customer_id, "E", "e1")

    profile = shop.client.get(f"/v1/customers/{encoded}/profile")
    listed = shop.client.get(f"/v1/customers/{encoded}/recommendations")

    assert profile.json["customer_id"] == customer_id
    assert listed.json["customer_id"] == customer_id


def test_an_item_is_read_as_it_was_written(shop: Shop):
    item = {"item_id": "x/1", "title": "Tea", "price": 250, "tags": ["hot"], "attributes": {"a": 1}}

    stored = shop.client.put("/v1/items", json=item)
    patched = shop.client.put("/v1/items", json={"item_id": "x/1", "title": None, "brand": "B"})
    answer = shop.client.get("/v1/items/x%2F1")

    assert (stored.json["stored"], patched.json["stored"]) == (1, 1)
    assert patched.json["catalog_revision"] > stored.json["catalog_revision"]
    assert answer.json["title"] is None
    assert answer.json["brand"] == "B"
    assert (answer.json["price"], answer.json["tags"]) == (250, ["hot"])
    assert answer.json["attributes"] == {"a": 1}


def test_a_batch_of_items_with_a_wrong_one_stores_nothing_and_names_all_that_is_wrong(shop: Shop):
    items = [{"item_id": "x"}, {"item_id": "y", "price": -1}, {"item_id": "z", "colour": "red"}]

    answer = shop.client.put("/v1/items", json={"items": items})

    assert answer.status_code == 400
    assert [each["field"] for each in answer.json["errors"]] == [
        "items[1].price",
        "items[2].colour",
    ]
    assert shop.client.get("/v1/items/x").status_code == 404


def test_events_are_refused_with_the_time_to_wait_while_the_database_is_away(shop: Shop):
    shop.database_up(False)

    answers = [
        shop.client.post("/v1/events", json=PURCHASE),
        shop.client.put("/v1/items", json={"item_id": "A"}),
        shop.client.get("/v1/customers/ann/profile"),
        shop.client.get("/v1/items/A"),
    ]

    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
        # Where the database runs is nobody's business outside.
        assert "db.internal" not in answer.text


def test_readiness_names_the_part_that_is_missing(shop: Shop):
    ready = shop.client.get("/readyz")
    shop.cache.up = False
    degraded = shop.client.get("/readyz")
    shop.database_up(False)
    shop.services.models._recommender = None
    down = shop.client.get("/readyz")

    assert (ready.status_code, ready.json["status"]) == (200, "ready")
    assert (degraded.status_code, degraded.json["status"]) == (200, "degraded")
    assert degraded.json["parts"] == {
        "database": "ok",
        "cache": "unavailable",
        "model": "ok",
        "keys": "ok",
    }
    assert (down.status_code, down.json["status"]) == (503, "down")
    assert shop.client.get("/healthz").status_code == 200
