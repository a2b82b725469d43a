"""What is acknowledged stays, and what can be answered is answered, whatever is killed."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from engine.domain.events import Event
from engine.loyalty.net import summary_of
from engine.loyalty.state import NEW, apply_all
from tests.builders import a_purchase
from tests.shop import Server, Shop, a_trained_shop, alive, children
from tests.waiting import comes_true

CUSTOMERS = [f"c{number:03d}" for number in range(7)]
THREADS = 8


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return a_trained_shop(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def purchases(count: int) -> list[Event]:
    rng = random.Random(5)
    return [
        a_purchase(
            f"p{number}",
            rng.choice(CUSTOMERS),
            {f"item-{rng.randrange(9):02d}": float(rng.randint(1, 4)) for _ in range(3)},
            day=rng.randrange(100),
            unit_price=rng.randint(50, 900),
        )
        for number in range(count)
    ]


def post_until_answered(server: Server, event: Event) -> str:
    """Send again until there is an answer, as a shop's outbox does."""
    became: list[str] = []

    def answered() -> bool:
        with suppress(OSError, AssertionError):
            became.append(server.send(event))
        return bool(became)

    assert comes_true(answered), f"{event.event_id} was never answered"
    return became[0]


def totals(server: Server) -> dict[str, tuple[int, float, int]]:
    profiles = {each: server.get(f"/v1/customers/{each}/profile") for each in CUSTOMERS}
    return {
        each: (profile["orders"], profile["units"], profile["revenue"])
        for each, profile in profiles.items()
    }


def expected_totals(events: list[Event]) -> dict[str, tuple[int, float, int]]:
    """Totals of each event once, in the order in which they happened."""
    in_order = sorted(events, key=lambda each: (each.occurred_at, each.event_id))
    totals = {}
    for customer in CUSTOMERS:
        own = [event for event in in_order if event.customer_id == customer]
        summary = summary_of(apply_all(NEW, own))
        totals[customer] = (summary.orders, summary.units, summary.revenue)
    return totals


def test_each_purchase_counts_once_though_sent_thrice_by_eight_threads(shop: Shop) -> None:
    events = purchases(200)
    posts = events * 3
    random.Random(1).shuffle(posts)

    with shop.serving() as server, ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(server.send, posts))
        found = totals(server)

    assert outcomes.count("accepted") == 200
    assert outcomes.count("duplicate") == 400
    assert found == expected_totals(events)


def test_nothing_is_lost_when_the_server_is_killed_in_the_middle(shop: Shop) -> None:
    events = purchases(200)
    posts = events * 3
    random.Random(2).shuffle(posts)
    with shop.serving() as first:
        with ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(_send_or_lose, first, event) for event in posts]
            while sum(each.done() for each in running) < 150:
                time.sleep(0.005)
            workers = children(first.process.pid)
            for pid in (first.process.pid, *workers):
                _kill(pid)
        acknowledged = {each.result() for each in running} - {None}
        _wait_for_end(workers)

    with shop.serving() as second:
        with ThreadPoolExecutor(THREADS) as pool:
            outcomes = list(pool.map(lambda event: post_until_answered(second, event), posts))
        found = totals(second)

    answered = zip(posts, outcomes, strict=True)
    again = {event.event_id for event, outcome in answered if outcome == "accepted"}
    assert 0 < len(acknowledged) < 200
    assert not acknowledged & again, "what was acknowledged before the kill was there after it"
    assert found == expected_totals(events)


def _send_or_lose(server: Server, event: Event) -> str | None:
    try:
        server.send(event)
    except (OSError, AssertionError):
        return None
    return event.event_id


def test_killing_the_server_leaves_no_process_behind(shop: Shop) -> None:
    with shop.serving() as server:
        below = children(server.process.pid)
        _kill(server.process.pid)
        _wait_for_end(below)

    assert len(below) >= 3, "workers, the guard and the cache server"
    assert not [pid for pid in below if alive(pid)]


def test_stopping_the_server_leaves_neither_process_nor_socket(shop: Shop) -> None:
    with shop.serving() as server:
        below = children(server.process.pid)

    _wait_for_end(below)
    assert server.process.returncode == 0
    assert not [pid for pid in below if alive(pid)]
    assert not list(shop.home.glob("*.sock"))


def test_a_killed_worker_is_replaced(trained: Shop) -> None:
    with trained.serving() as server:
        for pid in _workers(server):
            _kill(pid)

        assert comes_true(lambda: _lists(server) == 10)


def test_answers_continue_while_the_cache_is_killed_under_load(trained: Shop) -> None:
    answers: list[int] = []
    stop = threading.Event()

    def ask(server: Server) -> None:
        while not stop.is_set():
            for customer in CUSTOMERS:
                answers.append(server.call(f"/v1/customers/{customer}/recommendations")[0])

    with trained.serving() as server:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(4):
                pool.submit(ask, server)
            began = comes_true(lambda: len(answers) > 20)
            _kill(_valkey(server))
            time.sleep(1.5)
            before = len(answers)
            went_on = comes_true(lambda: len(answers) > before + 20)
            stop.set()
        first = server.items(CUSTOMERS[0])[0]
        purchase = a_purchase("after-the-cache", CUSTOMERS[0], [first], day=200)
        assert server.send(purchase) == "accepted"
        back = comes_true(lambda: server.get("/readyz")["status"] == "ready")

    assert began
    assert went_on
    assert set(answers) == {200}
    assert back, "the cache came back"


def test_a_locked_database_costs_no_recommendation(trained: Shop) -> None:
    with trained.serving() as server:
        lock = sqlite3.connect(trained.home / "regulars.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")

        answer = server.get("/v1/customers/c002/recommendations")

        lock.execute("ROLLBACK")
        lock.close()
    assert answer["returned"] == 10


@pytest.fixture
def without_model(shop: Shop) -> Iterator[Server]:
    with shop.serving() as server:
        yield server


def test_a_shop_without_a_model_still_answers_and_takes_events(without_model: Server) -> None:
    answer = without_model.get("/v1/customers/anyone/recommendations")

    assert (answer["items"], answer["fallback_reason"]) == ([], "no_model")
    assert without_model.send(a_purchase("first", "anyone")) == "accepted"
    assert without_model.get("/v1/customers/anyone/profile")["orders"] == 1


def _workers(server: Server) -> list[int]:
    return [pid for pid in children(server.process.pid) if "serving.worker" in _command(pid)]


def _valkey(server: Server) -> int:
    return next(pid for pid in children(server.process.pid) if "valkey" in _name(pid))


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text()


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _wait_for_end(pids: list[int]) -> None:
    comes_true(lambda: not any(alive(pid) for pid in pids))


def _lists(server: Server) -> int:
    """How many items a list has, once somebody answers."""
    try:
        return len(server.items("c001"))
    except OSError:
        return 0
