"""Who wants an item, over HTTP and on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api import audience
from engine.store.database import Database
from tests.fakes import Shop, a_shop

TEA = [{"item_id": each, "category": "tea"} for each in ("C", "D", "X")]


@pytest.fixture
def shop(database: Database) -> Iterator[Shop]:
    with a_shop(database) as opened:
        yield opened


def wanting(shop: Shop, item_id: str, **query: object) -> list[tuple[str, str]]:
    answer = shop.client.get(f"/v1/items/{item_id}/audience", query_string=query)
    assert answer.status_code == 200, answer.text
    return [(each["customer_id"], each["reason"]["code"]) for each in answer.json["customers"]]


def deny(shop: Shop, customer_id: str) -> None:
    said = {"purpose": "personalization", "granted": False}
    event = {"event_id": f"no-{customer_id}", "type": "consent", "customer_id": customer_id}
    answer = shop.client.post("/v1/events", json={**event, "properties": said})
    assert answer.status_code == 200, answer.text


def test_buyers_come_first_then_buyers_of_its_like_then_those_who_like_its_category(shop: Shop):
    shop.client.put("/v1/items", json={"items": [{"item_id": "F", "category": "tea"}, *TEA]})
    shop.buy("nearby", "A", "e1")
    shop.buy("buyer", "F", "e2")
    shop.buy("liker", "C", "e3")
    shop.buy("stranger", "B", "e4")

    answer = shop.client.get("/v1/items/F/audience").json

    assert [each["reason"] for each in answer["customers"]] == [
        {"code": "buy_again"},
        {"code": "because_you_bought", "item_id": "A"},
        {"code": "likes_category"},
    ]
    assert [each["customer_id"] for each in answer["customers"]] == ["buyer", "nearby", "liker"]
    assert [each["rank"] for each in answer["customers"]] == [1, 2, 3]
    assert (answer["model_version"], answer["fallback_reason"]) == ("m1", None)
    assert answer["candidates"] == 3


def test_the_score_is_what_the_scorers_say_in_their_own_units(shop: Shop):
    shop.buy("ann", "A", "e1")
    shop.buy("ann", "F", "e2")

    wants = shop.client.get("/v1/items/F/audience").json["customers"]

    # Bought once just now, and beside A, to which F is as near as can be, a fifth of that.
    assert [each["score"] for each in wants] == [pytest.approx(1.2)]


def test_equal_scores_stand_by_customer_id(shop: Shop):
    for name in ("bob", "ann", "cat"):
        shop.buy(name, "F", f"e-{name}")

    assert [name for name, _ in wanting(shop, "F")] == ["ann", "bob", "cat"]
    assert [name for name, _ in wanting(shop, "F", limit=2)] == ["ann", "bob"]


def test_who_does_not_want_personal_service_is_left_out(shop: Shop):
    shop.buy("ann", "F", "e1")
    shop.buy("bob", "F", "e2")

    deny(shop, "ann")

    assert wanting(shop, "F") == [("bob", "buy_again")]


def test_a_refund_takes_the_customer_out_of_the_reason_at_once(shop: Shop):
    shop.buy("ann", "F", "e1")
    refund = {"event_id": "r", "type": "refund", "customer_id": "ann", "order_id": "order-e1"}

    shop.client.post("/v1/events", json=refund)

    assert ("ann", "buy_again") not in wanting(shop, "F")


def test_an_item_the_model_does_not_know_goes_to_those_who_like_its_category(shop: Shop):
    shop.client.put("/v1/items", json={"items": TEA})
    shop.buy("often", "C", "e1")
    shop.buy("often", "C", "e2")
    shop.buy("once", "C", "e3")
    shop.buy("never", "A", "e4")
    shop.buy("already", "X", "e5")

    answer = shop.client.get("/v1/items/X/audience").json

    assert answer["fallback_reason"] == "unknown_item"
    assert [(each["customer_id"], each["reason"]["code"]) for each in answer["customers"]] == [
        ("often", "likes_category"),
        ("already", "buy_again"),
        ("once", "likes_category"),
    ]


def test_before_there_is_a_model_the_category_decides(shop: Shop):
    shop.client.put("/v1/items", json={"items": TEA})
    shop.buy("ann", "C", "e1")
    shop.services.models._recommender = None

    answer = shop.client.get("/v1/items/D/audience").json

    assert (answer["model_version"], answer["fallback_reason"]) == (None, "no_model")
    assert [each["customer_id"] for each in answer["customers"]] == ["ann"]


def test_an_item_without_buyers_and_category_has_no_audience(shop: Shop):
    shop.client.put("/v1/items", json={"item_id": "new"})

    assert wanting(shop, "A") == []
    assert wanting(shop, "new") == []


def test_an_item_that_nobody_described_or_bought_is_404(shop: Shop):
    answer = shop.client.get("/v1/items/nothing/audience")

    assert answer.status_code == 404
    assert answer.json["type"] == "/docs#item-unknown"


def test_an_audience_needs_the_database(shop: Shop):
    shop.database_up(False)

    assert shop.client.get("/v1/items/F/audience").status_code == 503


def test_what_one_answer_may_cost_is_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    for number in range(12):
        shop.buy(f"c{number:02d}", "F", f"e{number}")
    # Six items: two customers.
    monkeypatch.setattr(audience, "MOST_SCORES", 12)
    few = shop.client.get("/v1/items/F/audience").json
    monkeypatch.setattr(audience, "MOST_SCORES", 10**6)
    monkeypatch.setattr(audience, "MOST_STATE_BYTES", 1)
    monkeypatch.setattr(audience, "LEAST", 4)
    least = shop.client.get("/v1/items/F/audience").json
    monkeypatch.setattr(audience, "MOST_STATE_BYTES", 10**6)
    monkeypatch.setattr(audience, "PAGE", 5)
    paged = shop.client.get("/v1/items/F/audience?limit=100").json

    assert (few["candidates"], least["candidates"], paged["candidates"]) == (2, 4, 12)
