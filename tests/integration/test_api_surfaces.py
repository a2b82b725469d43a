"""Every door to a list over HTTP: placements, items, baskets, sessions, segments, control."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest

from engine.domain.assortment import Assortment
from engine.domain.ids import IdTable
from engine.models.goals import Goal
from engine.models.item_statistics import ItemStatistics
from engine.models.model import Model, Ranking
from engine.recommend.control.config import Boost, Control, Pin
from engine.recommend.recommender import Recommender
from tests.fakes import ITEMS, NOW, Shop, a_model

CUSTOMER = "/v1/customers/ann"
BASKET = "/v1/basket/recommendations"
SESSION = "/v1/sessions/recommendations"
RERANK = "/v1/rerank"


def items_of(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json["items"]]


def reasons_of(answer: Any) -> list[dict[str, str]]:
    return [item["reasons"][0] for item in answer.json["items"]]


def with_categories(model: Model) -> Model:
    """A, B and C are tea, D, E and F are coffee."""
    tables = Assortment.unknown(6)
    category = np.asarray([0, 0, 0, 1, 1, 1], dtype=np.int32)
    return replace(
        model, assortment=replace(tables, category=category, categories=IdTable(["tea", "coffee"]))
    )


def with_orders(model: Model, orders: list[int]) -> Model:
    """The items were in so many orders, each of another customer."""
    ones = np.ones(6, dtype=np.float32)
    times = np.zeros(6, dtype=np.int64)
    statistics = ItemStatistics(
        half_lives=(30.0,),
        popularity=ones[:, None],
        buyers=np.asarray(orders, dtype=np.float32),
        repeat_rate=ones,
        orders_per_buyer=ones,
        gap_days=ones,
        price=ones,
        first_at=times,
        last_at=times,
        category_share=ones,
        category_repeat_rate=ones,
        kind_share=ones,
        discovered=ones[:, None],
        discount=ones[:, None],
    )
    return replace(model, ranking=Ranking(statistics, horizon_days=28.0))


def serve(shop: Shop, model: Model, control: Control) -> None:
    """Make a model serve under a control."""
    shop.services.models._build = partial(Recommender, cooldown=timedelta(0), control=control)
    shop.publish(model)


def test_discover_holds_what_the_customer_never_bought(shop: Shop):
    shop.buy("ann", "A", "e1")

    door = shop.client.get(f"{CUSTOMER}/discover")
    placed = shop.client.get(f"{CUSTOMER}/recommendations?placement=discover")

    assert items_of(door) == items_of(placed) == ["F", "B", "C", "D", "E"]
    assert reasons_of(door)[0] == {"code": "because_you_bought", "item_id": "A"}
    assert door.json["placement"] == placed.json["placement"] == "discover"


def test_buy_again_holds_only_what_the_customer_bought(shop: Shop):
    shop.buy("ann", "E", "e1")
    shop.buy("ann", "D", "e2")
    shop.buy("ann", "D", "e3")

    door = shop.client.get(f"{CUSTOMER}/buy-again")
    placed = shop.client.get(f"{CUSTOMER}/recommendations?placement=buy_again")

    assert items_of(door) == items_of(placed) == ["D", "E"]
    assert [each["code"] for each in reasons_of(door)] == ["buy_again", "buy_again"]
    assert (door.json["requested"], door.json["returned"]) == (10, 2)


def test_a_door_decides_over_a_placement(shop: Shop):
    shop.buy("ann", "E", "e1")

    answer = shop.client.get(f"{CUSTOMER}/buy-again?placement=discover")

    assert items_of(answer) == ["E"]
    assert answer.json["placement"] == "discover"


def test_who_bought_nothing_has_nothing_to_buy_again(shop: Shop):
    answer = shop.client.get(f"{CUSTOMER}/buy-again")

    assert items_of(answer) == []
    assert answer.json["fallback_reason"] == "unknown_customer"


@pytest.mark.parametrize("missing", ["model", "database"])
def test_popular_items_are_nothing_to_buy_again(shop: Shop, missing: str):
    shop.buy("ann", "E", "e1")
    if missing == "model":
        shop.services.models._recommender = None
    else:
        shop.database_up(False)

    assert items_of(shop.client.get(f"{CUSTOMER}/buy-again")) == []
    assert items_of(shop.client.get(f"{CUSTOMER}/discover"))


def test_home_discover_and_buy_again_are_cached_apart(shop: Shop):
    shop.buy("ann", "E", "e1")
    doors = ("recommendations", "discover", "buy-again")

    first = [items_of(shop.client.get(f"{CUSTOMER}/{door}")) for door in doors]
    second = [shop.client.get(f"{CUSTOMER}/{door}") for door in doors]

    assert [items_of(each) for each in second] == first
    assert {each.json["served_by"] for each in second} == {"cache"}
    assert len({tuple(each) for each in first}) == 3


def test_without_sessions_bought_together_is_popular_and_says_so(shop: Shop):
    answer = shop.client.get("/v1/items/A/bought-together")

    assert items_of(answer) == ["B", "C", "D", "E", "F"]
    assert answer.json["fallback_reason"] == "unknown_item"


def test_what_goes_with_a_basket_comes_first_and_nothing_of_it_comes_back(shop: Shop):
    answer = shop.client.post(BASKET, json={"items": ["B", "A"]})

    assert items_of(answer) == ["F", "C", "D", "E"]
    assert reasons_of(answer)[0] == {"code": "bought_together", "item_id": "A"}
    assert reasons_of(answer)[1] == {"code": "popular"}
    assert (answer.json["customer_id"], answer.json["placement"]) == (None, "basket")
    assert answer.json["served_by"] == "model"
    assert answer.json["dropped"] == {"in_basket": 2}
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_known_customers_basket_is_completed_with_their_habits_too(shop: Shop):
    for number in range(3):
        shop.buy("ann", "E", f"e{number}")

    answer = shop.client.post(BASKET, json={"customer_id": "ann", "items": ["A"], "limit": 2})

    assert set(items_of(answer)) == {"F", "E"}
    reasons = dict(zip(items_of(answer), reasons_of(answer), strict=True))
    assert reasons["F"] == {"code": "bought_together", "item_id": "A"}
    assert reasons["E"] == {"code": "buy_again"}
    assert answer.json["customer_id"] == "ann"


def test_an_unknown_customers_basket_is_anybodys(shop: Shop):
    unknown = shop.client.post(BASKET, json={"customer_id": "nobody", "items": ["A"]})
    anonymous = shop.client.post(BASKET, json={"items": ["A"]})

    assert items_of(unknown) == items_of(anonymous)
    assert unknown.json["fallback_reason"] is None
    assert unknown.json["customer_id"] == "nobody"


@pytest.mark.parametrize("items", [[], ["nothing"]])
def test_a_basket_of_strangers_is_labelled(shop: Shop, items: list[str]):
    shop.buy("ann", "E", "e1")

    anonymous = shop.client.post(BASKET, json={"items": items})
    known = shop.client.post(BASKET, json={"items": items, "customer_id": "ann"})

    assert items_of(anonymous)[0] == "A"
    assert items_of(known)[0] == "E"
    assert (anonymous.json["served_by"], known.json["served_by"]) == ("popular", "model")
    for answer in (anonymous, known):
        assert answer.json["fallback_reason"] == "unknown_basket"


def test_what_a_visitor_looked_at_leads_to_its_like(shop: Shop):
    answer = shop.client.post(SESSION, json={"items": ["F"], "limit": 2})

    assert items_of(answer) == ["A", "B"]
    assert reasons_of(answer)[0] == {"code": "because_you_viewed", "item_id": "F"}
    assert answer.json["dropped"] == {"viewed": 1}
    assert answer.json["placement"] == "session"


def test_what_was_looked_at_is_counted_as_such(shop: Shop):
    answer = shop.client.post(SESSION, json={"items": ["A", "B"]})

    assert not {"A", "B"} & set(items_of(answer))
    assert answer.json["dropped"] == {"viewed": 2}


@pytest.mark.parametrize("path", [BASKET, SESSION])
def test_the_rules_hold_for_what_is_in_hand(shop: Shop, path: str):
    shop.client.put("/v1/items", json={"item_id": "F", "available": False})
    tea = [{"item_id": each, "category": "tea"} for each in ("D", "E")]
    shop.client.put("/v1/items", json={"items": tea})
    body = {"items": ["A"], "exclude_item_ids": ["B"], "category": "tea"}

    loose = shop.client.post(path, json=body)
    strict = shop.client.post(path, json={**body, "strict_filtering": True})

    assert items_of(loose) == ["D", "E", "C"]
    assert loose.json["dropped"]["unavailable"] == loose.json["dropped"]["excluded"] == 1
    assert items_of(strict) == ["D", "E"]


@pytest.mark.parametrize("missing", ["model", "database"])
def test_baskets_sessions_and_choices_are_answered_whatever_is_missing(shop: Shop, missing: str):
    shop.buy("ann", "E", "e1")
    if missing == "model":
        shop.services.models._recommender = None
    else:
        shop.database_up(False)

    basket = shop.client.post(BASKET, json={"items": ["A"], "customer_id": "ann"})
    session = shop.client.post(SESSION, json={"items": ["A"]})
    choice = shop.client.post(RERANK, json={"customer_id": "ann", "items": ["X", "E"]})

    reason = {"model": "no_model", "database": "store_unavailable"}[missing]
    assert basket.json["fallback_reason"] == choice.json["fallback_reason"] == reason
    assert items_of(choice) == ["E", "X"]
    assert "A" not in items_of(basket) + items_of(session)


def test_a_choice_comes_back_in_the_customers_order(shop: Shop):
    shop.buy("ann", "E", "e1")

    answer = shop.client.post(
        RERANK, json={"customer_id": "ann", "items": ["X", "D", "B", "E", "D"]}
    )

    assert items_of(answer) == ["E", "B", "D", "X"]
    assert [item["rank"] for item in answer.json["items"]] == [1, 2, 3, 4]
    assert answer.json["items"][-1]["source"] == "given"
    scores = [item["score"] for item in answer.json["items"]]
    assert scores == sorted(scores, reverse=True)
    assert answer.json["requested"] == 100


def test_of_a_choice_only_what_may_be_shown_comes_back(shop: Shop):
    for each in ("X", "B"):
        shop.client.put("/v1/items", json={"item_id": each, "available": False})
    body = {"customer_id": "ann", "items": ["X", "B", "C", "Y", "Z"], "exclude_item_ids": ["Y"]}

    answer = shop.client.post(RERANK, json=body)

    assert items_of(answer) == ["C", "Z"]
    assert answer.json["dropped"] == {"unavailable": 2, "excluded": 1}
    assert answer.json["fallback_reason"] == "unknown_customer"


def test_a_choice_of_a_category_is_strictly_of_it(shop: Shop):
    tea = [{"item_id": each, "category": "tea"} for each in ("D", "X")]
    shop.client.put("/v1/items", json={"items": tea})
    body = {"customer_id": "ann", "items": ["A", "D", "X", "Y"], "category": "tea"}

    assert items_of(shop.client.post(RERANK, json=body)) == ["D", "A", "X", "Y"]
    strict = shop.client.post(RERANK, json={**body, "strict_filtering": True})
    assert items_of(strict) == ["D", "X"]


def make_segment(shop: Shop, name: str, plan: str) -> None:
    condition = {"attribute": "plan", "is": plan}
    answer = shop.client.put(f"/v1/segments/{name}", json={"title": "x", "condition": condition})
    assert answer.status_code == 200, answer.text


def identify(shop: Shop, customer_id: str, plan: str) -> None:
    event = {
        "event_id": f"i-{customer_id}",
        "type": "identify",
        "customer_id": customer_id,
        "properties": {"traits": {"plan": plan}},
    }
    assert shop.client.post("/v1/events", json=event).status_code == 200


def test_a_segment_has_its_own_best_sellers(shop: Shop):
    make_segment(shop, "gold", "gold")
    for number in range(20):
        identify(shop, f"c{number}", "gold" if number < 10 else "silver")
        for order in range(12):
            shop.buy(f"c{number}", "F" if number < 10 else "E", f"e{number}-{order}")

    own = shop.client.get("/v1/items/popular?segment=gold")
    overall = shop.client.get("/v1/items/popular")

    # 120 lines of F in the segment against 100 drawn from the shop's 6 : 5 : 4 : 3 : 2 : 1.
    assert items_of(own)[:2] == ["F", "A"]
    assert items_of(overall)[0] == "A"
    assert own.json["fallback_reason"] is None


def test_an_empty_segment_is_labelled_and_an_unknown_one_is_404(shop: Shop):
    make_segment(shop, "gold", "gold")

    empty = shop.client.get("/v1/items/popular?segment=gold")
    unknown = shop.client.get("/v1/items/popular?segment=nothing")

    assert items_of(empty)[0] == "A"
    assert empty.json["fallback_reason"] == "empty_segment"
    assert unknown.status_code == 404


def test_a_segment_without_a_database_is_everybody(shop: Shop):
    make_segment(shop, "gold", "gold")
    shop.database_up(False)

    answer = shop.client.get("/v1/items/popular?segment=gold")

    assert items_of(answer)[0] == "A"
    assert answer.json["fallback_reason"] == "store_unavailable"


def test_a_newcomer_sees_first_what_they_said_they_like(shop: Shop):
    tea = [{"item_id": each, "category": "tea"} for each in ("D", "E")]
    shop.client.put("/v1/items", json={"items": tea})
    liked = {
        "event_id": "p1",
        "type": "preference",
        "customer_id": "ann",
        "properties": {"topic": "tea", "value": "like"},
    }
    shop.client.post("/v1/events", json=liked)

    answer = shop.client.get(f"{CUSTOMER}/recommendations")

    assert items_of(answer) == ["D", "E", "A", "B", "C", "F"]
    assert [each["code"] for each in reasons_of(answer)[:3]] == [
        "likes_category",
        "likes_category",
        "popular",
    ]
    assert answer.json["fallback_reason"] == "unknown_customer"
    assert answer.json["served_by"] == "popular"


def test_a_newcomer_sees_what_sells_in_their_segment(shop: Shop):
    make_segment(shop, "gold", "gold")
    identify(shop, "ann", "gold")
    identify(shop, "bob", "gold")
    for number in range(200):
        shop.buy("bob", "F", f"e{number}")

    answer = shop.client.get(f"{CUSTOMER}/recommendations")

    assert items_of(answer)[0] == "F"
    assert answer.json["fallback_reason"] == "unknown_customer"


def test_a_request_may_ask_for_variety(shop: Shop):
    shop.publish(with_categories(a_model("m2")))

    plain = shop.client.get("/v1/items/popular?limit=4")
    capped = shop.client.get("/v1/items/popular?limit=4&category_cap=2")
    posted = shop.client.post(SESSION, json={"items": ["C"], "limit": 3, "category_cap": 1})

    assert items_of(plain) == ["A", "B", "C", "D"]
    assert items_of(capped) == ["A", "B", "D", "E"]
    assert capped.json["items"][2]["rule"] == "capped"
    assert "rule" not in capped.json["items"][0]
    assert items_of(posted)[:2] == ["A", "D"]


def test_another_wish_is_another_cached_list(shop: Shop):
    shop.publish(with_categories(a_model("m2")))
    shop.buy("ann", "A", "e1")

    plain, capped = shop.items("ann", limit=4), shop.items("ann", limit=4, category_cap=2)

    assert (plain, capped) == (["A", "F", "B", "C"], ["A", "F", "B", "D"])
    assert shop.items("ann", limit=4) == plain
    assert shop.items("ann", limit=4, category_cap=2) == capped


def test_pins_and_boosts_of_the_shop_hold_in_every_personal_list(shop: Shop):
    pin = Pin(item_id="D", place=1)
    serve(shop, with_categories(a_model("m2")), Control(pins=(pin,)))
    shop.buy("ann", "A", "e1")

    home = shop.client.get(f"{CUSTOMER}/recommendations")
    popular = shop.client.get("/v1/items/popular")
    basket = shop.client.post(BASKET, json={"items": ["A"]})

    for answer in (home, popular, basket):
        assert items_of(answer)[0] == "D"
        assert answer.json["items"][0]["rule"] == "pinned"


def test_a_pin_ends_in_cached_lists_too(shop: Shop):
    ended = Pin(item_id="D", place=1, until=NOW + timedelta(minutes=5))
    serve(shop, a_model("m2"), Control(pins=(ended,)))
    shop.buy("ann", "A", "e1")
    before = shop.items("ann")

    object.__setattr__(shop.services.lists, "clock", lambda: NOW + timedelta(minutes=6))

    assert before[0] == "D"
    assert shop.items("ann")[0] != "D"


def test_exploration_is_told_and_logged_with_its_propensity(
    shop: Shop, caplog: pytest.LogCaptureFixture
):
    model = with_orders(with_categories(a_model("m2")), [90, 80, 70, 60, 1, 1])
    serve(shop, model, Control(exploration_share=0.5))
    shop.buy("ann", "A", "e1")

    with caplog.at_level(logging.INFO, logger="api"):
        answer = shop.client.get(f"{CUSTOMER}/recommendations?limit=4")

    explored = [item for item in answer.json["items"] if item.get("rule") == "explored"]
    assert {item["item_id"] for item in explored} <= {"E", "F"}
    assert explored
    for item in explored:
        assert 0 < item["propensity"] < 1
        told = f"{answer.json['recommendation_id']} explores item_id={item['item_id']}"
        assert told in caplog.text


def test_a_boost_lifts_what_it_names(shop: Shop):
    serve(shop, a_model("m2"), Control(boosts=(Boost(item_id="D", add=1.0),)))

    answer = shop.client.get("/v1/items/popular")

    assert items_of(answer)[0] == "D"
    assert answer.json["items"][0]["rule"] == "boosted"


def test_the_model_of_these_tests_has_a_blend_for_any_goal():
    assert set(a_model().blends) == {Goal.ANY}
    assert len(ITEMS) == 6
