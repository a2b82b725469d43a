"""Purchase history in, a recommendation out, feedback back in, as a shop does it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.builders import a_purchase, a_shop
from tests.shop import Server, Shop, a_trained_shop, write_csv
from tests.waiting import comes_true

CUSTOMER = "c007"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("shop")
    if request.param == "sqlite":
        yield a_trained_shop(home)
    else:
        make = request.getfixturevalue("make_postgres_url")
        with make() as url:
            yield a_trained_shop(home, REGULARS_DATABASE_URL=url)


@pytest.fixture(scope="module")
def server(shop: Shop) -> Iterator[Server]:
    with shop.serving() as running:
        yield running


def test_the_same_file_again_adds_nothing(shop: Shop) -> None:
    again = shop.done("ingest", shop.home / "orders.csv", "--currency", "EUR")

    rows = sum(len(event.lines) for event in a_shop())
    assert f"{rows:,} rows read" in again
    assert f"duplicate {rows:,}" in " ".join(again.split())


def test_the_command_line_and_http_give_the_same_list(shop: Shop, server: Server) -> None:
    target = shop.home / "list.jsonl"
    shop.done("recommend", CUSTOMER, "--limit", "10", "--output", target)

    rows = [json.loads(line) for line in target.read_text().splitlines()]

    assert [row["item_id"] for row in rows] == server.items(CUSTOMER)
    assert [row["rank"] for row in rows] == list(range(1, 11))


def test_lists_for_everyone_go_into_a_parquet_file(shop: Shop, server: Server) -> None:
    target = shop.home / "all.parquet"
    shop.done("recommend", "--all", "--limit", "5", "--output", target)

    table = pq.read_table(target)

    assert table.column_names == ["customer_id", "item_id", "rank", "score", "source", "reason"]
    own = table.filter(pq.filters_to_expression([("customer_id", "==", CUSTOMER)]))
    assert own["item_id"].to_pylist() == server.items(CUSTOMER, limit=5)


def test_customers_of_a_file_come_out_in_its_order_and_unknown_ones_get_popular_items(
    shop: Shop,
) -> None:
    (shop.home / "ids.txt").write_text("c003\nnobody\nc001\n")
    target = shop.home / "some.csv"

    shop.done("recommend", "--customers", shop.home / "ids.txt", "--limit", "1", "--output", target)

    lines = target.read_text().splitlines()
    assert lines[0] == "customer_id,item_id,rank,score,source,reason"
    assert [line.split(",")[0] for line in lines[1:]] == ["c003", "nobody", "c001"]
    assert lines[2].endswith("popular")


def test_a_purchase_changes_the_next_answer_and_a_refund_takes_it_back(server: Server) -> None:
    before = server.items(CUSTOMER)
    profile = server.get(f"/v1/customers/{CUSTOMER}/profile")
    purchase = {
        "event_id": "live-1",
        "type": "purchase",
        "customer_id": CUSTOMER,
        "order_id": "live-order",
        "lines": [{"item_id": before[0], "quantity": 1, "unit_price": 250}],
    }

    status, answer = server.call("/v1/events", purchase)
    after, changed = server.items(CUSTOMER), server.get(f"/v1/customers/{CUSTOMER}/profile")

    assert (status, answer["results"][0]["status"]) == (200, "accepted")
    assert before[0] not in after
    assert changed["orders"] == profile["orders"] + 1
    assert changed["revenue"] == profile["revenue"] + 250
    assert changed["features"]["days_since_last"]["value"] == 0

    refund = {"event_id": "live-2", "type": "refund", "customer_id": CUSTOMER}
    server.call("/v1/events", {**refund, "order_id": "live-order"})

    restored = server.get(f"/v1/customers/{CUSTOMER}/profile")
    assert server.items(CUSTOMER) == before
    for name in ("orders", "units", "revenue", "last_order_at"):
        assert restored[name] == profile[name]


def test_an_item_that_is_sold_out_is_gone_at_once_and_comes_back(server: Server) -> None:
    first = server.items(CUSTOMER)[0]

    server.call("/v1/items", {"item_id": first, "available": False}, method="PUT")
    without = server.items(CUSTOMER)
    server.call("/v1/items", {"item_id": first, "available": True}, method="PUT")

    assert first not in without
    assert len(without) == 10
    assert server.items(CUSTOMER)[0] == first


def test_a_new_model_serves_within_a_second_and_a_rollback_takes_it_back(
    shop: Shop, server: Server
) -> None:
    path = f"/v1/customers/{CUSTOMER}/recommendations"
    old = server.get(path)["model_version"]

    # Up to the last day of the history: what other tests sent came months after it.
    shop.done("train", "--until", "2026-05-01")
    new = shop.done("models", "list").splitlines()[-1].split()[1]
    assert new != old
    assert comes_true(lambda: server.get(path)["model_version"] == new)

    shop.done("models", "rollback")

    assert comes_true(lambda: server.get(path)["model_version"] == old)


def test_training_as_of_a_day_learns_nothing_later(shop: Shop) -> None:
    shop.done("train", "--until", "2026-03-15", "--no-publish")

    versions = shop.done("models", "list").splitlines()
    manifest = json.loads(shop.done("models", "show", "--json", versions[-1].split()[0]))

    assert manifest["params"]["until_ms"] == 1_773_532_800_000  # 2026-03-15T00:00Z


def test_an_unusable_database_url_is_one_clear_line(tmp_path: Path) -> None:
    shop = Shop(tmp_path, {"REGULARS_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/none"})

    result = shop.run("ingest", write_csv(tmp_path / "orders.csv", [a_purchase()]))

    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr
