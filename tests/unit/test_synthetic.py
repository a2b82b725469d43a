"""The made-up shop that costs are measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.synthetic import DAYS, Purchases, shop, write_parquet


@pytest.fixture(scope="module")
def bought() -> Purchases:
    return shop(customers=2_000, items=400, purchases=40_000, seed=3)


def test_the_shop_has_the_size_that_was_asked_for(bought: Purchases) -> None:
    assert len(bought.item) == 40_000
    assert np.array_equal(np.unique(bought.customer), np.arange(2_000))
    assert (int(bought.item.min()), int(bought.item.max())) == (0, 399)


def test_the_same_seed_makes_the_same_shop_and_another_one_another(bought: Purchases) -> None:
    again = shop(customers=2_000, items=400, purchases=40_000, seed=3)
    other = shop(customers=2_000, items=400, purchases=40_000, seed=4)

    assert all(
        np.array_equal(one, two) for one, two in zip(_arrays(bought), _arrays(again), strict=True)
    )
    assert not np.array_equal(bought.item, other.item)


def test_an_order_is_one_customers_at_one_time_and_orders_go_on_in_time(bought: Purchases) -> None:
    same = bought.order[1:] == bought.order[:-1]

    assert np.all(bought.customer[1:][same] == bought.customer[:-1][same])
    assert np.all(np.diff(bought.second)[same] == 0)
    assert np.all(np.diff(bought.second) >= 0)
    assert 0 <= bought.second.min() <= bought.second.max() < DAYS * 86_400


def test_a_few_items_sell_most_and_a_few_customers_buy_most(bought: Purchases) -> None:
    items = np.sort(np.bincount(bought.item))[::-1]
    customers = np.sort(np.bincount(bought.customer))[::-1]

    assert items[:40].sum() > 0.3 * items.sum()
    assert customers[:200].sum() > 0.25 * customers.sum()


def test_customers_buy_again_what_they_bought(bought: Purchases) -> None:
    pairs = np.unique(bought.customer.astype(np.int64) * 400 + bought.item)
    shuffled = np.random.default_rng(0).permutation(bought.item)
    by_chance = np.unique(bought.customer.astype(np.int64) * 400 + shuffled)

    assert len(pairs) < 0.9 * len(by_chance)


def test_the_file_has_a_row_a_line_with_sums_of_two_decimals(
    bought: Purchases, tmp_path: Path
) -> None:
    rows = pq.read_table(write_parquet(bought, tmp_path / "purchases.parquet")).to_pylist()

    assert len(rows) == 40_000
    first = rows[0]
    assert first["customer_id"] == f"c{bought.customer[0]}"
    assert first["unit_price"] == f"{bought.price[0] / 100:.2f}"
    assert first["category"] == f"k{bought.category[bought.item[0]]}"


def _arrays(bought: Purchases) -> list[np.ndarray]:
    return [bought.customer, bought.item, bought.order, bought.second, bought.price]
