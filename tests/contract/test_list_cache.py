"""What every cache of finished answers promises, in memory and on a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

import pytest

from engine.list_cache import Stamp
from engine.store.breaker import CircuitBreaker
from engine.store.keys import MAX_LISTS
from engine.store.memory_cache import MemoryListCache
from engine.store.redis_cache import RedisListCache, connect

Cache: TypeAlias = MemoryListCache | RedisListCache
TTL = timedelta(minutes=10)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "valkey"])
def cache(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Cache]:
    made: Cache
    if request.param == "memory":
        made = MemoryListCache(ttl=TTL, clock=clock)
    else:
        # Patience: a busy test machine is no outage.
        client = connect(request.getfixturevalue("valkey_url"), answer_seconds=10)
        made = RedisListCache(client, ttl=TTL, breaker=CircuitBreaker(), clock=clock)
    yield made
    made.close()


def stamp(customer: int = 1, *, catalog: int = 1) -> Stamp:
    return Stamp(customer_revision=customer, catalog_revision=catalog)


def test_an_empty_cache_has_no_answer(cache: Cache):
    assert cache.read("ann", "home") is None


@pytest.mark.parametrize("body", [b"", b"{}", bytes(range(256)) * 40])
def test_what_was_written_is_read_byte_for_byte(cache: Cache, body: bytes):
    kept = cache.write("ann", "home", body, stamp=stamp())

    assert kept
    assert cache.read("ann", "home") == body


def test_answers_of_other_customers_and_requests_are_apart(cache: Cache):
    cache.write("ann", "home", b"1", stamp=stamp())
    cache.write("ann", "basket", b"2", stamp=stamp())
    cache.write("bob", "home", b"3", stamp=stamp())

    read = [cache.read(*each) for each in [("ann", "home"), ("ann", "basket"), ("bob", "home")]]

    assert read == [b"1", b"2", b"3"]
    assert cache.read("bob", "basket") is None


def test_a_later_answer_replaces_an_earlier_one(cache: Cache):
    cache.write("ann", "home", b"old", stamp=stamp())

    cache.write("ann", "home", b"new", stamp=stamp())

    assert cache.read("ann", "home") == b"new"


@pytest.mark.parametrize("customer", ["}", "{}", "a}b{c", "Zoë 7", "x" * 200, "lists:{b}", "東京"])
def test_any_id_is_a_customer_of_its_own(cache: Cache, customer: str):
    cache.write("b", "home", b"other", stamp=stamp())

    cache.write(customer, "home", b"own", stamp=stamp())

    assert cache.read(customer, "home") == b"own"
    assert cache.read("b", "home") == b"other"


def test_a_request_named_like_the_revision_is_a_request(cache: Cache):
    cache.write("ann", "rev", b"99", stamp=stamp())

    assert cache.read("ann", "rev") == b"99"
    assert cache.write("ann", "home", b"1", stamp=stamp(2))


def test_forgetting_drops_all_answers_of_the_customer_and_no_others(cache: Cache):
    for customer, request in [("ann", "home"), ("ann", "basket"), ("bob", "home")]:
        cache.write(customer, request, b"1", stamp=stamp())

    cache.forget({"ann": 2})

    assert cache.read("ann", "home") is None
    assert cache.read("ann", "basket") is None
    assert cache.read("bob", "home") == b"1"


def test_forgetting_many_customers_reaches_every_one(cache: Cache):
    customers = [f"c{number}" for number in range(600)]
    for customer in customers:
        cache.write(customer, "home", b"1", stamp=stamp())

    cache.forget(dict.fromkeys(customers, 2))

    assert [customer for customer in customers if cache.read(customer, "home")] == []


def test_forgetting_nobody_does_nothing(cache: Cache):
    cache.write("ann", "home", b"1", stamp=stamp())

    cache.forget({})

    assert cache.read("ann", "home") == b"1"


def test_a_slow_computation_does_not_bring_a_stale_answer_back(cache: Cache):
    cache.forget({"ann": 5})

    assert not cache.write("ann", "home", b"stale", stamp=stamp(4))
    assert cache.read("ann", "home") is None


def test_an_answer_of_the_revision_itself_is_kept(cache: Cache):
    cache.forget({"ann": 5})

    assert cache.write("ann", "home", b"fresh", stamp=stamp(5))
    assert cache.read("ann", "home") == b"fresh"


def test_forgetting_an_older_revision_does_not_lower_the_newer(cache: Cache):
    cache.forget({"ann": 7})

    cache.forget({"ann": 5})

    assert not cache.write("ann", "home", b"stale", stamp=stamp(6))
    assert cache.write("ann", "home", b"fresh", stamp=stamp(7))


def test_revisions_are_compared_as_numbers(cache: Cache):
    cache.forget({"ann": 10})

    assert not cache.write("ann", "home", b"stale", stamp=stamp(9))
    assert cache.write("ann", "home", b"fresh", stamp=stamp(2**52))


def test_a_newer_answer_drops_the_older_ones_beside_it(cache: Cache):
    cache.write("ann", "basket", b"older", stamp=stamp(1))

    cache.write("ann", "home", b"newer", stamp=stamp(2))

    assert cache.read("ann", "basket") is None
    assert cache.read("ann", "home") == b"newer"
    assert not cache.write("ann", "basket", b"older", stamp=stamp(1))


def test_a_refused_answer_leaves_the_kept_one(cache: Cache):
    cache.write("ann", "home", b"current", stamp=stamp(5, catalog=5))

    refused = [
        cache.write("ann", "home", b"stale", stamp=stamp(4, catalog=5)),
        cache.write("ann", "home", b"stale", stamp=stamp(5, catalog=4)),
    ]

    assert refused == [False, False]
    assert cache.read("ann", "home") == b"current"


def test_a_customer_never_seen_has_answers_until_the_first_event(cache: Cache):
    cache.write("new", "home", b"popular", stamp=stamp(0, catalog=0))
    before = cache.read("new", "home")

    cache.forget({"new": 1})

    assert before == b"popular"
    assert cache.read("new", "home") is None
    assert not cache.write("new", "home", b"popular", stamp=stamp(0, catalog=0))


def test_a_new_catalog_makes_every_older_answer_stale(cache: Cache):
    cache.write("ann", "home", b"1", stamp=stamp(catalog=3))
    cache.write("bob", "home", b"1", stamp=stamp(catalog=3))

    cache.set_catalog_revision(4)

    assert cache.read("ann", "home") is None
    assert cache.read("bob", "home") is None
    assert not cache.write("ann", "home", b"stale", stamp=stamp(catalog=3))
    assert cache.write("ann", "home", b"fresh", stamp=stamp(catalog=4))


def test_the_catalog_revision_is_never_lowered(cache: Cache):
    cache.set_catalog_revision(4)

    cache.set_catalog_revision(3)

    assert not cache.write("ann", "home", b"stale", stamp=stamp(catalog=3))


def test_an_answer_of_a_newer_catalog_tells_the_cache_of_it(cache: Cache):
    cache.write("ann", "home", b"1", stamp=stamp(catalog=3))

    cache.write("bob", "home", b"2", stamp=stamp(catalog=4))

    assert cache.read("ann", "home") is None
    assert cache.read("bob", "home") == b"2"


def test_an_answer_lives_for_its_time_and_no_longer(cache: Cache, clock: Clock):
    cache.write("ann", "home", b"1", stamp=stamp())

    clock.now += TTL.total_seconds() - 1
    within = cache.read("ann", "home")
    clock.now += 1
    after = cache.read("ann", "home")

    assert (within, after) == (b"1", None)


def test_writing_one_answer_does_not_prolong_another(cache: Cache, clock: Clock):
    cache.write("ann", "home", b"1", stamp=stamp())
    clock.now += TTL.total_seconds() - 1
    cache.write("ann", "basket", b"2", stamp=stamp())

    clock.now += 2

    assert cache.read("ann", "home") is None
    assert cache.read("ann", "basket") == b"2"


def test_a_customer_holds_a_bounded_number_of_answers(cache: Cache):
    requests = [str(number) for number in range(3 * MAX_LISTS)]
    for request in requests:
        cache.write("ann", request, b"1", stamp=stamp())

    held = [request for request in requests if cache.read("ann", request)]

    assert len(held) <= MAX_LISTS
    assert requests[-1] in held


def test_a_full_customer_may_replace_an_answer_without_losing_the_others(cache: Cache):
    requests = [str(number) for number in range(MAX_LISTS)]
    for request in requests:
        cache.write("ann", request, b"1", stamp=stamp())

    cache.write("ann", "0", b"2", stamp=stamp())

    assert cache.read("ann", "0") == b"2"
    assert all(cache.read("ann", request) for request in requests)


def test_there_is_nothing_to_catch_up_with_before_a_failure(cache: Cache):
    called: list[int] = []

    caught_up = cache.catch_up(lambda: called.append(1))

    assert caught_up
    assert not cache.must_catch_up
    assert called == []


def test_writers_and_forgetters_in_any_interleaving_leave_nothing_stale(cache: Cache):
    """Whatever is left to read was computed from the last revision that was told."""
    last = 60
    together = threading.Barrier(4)

    def compute() -> None:
        together.wait()
        for revision in range(last + 1):
            cache.write("ann", "home", str(revision).encode(), stamp=stamp(revision))

    def tell() -> None:
        together.wait()
        for revision in range(last + 1):
            cache.forget({"ann": revision})

    threads = [threading.Thread(target=work) for work in (compute, compute, compute, tell)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert cache.read("ann", "home") in (None, str(last).encode())
    assert not cache.write("ann", "home", b"stale", stamp=stamp(last - 1))
