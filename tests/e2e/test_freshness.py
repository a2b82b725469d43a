"""What one worker acknowledged every worker shows; a publish shows nothing by half."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.store.model_store import ModelStore
from tests.faults.load import Client, Seen, load
from tests.shop import Server, Shop, a_trained_shop

# `REGULARS_TEST_ROUNDS=2000` asks for as many as the benchmarks report.
ROUNDS = int(os.environ.get("REGULARS_TEST_ROUNDS", "200"))
PUBLISHES = 50
# A connection stays with the worker that took it: with so many, both workers have some.
CONNECTIONS = 6
CUSTOMERS = [f"c{number:03d}" for number in range(60)]
# Whoever bought all thirty items is recommended none: nobody buys more than ten. Some are new here.
BUYERS = [f"c{number:03d}" for number in range(max(len(CUSTOMERS), ROUNDS // 10))]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return a_trained_shop(tmp_path_factory.mktemp("fresh") / "home")


@contextmanager
def clients(server: Server) -> Iterator[list[Client]]:
    made = [Client(server.url, Seen()) for _ in range(CONNECTIONS)]
    yield made
    for each in made:
        each.close()


def shown(client: Client, customer: str) -> dict[str, Any]:
    status, body = client.call("GET", f"/v1/customers/{customer}/recommendations?limit=5")
    assert status == 200, body
    answer: dict[str, Any] = json.loads(body)
    return answer


def item_ids(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def sent(client: Client, method: str, path: str, body: dict[str, Any]) -> None:
    status, answer = client.call(method, path, json.dumps(body).encode())
    assert status == 200, answer


def test_a_read_after_a_purchase_is_never_the_list_from_before(shop: Shop):
    stale = 0
    with shop.serving() as server, clients(server) as connections:
        for number in range(ROUNDS):
            buyer, reader = (connections[(number + step) % CONNECTIONS] for step in (0, 1))
            customer = BUYERS[number % len(BUYERS)]
            before = shown(reader, customer)
            bought = item_ids(before)[0]
            event = {
                "event_id": f"fresh-{number}",
                "type": "purchase",
                "customer_id": customer,
                "order_id": f"fresh-{number}",
                "lines": [{"item_id": bought, "quantity": 1, "unit_price": 100}],
            }
            sent(buyer, "POST", "/v1/events", event)
            for each in connections:
                after = shown(each, customer)
                same = after["recommendation_id"] == before["recommendation_id"]
                # Bought just now: the cooldown keeps it out.
                stale += same or bought in item_ids(after)

    assert stale == 0


def test_a_profile_after_an_event_counts_it_whichever_worker_answers(shop: Shop):
    with shop.serving() as server, clients(server) as connections:
        for number in range(ROUNDS // 4):
            customer = f"profile-{number % 10}"
            event = {
                "event_id": f"profile-{number}",
                "type": "purchase",
                "customer_id": customer,
                "order_id": f"profile-{number}",
                "lines": [{"item_id": "item-01", "quantity": 1, "unit_price": 100}],
            }
            sent(connections[number % CONNECTIONS], "POST", "/v1/events", event)
            for each in connections:
                status, body = each.call("GET", f"/v1/customers/{customer}/profile")

                assert status == 200
                assert json.loads(body)["orders"] == number // 10 + 1


def test_what_is_sold_out_is_gone_from_every_next_answer_and_comes_back(shop: Shop):
    wrong = 0
    with shop.serving() as server, clients(server) as connections:
        for number in range(ROUNDS):
            shopkeeper = connections[number % CONNECTIONS]
            customer = CUSTOMERS[number % len(CUSTOMERS)]
            item_id = item_ids(shown(connections[0], customer))[0]
            for available in (False, True):
                item = {"item_id": item_id, "available": available}
                sent(shopkeeper, "PUT", "/v1/items", item)
                for each in connections:
                    wrong += (item_id in item_ids(shown(each, customer))) != available

    assert wrong == 0


def test_fifty_publishes_under_load_show_no_empty_and_no_mixed_list(shop: Shop):
    store = ModelStore(shop.home / "models")
    first = store.current_version() or ""
    shop.run("train")
    (second,) = [each for each in store.versions() if each != first][-1:]
    told: dict[tuple[str, str], set[str]] = {}
    seen_versions: list[str] = []
    stop = threading.Event()

    def look(server: Server, number: int) -> None:
        client = Client(server.url, Seen())
        while not stop.is_set():
            answer = shown(client, CUSTOMERS[number])
            key = (CUSTOMERS[number], answer["model_version"])
            told.setdefault(key, set()).add(json.dumps(item_ids(answer)))
            seen_versions.append(answer["model_version"])
        client.close()

    with shop.serving() as server:
        threads = [threading.Thread(target=look, args=(server, number)) for number in range(4)]
        for each in threads:
            each.start()
        for number in range(PUBLISHES):
            store.publish((second, first)[number % 2])
            stop.wait(0.12)
        stop.set()
        for each in threads:
            each.join()

    assert set(seen_versions) == {first, second}
    # One list a customer and version: none is empty, none holds parts of the other.
    assert {len(lists) for lists in told.values()} == {1}
    assert all(json.loads(next(iter(lists))) for lists in told.values())


def test_lists_that_are_read_while_events_arrive_are_all_answered(shop: Shop, tmp_path: Path):
    with (
        shop.serving() as server,
        load(server.url, customers=CUSTOMERS, items=["item-01", "item-02"]) as seen,
    ):
        threading.Event().wait(3)

    assert seen.wrong == []
    assert set(seen.statuses) == {200}
    assert seen.served_by["cache"] > 0
