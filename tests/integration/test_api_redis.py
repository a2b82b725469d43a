"""Lists over HTTP with a real Redis between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial

import pytest

from api.upkeep import Upkeep, with_catch_up
from engine.store.breaker import CircuitBreaker
from engine.store.catalog import SqlCatalog
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.redis_cache import RedisListCache, connect
from tests.fakes import Shop, a_shop

RECOMMENDATIONS = "/v1/customers/ann/recommendations"
NewShop = Callable[[], Shop]


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    opened = Database.open(sqlite_url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def new_worker(database: Database, valkey_url: str) -> Iterator[NewShop]:
    """Makes workers that share a database and a cache."""
    with ExitStack() as stack:

        def make() -> Shop:
            client = stack.enter_context(connect(valkey_url))
            cache = RedisListCache(client, ttl=timedelta(hours=1), breaker=CircuitBreaker())
            return stack.enter_context(a_shop(database, cache=cache))

        yield make


def test_a_list_that_one_worker_computed_is_another_ones_cached_list(new_worker: NewShop):
    one, other = new_worker(), new_worker()
    one.buy("ann", "E", "e1")

    computed = one.client.get(RECOMMENDATIONS).json
    cached = other.client.get(RECOMMENDATIONS).json

    assert computed["served_by"] == "model"
    assert cached == {**computed, "served_by": "cache"}


def test_what_one_worker_acknowledged_shows_at_once_in_another_ones_answer(new_worker: NewShop):
    one, other = new_worker(), new_worker()
    one.buy("ann", "E", "e1")
    other.items("ann")

    one.buy("ann", "F", "e2")
    one.buy("ann", "F", "e3")

    assert other.items("ann")[0] == "F"


def test_what_one_worker_heard_is_sold_out_vanishes_from_every_ones_lists(new_worker: NewShop):
    one, other = new_worker(), new_worker()
    one.buy("ann", "E", "e1")
    assert "A" in one.items("ann")

    other.client.put("/v1/items", json={"item_id": "A", "available": False})

    assert "A" not in one.items("ann")


def test_an_emptied_cache_loses_no_answer(new_worker: NewShop, valkey_url: str):
    shop = new_worker()
    shop.buy("ann", "E", "e1")
    before = shop.items("ann")

    with connect(valkey_url) as client:
        client.flushall()

    assert shop.items("ann") == before


def test_what_happened_during_an_outage_is_told_before_the_cache_answers_again(
    new_worker: NewShop, database: Database
):
    shop = new_worker()
    shop.buy("ann", "E", "e1")
    shop.items("ann")
    cache = shop.cache._inner
    forget = cache.forget

    # The cache fails once, just when it should be told.
    cache.forget = partial(_fail_once, cache, forget)
    shop.buy("ann", "F", "e2")
    shop.buy("ann", "F", "e3")
    during = shop.client.get(RECOMMENDATIONS).json
    upkeep = Upkeep(cache, SqlCatalog(database), SqlInvalidations(database))
    with_catch_up(upkeep, cache.catch_up)()
    after = [shop.client.get(RECOMMENDATIONS).json for _ in range(2)]

    assert (during["served_by"], during["items"][0]["item_id"]) == ("model", "F")
    assert [answer["items"][0]["item_id"] for answer in after] == ["F", "F"]
    assert after[1]["served_by"] == "cache"


def _fail_once(cache: RedisListCache, forget: Callable[[object], None], revisions: object) -> None:
    cache.forget = forget
    client, cache._client = cache._client, connect("redis://127.0.0.1:1/0")
    try:
        forget(revisions)
    finally:
        cache._client.close()
        cache._client = client
