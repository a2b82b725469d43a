"""The Redis cache when Redis restarts, hangs, fails, or holds what it should not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from engine.errors import SettingsError, StoreUnavailable
from engine.list_cache import Stamp
from engine.store import keys
from engine.store.breaker import CircuitBreaker
from engine.store.embedded_valkey import start_valkey
from engine.store.redis_cache import RedisListCache, connect

TTL = timedelta(minutes=10)
STAMP = Stamp(customer_revision=1, catalog_revision=1)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def a_cache(
    url: str, *, breaker: CircuitBreaker | None = None, answer_seconds: float = 10
) -> Iterator[RedisListCache]:
    client = connect(url, answer_seconds=answer_seconds)
    cache = RedisListCache(client, ttl=TTL, breaker=breaker or CircuitBreaker(1_000))
    try:
        yield cache
    finally:
        cache.close()


@pytest.fixture
def cache(valkey_url: str) -> Iterator[RedisListCache]:
    with a_cache(valkey_url) as made:
        yield made


@pytest.fixture
def client(valkey_url: str) -> Iterator[redis.Redis]:
    with connect(valkey_url, answer_seconds=10) as connected:
        yield connected


@contextmanager
def hanging(url: str) -> Iterator[None]:
    """The server stands still inside, and comes back with all that it held."""
    with connect(url, answer_seconds=10) as client:
        process = int(client.info("server")["process_id"])
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_every_key_has_a_lifetime_beyond_that_of_any_answer(
    cache: RedisListCache, client: redis.Redis
):
    cache.write("ann", "home", b"1", stamp=STAMP)
    cache.forget({"bob": 3})

    lifetimes = {key.decode(): client.pttl(key) for key in client.scan_iter()}

    assert set(lifetimes) == {keys.lists("ann"), keys.lists("bob"), keys.CATALOG}
    assert min(lifetimes.values()) > 2 * TTL.total_seconds() * 1000


def test_writing_renews_the_lifetime_of_the_revision(cache: RedisListCache, client: redis.Redis):
    cache.forget({"ann": 3})
    client.pexpire(keys.lists("ann"), 1_000)
    client.set(keys.CATALOG, 1, px=1_000)

    cache.write("ann", "home", b"1", stamp=Stamp(3, 1))

    assert client.pttl(keys.lists("ann")) > 2 * TTL.total_seconds() * 1000
    assert client.pttl(keys.CATALOG) > 2 * TTL.total_seconds() * 1000


def test_all_keys_of_a_customer_carry_the_same_hash_tag():
    assert keys.lists("ann") == "regulars:lists:{ann}"


def test_two_workers_share_answers_and_invalidations(valkey_url: str):
    with a_cache(valkey_url) as one, a_cache(valkey_url) as other:
        one.write("ann", "home", b"1", stamp=STAMP)
        shared = other.read("ann", "home")

        other.forget({"ann": 2})

        assert shared == b"1"
        assert one.read("ann", "home") is None
        assert not one.write("ann", "home", b"1", stamp=STAMP)


@pytest.mark.parametrize("lost", [keys.CATALOG, keys.lists("ann")])
def test_a_lost_key_is_a_miss(cache: RedisListCache, client: redis.Redis, lost: str):
    cache.write("ann", "home", b"1", stamp=STAMP)

    client.delete(lost)

    assert cache.read("ann", "home") is None
    assert cache.write("ann", "home", b"2", stamp=STAMP)
    assert cache.read("ann", "home") == b"2"


def test_a_server_that_forgot_everything_costs_answers_and_no_errors(
    cache: RedisListCache, client: redis.Redis
):
    cache.write("ann", "home", b"1", stamp=STAMP)
    client.flushall()
    client.script_flush()

    cache.forget({"ann": 2})
    cache.set_catalog_revision(2)

    assert cache.read("ann", "home") is None
    assert cache.write("ann", "home", b"2", stamp=Stamp(2, 2))


def test_a_missed_invalidation_is_not_served_when_the_server_returns(valkey_url: str):
    with a_cache(valkey_url, answer_seconds=0.1) as cache:
        cache.write("ann", "home", b"stale", stamp=STAMP)
        with hanging(valkey_url), pytest.raises(StoreUnavailable, match="Timeout"):
            cache.forget({"ann": 2})

        with pytest.raises(StoreUnavailable, match="pending invalidations"):
            cache.read("ann", "home")
        with pytest.raises(StoreUnavailable, match="pending invalidations"):
            cache.write("ann", "home", b"1", stamp=STAMP)
        caught_up = cache.catch_up(lambda: cache.forget({"ann": 2}))

        assert caught_up
        assert cache.read("ann", "home") is None
        assert not cache.write("ann", "home", b"stale", stamp=STAMP)


def test_answers_stay_refused_while_the_server_is_away(valkey_url: str):
    with a_cache(valkey_url, answer_seconds=0.1) as cache:
        with hanging(valkey_url):
            with pytest.raises(StoreUnavailable):
                cache.ping()
            during = cache.catch_up(lambda: None)
        still_behind = cache.must_catch_up

        after = cache.catch_up(lambda: None)

        assert (during, still_behind, after) == (False, True, True)


def test_answers_stay_refused_when_what_is_pending_cannot_be_told(valkey_url: str):
    def database_is_away() -> None:
        raise StoreUnavailable("the database is away")

    with a_cache(valkey_url, answer_seconds=0.1) as cache:
        with hanging(valkey_url), pytest.raises(StoreUnavailable):
            cache.ping()

        caught_up = cache.catch_up(database_is_away)

        assert not caught_up
        assert cache.must_catch_up


def test_a_failure_while_catching_up_that_the_owner_swallows_counts(valkey_url: str):
    with a_cache(valkey_url, answer_seconds=0.1) as cache:

        def swallows() -> None:
            with hanging(valkey_url), pytest.raises(StoreUnavailable):
                cache.forget({"ann": 2})

        with hanging(valkey_url), pytest.raises(StoreUnavailable):
            cache.ping()

        assert not cache.catch_up(swallows)
        assert cache.catch_up(lambda: cache.forget({"ann": 2}))


def test_a_stopped_server_opens_the_circuit_and_a_new_one_closes_it(tmp_path: Path):
    clock = Clock()
    breaker = CircuitBreaker(2, timedelta(seconds=1), clock=clock)
    with start_valkey(tmp_path) as server, a_cache(server.url, breaker=breaker) as cache:
        cache.write("ann", "home", b"1", stamp=STAMP)
        server.stop()
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="ConnectionError"):
                cache.ping()

        with start_valkey(tmp_path):
            with pytest.raises(StoreUnavailable, match="left alone"):
                cache.ping()
            clock.now += 1
            caught_up = cache.catch_up(lambda: cache.forget({"ann": 1}))

            assert caught_up
            assert not breaker.open
            assert cache.read("ann", "home") is None
            assert cache.write("ann", "home", b"2", stamp=STAMP)
            assert cache.read("ann", "home") == b"2"


def test_a_key_of_another_type_is_no_crash(cache: RedisListCache, client: redis.Redis):
    client.set(keys.lists("ann"), "not ours")

    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        cache.read("ann", "home")


def test_nobody_at_the_address_is_said_in_one_line(tmp_path: Path):
    with a_cache(f"unix://{tmp_path}/nobody.sock") as cache:
        with pytest.raises(StoreUnavailable) as caught:
            cache.read("ann", "home")

        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://:hunter2#x@host:6379/0", "redis://host:hunter2/0"])
def test_a_broken_url_is_refused_without_repeating_it(url: str):
    with pytest.raises(SettingsError) as caught:
        connect(url)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
