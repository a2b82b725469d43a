"""A file that says who bought what, and nothing of when: loaded, learnt from, served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.wiring import connected
from engine.domain.events import EventType
from engine.errors import DataRefused
from engine.settings import Settings
from engine.store.model_store import ModelStore
from tests.commanding import digests, done, refused
from tests.ingesting import Shop, a_csv, a_shop, counts_of
from tests.waiting import AMPLE
from training.held_out import HELD_OUT
from training.ingest.formats import UNDATED
from training.ingest.report import render

TASTES = ("tea", "wool")
CUSTOMERS = 160
HEADER = "customer_id,item_id"


def pairs_of_two_tastes(*, seed: int = 1) -> list[str]:
    """Rows of customers who bought eight of the thirty items of their taste, and no others."""
    rng = np.random.default_rng(seed)
    return [
        f"c{customer:03d},{TASTES[customer % 2]}-{item:02d}"
        for customer in range(CUSTOMERS)
        for item in rng.choice(30, size=8, replace=False)
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has learnt from pairs of two tastes."""
    home = tmp_path_factory.mktemp("pairs") / "home"
    home.mkdir()
    done(home, "ingest", str(a_csv(home / "pairs.csv", pairs_of_two_tastes(), header=HEADER)))
    (home / "told.txt").write_text(done(home, "train").output, encoding="utf-8")
    return home


@pytest.fixture
def client(home: Path) -> Iterator[FlaskClient]:
    services = connected(Settings(home=home, workers=1, request_budget=AMPLE))
    yield create_app(services).test_client()
    services.close()


@pytest.fixture
def shop(sqlite_url: str, tmp_path: Path) -> Iterator[Shop]:
    with a_shop(sqlite_url, tmp_path / "home") as opened:
        yield opened


def test_lists_are_of_the_customers_taste_and_of_items_new_to_them(home: Path) -> None:
    target = home / "all.jsonl"
    bought = set(pairs_of_two_tastes())

    done(home, "recommend", "--all", "--limit", "10", "--output", str(target))

    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == CUSTOMERS * 10
    assert not bought & {f"{row['customer_id']},{row['item_id']}" for row in rows}
    fitting = [row["item_id"].startswith(taste_of(row["customer_id"])) for row in rows]
    assert np.mean(fitting) > 0.99


def test_the_comparison_is_labelled_as_a_random_split_everywhere(home: Path) -> None:
    told = (home / "told.txt").read_text(encoding="utf-8")
    (version,) = ModelStore(home / "models").versions()
    note = ModelStore(home / "models").manifest(version).training

    shown = done(home, "models", "show", version).output

    for text in (told, shown):
        assert "random split, no time in the data" in " ".join(text.split())
        assert "Habits halve" not in text
    assert note["evaluated_by"] == "random split, no time in the data"
    assert note["split"]["held_out"] == HELD_OUT


def test_the_model_beats_what_sells_best_and_is_a_blend_chosen_by_validation(home: Path) -> None:
    (version,) = ModelStore(home / "models").versions()
    note = ModelStore(home / "models").manifest(version).training
    metrics = {name: each["overall"]["ndcg"] for name, each in note["metrics"].items()}

    alone = {"popularity", "neighbours", "item-item", "EASE", "ALS"}

    assert set(metrics) == alone | {"regulars"}
    # Whoever knows the taste has half as many items to choose from.
    assert metrics["regulars"] > 1.5 * metrics["popularity"]
    assert any(note["recipe"]["blends"]["any"][name] for name in ("als", "item_item", "ease"))


def test_evaluate_holds_a_part_out_and_says_so(home: Path) -> None:
    (version,) = ModelStore(home / "models").versions()
    note = ModelStore(home / "models").manifest(version).training

    told = done(home, "evaluate").output

    report = (home / "reports" / f"evaluation-{version}.html").read_text(encoding="utf-8")
    row = next(line for line in told.splitlines() if line.startswith(" regulars  "))
    # The same customers and items as in training.
    assert row.split()[1] == f"{note['metrics']['regulars']['overall']['ndcg']:.3f}".lstrip("0")
    for name in ("EASE", "ALS", "neighbours", "item-item", "popularity"):
        assert name in told
        assert name in report
    assert "Discover" not in told
    assert "a random split" in report
    assert "without 20% of the items of each customer" in report
    assert "settled its blend" in report


@pytest.mark.parametrize("option", [("--test-days", "7"), ("--surfaces",)])
def test_what_needs_times_is_refused_by_name(home: Path, option: tuple[str, ...]) -> None:
    assert "leave --test-days and --surfaces out" in refused(home, "evaluate", *option)


def test_there_is_no_window_to_tune_or_compare_by(home: Path) -> None:
    (version,) = ModelStore(home / "models").versions()

    assert "no validation window" in refused(home, "tune", "--budget", "1s")
    assert "`regulars evaluate`" in refused(home, "compare", version, "another")


def test_the_same_pairs_again_make_an_equal_model_that_is_compared_with_the_live_one(
    home: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "twin"
    twin.mkdir()
    done(twin, "ingest", str(home / "pairs.csv"))
    done(twin, "train")
    again = done(twin, "train", "--no-publish").output

    (first,) = ModelStore(home / "models").versions()
    second = ModelStore(twin / "models").current_version()

    assert second is not None
    assert sums(home, first) == sums(twin, second)
    assert "champion" in again


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/c000/recommendations?limit=5",
        "/v1/customers/nobody/recommendations?limit=5",
        "/v1/items/tea-00/similar?limit=5",
        "/v1/items/popular?limit=5",
    ],
)
def test_the_storefront_gets_full_lists(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert len(answer.json["items"]) == 5


def test_a_purchase_counts_at_once(client: FlaskClient) -> None:
    purchase = {
        "event_id": "e1",
        "type": "purchase",
        "customer_id": "newcomer",
        "lines": [{"item_id": f"wool-0{number}", "quantity": 1} for number in range(4)],
    }

    client.post("/v1/events", json=purchase)
    listed = client.get("/v1/customers/newcomer/recommendations").json["items"]

    assert {each["item_id"].partition("-")[0] for each in listed} == {"wool"}


def test_pairs_become_one_order_a_customer_at_one_stated_moment(shop: Shop, tmp_path: Path) -> None:
    rows = ["anna,tea", "anna,wool", "ben,tea", "anna,tea", ",tea"]

    report = shop.ingest(a_csv(tmp_path / "pairs.csv", rows, header=HEADER))

    assert counts_of(report) == {
        "accepted": 3,
        "duplicate": 1,
        "rejected: missing_customer": 1,
    }
    assert {(each.type, each.occurred_at) for each in shop.log()} == {(EventType.PURCHASE, UNDATED)}
    assert [each.orders for each in map(shop.summary, ("anna", "ben")) if each] == [1, 1]
    (told,) = (" ".join(render(each)) for each in report.files)
    assert "no times: each customer's are one order, dated 2000-01-01 for everybody" in told


def test_more_pairs_later_join_the_customers_order(shop: Shop, tmp_path: Path) -> None:
    shop.ingest(a_csv(tmp_path / "one.csv", ["anna,tea"], header=HEADER))

    report = shop.ingest(a_csv(tmp_path / "two.csv", ["anna,tea", "anna,wool"], header=HEADER))

    summary = shop.summary("anna")
    assert counts_of(report) == {"accepted": 1, "duplicate": 1}
    assert summary is not None
    assert summary.orders == 1


@pytest.mark.parametrize(
    ("header", "options"),
    [
        ("Client,SKU", {"columns": {"customer_id": "Client", "item_id": "SKU"}}),
        ("customer_id,item_id,title", {}),
        ("customer_id,item_id,stars", {"format": "pairs"}),
    ],
)
def test_columns_may_be_mapped_describe_items_or_be_passed_over(
    shop: Shop, tmp_path: Path, header: str, options: dict[str, Any]
) -> None:
    row = "anna,tea" if header.count(",") == 1 else "anna,tea,5"

    report = shop.ingest(a_csv(tmp_path / "pairs.csv", [row], header=header), **options)

    assert counts_of(report) == {"accepted": 1}
    assert report.files[0].undated


@pytest.mark.parametrize("header", ["customer_id,item_id,bought_on", "customer_id,item_id,score"])
def test_a_column_that_may_be_a_time_is_never_passed_over_unasked(
    shop: Shop, tmp_path: Path, header: str
) -> None:
    path = a_csv(tmp_path / "a.csv", ["anna,tea,2026-01-02"], header=header)

    with pytest.raises(DataRefused, match=r"no column for occurred_at.*--format pairs"):
        shop.ingest(path)


def test_pairs_do_not_move_with_a_sample(shop: Shop, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "pairs.csv", ["anna,tea"], header=HEADER)

    shop.ingest(path, shift_days=30)

    assert [each.occurred_at for each in shop.log()] == [UNDATED]


def test_pairs_of_which_nobody_has_two_are_refused(tmp_path: Path) -> None:
    path = a_csv(tmp_path / "pairs.csv", ["anna,tea", "ben,wool"], header=HEADER)
    done(tmp_path / "home", "ingest", str(path))

    assert "no customer has two items" in refused(tmp_path / "home", "train")


def taste_of(customer_id: str) -> str:
    return TASTES[int(customer_id[1:]) % 2]


def sums(home: Path, version: str) -> dict[str, str]:
    """What the arrays of a version come to, but those of the customer model."""
    found = digests(home, version)
    return {name: each for name, each in found.items() if not name.startswith("cuts")}
