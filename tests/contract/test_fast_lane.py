"""The two lanes of a cached list: the same bytes and the same headers by either."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import Client, TestResponse

from api.door.door import Door
from api.door.fast_lane import FastLane, customer_of
from api.guard.caller import Caller
from api.wiring import behind_door
from engine.errors import StoreUnavailable
from engine.store.breaker import CircuitBreaker
from engine.store.database import Database
from engine.store.redis_cache import RedisListCache, connect
from tests.fakes import Shop, a_shop

IDS = ["ann", "Zoë 7", "東京", "a/b", "a/recommendations", "x%2Fy", "a?b", "'; --"]
QUERIES = [
    "",
    "limit=3",
    "placement=cart&limit=5",
    "placement=discover",
    "exclude_item_ids=A,B",
    "category=x",
]


@pytest.fixture
def shop(sqlite_url: str, valkey_url: str) -> Iterator[Shop]:
    database = Database.open(sqlite_url)
    database.upgrade()
    with connect(valkey_url, answer_seconds=10) as client:
        cache = RedisListCache(
            client,
            ttl=timedelta(hours=1),
            breaker=CircuitBreaker(),
            unchanged=lambda *asked: made.services.changes.unchanged(*asked),  # noqa: PLW0108 (made below)
        )
        with a_shop(database, cache=cache) as made:
            yield made
    database.close()


class NoLane(FastLane):
    """A lane that answers nothing: everything goes to Flask."""

    def answer(self, environ: object, caller: object) -> None:  # type: ignore[override]
        return None


def doors(shop: Shop) -> tuple[Client, Client, list[bool]]:
    """A client through the fast lane, one past it, and which answers of the first were fast."""
    door = behind_door(shop.services)
    fast: list[bool] = []
    answer = door._lane.answer

    def watched(environ: dict[str, object], caller: Caller) -> bytes | None:
        body = answer(environ, caller)
        fast.append(body is not None)
        return body

    door._lane.answer = watched  # type: ignore[method-assign]
    services = shop.services
    lane = NoLane(services.cache, services.models, clock=services.clock)
    slow = Door(door._inner, lane, door._events, guard=services.guard)
    return Client(door), Client(slow), fast


def address(customer_id: str, query: str) -> str:
    return f"/v1/customers/{quote(customer_id, safe='')}/recommendations?{query}"


def told(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    return answer.status_code, list(answer.headers), answer.data


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("customer_id", IDS)
def test_both_lanes_answer_alike(shop: Shop, customer_id: str, query: str):
    shop.buy(customer_id, "E", "e1")
    fast, slow, taken = doors(shop)
    headers = {"X-Request-ID": "r-1"}
    path = address(customer_id, query)

    computed, cached, by_flask = (
        told(each.get(path, headers=headers)) for each in (fast, fast, slow)
    )

    assert taken == [False, True]
    assert cached == by_flask
    assert b'"served_by":"cache"' in cached[2]
    assert cached[2] == computed[2].replace(b'"served_by":"model"', b'"served_by":"cache"')


@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", address("ann", "")),
        ("HEAD", address("ann", "")),
        ("GET", address("ann", "limit=0")),
        ("GET", address("ann", "limit=3&limit=3")),
        ("GET", address("ann", "nonsense=1")),
        ("GET", address("ann\n", "")),
        ("GET", address("x" * 201, "")),
        ("GET", "/v1/customers//recommendations"),
        ("GET", "/v1/customers/ann/recommendations/"),
        ("GET", "/v1/customers/ann/profile"),
        ("GET", "/nothing"),
    ],
)
def test_what_is_no_cached_list_goes_to_flask(shop: Shop, method: str, path: str):
    shop.buy("ann", "E", "e1")
    fast, slow, taken = doors(shop)
    fast.get(address("ann", ""))
    fast.get(address("ann", "limit=0"))
    del taken[:]
    headers = {"X-Request-ID": "r-1"}

    one, other = (each.open(path, method=method, headers=headers) for each in (fast, slow))

    assert told(one) == told(other)
    assert taken == [False]


def test_a_request_without_an_id_is_given_one_by_either_lane(shop: Shop):
    shop.buy("ann", "E", "e1")
    fast, _, _ = doors(shop)

    ids = [fast.get(address("ann", "")).headers["X-Request-ID"] for _ in range(3)]

    assert len(set(ids)) == 3
    assert all(len(each) == 32 for each in ids)


def test_the_lane_is_left_at_once_by_an_event_a_sale_out_and_a_new_model(shop: Shop):
    shop.buy("ann", "E", "e1")
    fast, _, taken = doors(shop)
    path = address("ann", "")
    before = [fast.get(path).json["items"][0]["item_id"] for _ in range(2)][-1]

    shop.client.put("/v1/items", json={"item_id": before, "available": False})
    without = fast.get(path).json
    fast.get(path)
    shop.buy("ann", "F", "e2")
    bought = fast.get(path).json

    assert taken == [False, True, False, True, False]
    assert before not in [item["item_id"] for item in without["items"]]
    assert bought["served_by"] == "model"


def test_a_change_of_an_item_that_is_not_shown_leaves_the_lane_open(shop: Shop):
    shop.client.put("/v1/items", json={"item_id": "elsewhere", "available": True})
    shop.buy("ann", "E", "e1")
    fast, _, taken = doors(shop)
    path = address("ann", "limit=2")
    shown = [item["item_id"] for item in fast.get(path).json["items"]]
    shop.services.changes.catch_up()

    shop.client.put("/v1/items", json={"item_id": "elsewhere", "available": False})
    shop.services.changes.catch_up()
    again = [item["item_id"] for item in fast.get(path).json["items"]]

    assert taken == [False, True]
    assert again == shown


def test_an_item_that_returns_comes_back_into_the_lists_that_miss_it(shop: Shop):
    shop.buy("ann", "E", "e1")
    fast, _, _ = doors(shop)
    path = address("ann", "limit=2")
    first = fast.get(path).json["items"][0]["item_id"]
    for available in (False, True):
        shop.client.put("/v1/items", json={"item_id": first, "available": available})
        shown = [item["item_id"] for item in fast.get(path).json["items"]]

        assert (first in shown) == available


def test_without_the_cache_every_list_goes_to_flask(shop: Shop):
    shop.buy("ann", "E", "e1")
    fast, _, taken = doors(shop)
    path = address("ann", "")
    fast.get(path)
    shop.cache.up = False

    answer = fast.get(path)

    assert (answer.status_code, answer.json["served_by"]) == (200, "model")
    assert taken == [False, False]
    with pytest.raises(StoreUnavailable):
        shop.cache.read("ann", "any")


@given(st.text(max_size=30))
def test_a_path_names_the_customer_that_was_put_into_it(customer_id: str):
    clothed = customer_id.encode("utf-8", "replace").decode("latin-1")

    found = customer_of(f"/v1/customers/{clothed}/recommendations")

    fine = bool(customer_id) and customer_id.isprintable()
    assert found == (customer_id if fine else None)
