"""Permits leased in blocks: whatever the workers do, together they keep to the rate."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.guard.guard import Guard
from api.guard.rates import BLOCKS, MOST_NAMES, Leases
from api.guard.refusals import Refusal
from engine.domain.rates import Rate
from engine.errors import StoreUnavailable
from engine.store.breaker import CircuitBreaker
from engine.store.permits import RedisPermits
from engine.store.redis_cache import connect
from tests.guarding import environ

MINUTE = 60


class Counter60:
    """Permits counted in memory, as Redis counts them; away at will."""

    def __init__(self) -> None:
        self.taken: Counter[tuple[str, int]] = Counter()
        self.trips = 0
        self.away = False

    def reserve(self, name: str, *, rate: Rate, window: int, block: int) -> int:
        """What is left of the block."""
        if self.away:
            raise StoreUnavailable("away")
        self.trips += 1
        self.taken[name, window] += block
        return max(0, min(block, rate.limit - (self.taken[name, window] - block)))


def workers(count: int, limit: int, permits: Counter60 | None, clock: list[float]) -> list[Leases]:
    rate = Rate(limit, MINUTE)
    return [Leases(permits, rate, workers=count, clock=lambda: clock[0]) for _ in range(count)]


@given(
    limit=st.integers(1, 60),
    count=st.integers(1, 5),
    steps=st.lists(st.tuples(st.integers(0, 4), st.floats(0, 20)), max_size=300),
)
def test_no_interleaving_of_workers_lets_in_more_than_the_rate_in_a_window(
    limit: int, count: int, steps: list[tuple[int, float]]
):
    clock = [0.0]
    fleet = workers(count, limit, Counter60(), clock)
    admitted: Counter[int] = Counter()

    for worker, seconds in steps:
        # Most requests come one upon the other; a few let the time pass.
        clock[0] += seconds if seconds > 15 else 0.0
        if fleet[worker % count].take("key:a") == 0:
            admitted[int(clock[0] // MINUTE)] += 1

    assert all(number <= limit for number in admitted.values())


@given(limit=st.integers(1, 500), count=st.integers(1, 8))
def test_one_worker_alone_gets_all_of_a_rate_and_no_more(limit: int, count: int):
    permits, clock = Counter60(), [0.0]
    one = workers(count, limit, permits, clock)[0]

    admitted = sum(one.take("key:a") == 0 for _ in range(limit + 50))

    assert admitted == limit


def test_what_other_workers_hold_back_is_at_most_an_eighth():
    clock = [0.0]
    fleet = workers(4, 800, Counter60(), clock)
    for each in fleet[1:]:
        each.take("key:a")

    admitted = sum(fleet[0].take("key:a") == 0 for _ in range(1_000))

    assert admitted + 3 >= 800 * (1 - 1 / BLOCKS)


def test_a_block_costs_one_trip_and_a_refused_window_none():
    permits, clock = Counter60(), [0.0]
    one = workers(2, 1_600, permits, clock)[0]

    for _ in range(100):
        one.take("key:a")
    for_a_block = permits.trips
    for _ in range(5_000):
        one.take("key:a")

    # 1,600 permits in blocks of 100, and one trip that finds nothing left.
    assert for_a_block == 1
    assert permits.trips == 17


def test_a_refusal_says_when_the_next_window_begins():
    clock = [120.25]
    (one,) = workers(1, 1, Counter60(), clock)

    first, second = one.take("key:a"), one.take("key:a")
    clock[0] = 179.5
    third = one.take("key:a")
    clock[0] = 180.0

    assert (first, second, third) == (0, 60, 1)
    assert one.take("key:a") == 0


def test_a_clock_set_back_by_a_moment_opens_no_window_again():
    clock = [60.0]
    (one,) = workers(1, 1, None, clock)

    first = one.take("key:a")
    clock[0] = 59.9

    assert first == 0
    assert one.take("key:a") > 0


@given(st.integers(1, 8), st.integers(8, 400))
def test_without_redis_the_workers_share_the_rate(count: int, limit: int):
    clock = [0.0]
    fleet = workers(count, limit, None, clock)

    admitted = sum(each.take("key:a") == 0 for each in fleet for _ in range(limit + 1))

    assert limit - count < admitted <= limit


def test_a_worker_that_has_had_its_share_gets_no_more_while_redis_is_away():
    permits, clock = Counter60(), [0.0]
    fleet = workers(2, 160, permits, clock)
    before = sum(fleet[0].take("key:a") == 0 for _ in range(100))
    permits.away = True

    during = [sum(each.take("key:a") == 0 for _ in range(200)) for each in fleet]

    # Of 100 reserved with Redis all 100 were spent; alone its share would have been 80.
    assert before == 100
    assert during == [0, 80]


@given(
    limit=st.integers(8, 60),
    count=st.integers(1, 5),
    steps=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=300),
)
def test_a_redis_that_comes_and_goes_lets_in_twice_the_rate_at_most(
    limit: int, count: int, steps: list[tuple[int, bool]]
):
    permits = Counter60()
    fleet = workers(count, limit, permits, [0.0])
    admitted = 0

    for worker, away in steps:
        permits.away = away
        admitted += fleet[worker % count].take("key:a") == 0

    assert admitted <= 2 * limit


def test_names_beyond_the_bound_share_one_count():
    clock = [0.0]
    rate = Rate(3, MINUTE)
    leases = Leases(None, rate, workers=1, clock=lambda: clock[0], most_names=10)

    admitted = Counter(leases.take(f"address:{n}") == 0 for n in range(1_000))

    # Ten of their own, and three for all the others together.
    assert admitted[True] == 13
    assert len(leases._leases) == 11 < MOST_NAMES
    assert leases.take("address:5") == 0
    clock[0] = 60.0
    assert leases.take("address:999") == 0


@pytest.mark.parametrize("count", [1, 3])
def test_threads_of_workers_on_one_real_server_keep_to_the_rate(valkey_url: str, count: int):
    limit = 400
    clients = [connect(valkey_url, answer_seconds=10) for _ in range(count)]
    fleet = [
        Leases(
            RedisPermits(each, breaker=CircuitBreaker()),
            Rate(limit, MINUTE),
            workers=count,
            clock=lambda: 1_000.0,
        )
        for each in clients
    ]
    admitted: list[int] = []

    def spend(leases: Leases) -> None:
        for _ in range(200):
            if leases.take("key:a") == 0:
                admitted.append(1)

    threads = [threading.Thread(target=spend, args=(each,)) for each in fleet for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with connect(valkey_url) as client:
        (key,) = client.keys("regulars:rate:*")
        left = client.ttl(key)

    assert len(admitted) == limit
    assert key == b"regulars:rate:key:a:16"
    assert 0 < left <= 2 * MINUTE
    for client in clients:
        client.close()


def test_a_server_that_vanished_costs_a_share_and_no_error():
    client = connect("redis://127.0.0.1:1/0")
    permits = RedisPermits(client, breaker=CircuitBreaker())
    leases = Leases(permits, Rate(10, MINUTE), workers=2, clock=lambda: 0.0)

    admitted = sum(leases.take("key:a") == 0 for _ in range(20))
    permits.close()

    assert admitted == 5


def test_nobody_is_counted_where_everything_is_open():
    leases = Leases(None, Rate(2, MINUTE), workers=1, clock=lambda: 0.0)
    guard = Guard(None, per_address=leases)
    # Everything is open without a keyring, and nobody is counted.
    assert not any(isinstance(guard.admit(environ()), Refusal) for _ in range(10))
