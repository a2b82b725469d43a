"""Lists over HTTP, on a real database with a real small model."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest

from api.budget import Budget, OutOfTime
from engine.store.database import Database
from tests.fakes import Shop, a_model, a_shop

RECOMMENDATIONS = "/v1/customers/ann/recommendations"


def test_an_unknown_customer_gets_popular_items_that_say_so(shop: Shop):
    answer = shop.client.get(RECOMMENDATIONS + "?limit=3")

    assert answer.status_code == 200
    assert [item["item_id"] for item in answer.json["items"]] == ["A", "B", "C"]
    assert [item["rank"] for item in answer.json["items"]] == [1, 2, 3]
    assert answer.json["customer_id"] == "ann"
    assert answer.json["served_by"] == "popular"
    assert answer.json["fallback_reason"] == "unknown_customer"
    assert answer.json["model_version"] == "m1"
    assert (answer.json["requested"], answer.json["returned"]) == (3, 3)


def test_the_first_purchase_shows_in_the_very_next_list(shop: Shop):
    before = shop.items("ann")
    shop.buy("ann", "E", "e1")
    answer = shop.client.get(RECOMMENDATIONS)

    assert before[0] == "A"
    assert answer.json["items"][0]["item_id"] == "E"
    assert answer.json["items"][0]["reasons"][0]["code"] == "buy_again"
    assert answer.json["served_by"] == "model"
    assert answer.json["fallback_reason"] is None


def test_each_purchase_shows_at_once_although_lists_are_cached(shop: Shop):
    shop.buy("ann", "E", "e1")
    shop.items("ann")
    shop.buy("ann", "F", "e2")
    shop.buy("ann", "F", "e3")

    assert shop.items("ann")[0] == "F"


def test_a_refund_takes_the_purchase_back_out_of_list_and_profile(shop: Shop):
    before = shop.items("ann")
    shop.buy("ann", "E", "e1")
    refund = {
        "event_id": "r1",
        "type": "refund",
        "customer_id": "ann",
        "order_id": "order-e1",
    }
    answer = shop.client.post("/v1/events", json=refund)
    profile = shop.client.get("/v1/customers/ann/profile").json

    assert answer.status_code == 200
    assert shop.items("ann") == before
    assert (profile["orders"], profile["revenue"], profile["items"]) == (0, 0, [])
    assert profile["features"]["orders"]["value"] is None
    assert "loyal" not in profile["segments"]


def test_the_second_answer_is_the_first_from_the_cache(shop: Shop):
    shop.buy("ann", "E", "e1")

    first = shop.client.get(RECOMMENDATIONS)
    second = shop.client.get(RECOMMENDATIONS)

    assert first.json["served_by"] == "model"
    assert second.json == {**first.json, "served_by": "cache"}
    assert dict(second.headers) | {"X-Request-ID": "", "Content-Length": ""} == dict(
        first.headers
    ) | {"X-Request-ID": "", "Content-Length": ""}


def test_another_request_is_another_list(shop: Shop):
    shop.buy("ann", "E", "e1")
    shop.items("ann")

    assert len(shop.items("ann", limit=2)) == 2
    assert "A" not in shop.items("ann", exclude_item_ids="A")
    assert shop.client.get(RECOMMENDATIONS + "?placement=cart").json["placement"] == "cart"


def test_an_unavailable_item_vanishes_at_once_from_a_cached_list(shop: Shop):
    shop.buy("ann", "E", "e1")
    assert "A" in shop.items("ann")

    answer = shop.client.put("/v1/items", json={"item_id": "A", "available": False})

    assert answer.status_code == 200
    assert "A" not in shop.items("ann")
    shop.client.put("/v1/items", json={"item_id": "A", "available": True})
    assert "A" in shop.items("ann")


@pytest.mark.parametrize("address", ["/v1/items/popular", "/v1/items/B/similar"])
def test_an_unavailable_item_is_in_no_list(shop: Shop, address: str):
    shop.client.put("/v1/items", json={"item_id": "A", "available": False})

    answer = shop.client.get(address)

    assert "A" not in {item["item_id"] for item in answer.json["items"]}
    assert answer.json["dropped"]["unavailable"] == 1


def test_a_category_comes_first_and_strictly_alone(shop: Shop):
    items = [{"item_id": each, "category": "tea"} for each in ("E", "F")]
    shop.client.put("/v1/items", json={"items": items})

    assert shop.items("ann", category="tea")[:2] == ["E", "F"]
    assert len(shop.items("ann", category="tea")) == 6
    assert shop.items("ann", category="tea", strict_filtering="true") == ["E", "F"]


def test_excluded_items_may_be_repeated_or_separated_by_commas(shop: Shop):
    repeated = shop.items("ann", exclude_item_ids=["A", "B"])
    separated = shop.items("ann", exclude_item_ids="A,B")

    assert repeated == separated == ["C", "D", "E", "F"]


def test_similar_items_say_what_they_are_similar_to(shop: Shop):
    answer = shop.client.get("/v1/items/F/similar?limit=2").json

    assert [item["item_id"] for item in answer["items"]] == ["A", "B"]
    assert answer["items"][0]["reasons"] == [{"code": "similar", "item_id": "F"}]
    assert answer["customer_id"] is None


def test_an_unknown_item_gets_popular_ones_that_say_so(shop: Shop):
    answer = shop.client.get("/v1/items/nothing/similar").json

    assert answer["fallback_reason"] == "unknown_item"
    assert answer["served_by"] == "popular"
    assert answer["items"][0]["item_id"] == "A"


def test_a_new_model_serves_the_next_request_past_the_cache(shop: Shop):
    shop.buy("ann", "E", "e1")
    shop.items("ann")

    shop.publish(a_model("m2", popular=(1, 2, 3, 4, 5, 60)))

    answer = shop.client.get(RECOMMENDATIONS).json
    assert (answer["model_version"], answer["served_by"]) == ("m2", "model")
    assert shop.client.get("/v1/items/popular").json["items"][0]["item_id"] == "F"


def test_a_broken_model_leaves_the_old_one_serving(shop: Shop):
    shop.models.current = "broken"
    shop.services.models.poll()

    assert shop.client.get("/v1/items/popular").json["model_version"] == "m1"


def test_without_a_database_lists_are_popular_and_say_why(shop: Shop):
    shop.buy("ann", "E", "e1")
    shop.database_up(False)

    answer = shop.client.get(RECOMMENDATIONS)

    assert answer.status_code == 200
    assert answer.json["fallback_reason"] == "store_unavailable"
    assert answer.json["served_by"] == "popular"
    assert answer.json["items"][0]["item_id"] == "A"


def test_without_a_database_what_was_unavailable_stays_out(shop: Shop):
    shop.client.put("/v1/items", json={"item_id": "A", "available": False})
    shop.items("ann")
    shop.database_up(False)

    assert "A" not in shop.items("ann")


def test_lists_are_personal_again_when_the_database_is_back(shop: Shop):
    shop.buy("ann", "E", "e1")
    shop.database_up(False)
    for _ in range(5):
        shop.items("ann")

    shop.database_up(True)

    assert shop.items("ann")[0] == "E"


def test_a_cached_list_outlives_the_database(shop: Shop):
    shop.buy("ann", "E", "e1")
    shop.items("ann")
    shop.database_up(False)

    assert shop.items("ann")[0] == "E"


def test_without_a_cache_every_list_is_computed(shop: Shop):
    shop.buy("ann", "E", "e1")
    shop.cache.up = False

    answers = [shop.client.get(RECOMMENDATIONS).json for _ in range(2)]

    assert [answer["served_by"] for answer in answers] == ["model", "model"]
    assert answers[0]["items"][0]["item_id"] == "E"


def test_events_and_items_are_taken_while_the_cache_is_away(shop: Shop):
    shop.cache.up = False

    shop.buy("ann", "E", "e1")
    answer = shop.client.put("/v1/items", json={"item_id": "A", "available": False})

    assert answer.status_code == 200
    assert shop.items("ann")[0] == "E"


def test_without_a_model_everyone_sees_best_sellers_within_the_rules(shop: Shop):
    shop.services.models._recommender = None
    for number, item in enumerate(("X", "Y", "X", "Z")):
        shop.buy(f"c{number}", item, f"e{number}")
    shop.client.put("/v1/items", json={"item_id": "Y", "available": False})

    personal = shop.client.get(RECOMMENDATIONS).json
    similar = shop.client.get("/v1/items/X/similar").json

    assert [item["item_id"] for item in personal["items"]] == ["X", "Z"]
    assert [item["item_id"] for item in similar["items"]] == ["Z"]
    assert personal["fallback_reason"] == similar["fallback_reason"] == "no_model"
    assert personal["model_version"] is None


def test_without_a_model_and_without_purchases_the_list_is_empty_and_says_why(shop: Shop):
    shop.services.models._recommender = None

    for address in (RECOMMENDATIONS, "/v1/items/popular", "/v1/items/A/similar"):
        answer = shop.client.get(address)

        assert answer.status_code == 200
        assert answer.json["items"] == []
        assert answer.json["fallback_reason"] == "no_model"
        assert answer.json["model_version"] is None


def test_a_list_computed_before_an_event_does_not_stay_after_a_cache_restart(shop: Shop):
    shop.buy("ann", "E", "e1")
    load = shop.customers._inner.load

    def load_then_buy(customer_id: str) -> object:
        # The purchase comes while the list is computed, and the cache that was told of it
        # restarts and remembers nothing.
        stored = load(customer_id)
        shop.customers._inner.load = load
        shop.buy("ann", "F", "e2")
        shop.buy("ann", "F", "e3")
        shop.cache._inner._customers.clear()
        return stored

    shop.customers._inner.load = load_then_buy
    late = shop.items("ann")

    assert late[0] == "E"
    assert shop.items("ann")[0] == "F"


def test_a_list_that_is_not_ready_in_time_is_plainer_and_without_what_just_sold_out(
    database: Database,
):
    budget, hold = Budget(timedelta(seconds=0.2), threads=1), threading.Event()
    with a_shop(database, budget=budget) as shop:
        before = shop.items("ann")
        # A connection of the thread's own takes longer than a glance, once.
        with suppress(OutOfTime):
            budget.glance(shop.services.catalog.revision)
        with pytest.raises(OutOfTime):
            budget.spend(hold.wait)
        shop.client.put("/v1/items", json={"items": [{"item_id": before[0], "available": False}]})
        answer = shop.client.get("/v1/customers/ben/recommendations")
        hold.set()

    assert (answer.status_code, answer.json["fallback_reason"]) == (200, "out_of_time")
    assert [item["item_id"] for item in answer.json["items"]] == before[1:]
