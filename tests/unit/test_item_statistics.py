"""What training counts of every item, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.domain.assortment import Assortment
from engine.domain.catalog import Item
from engine.domain.histories import DAY_MS
from engine.domain.ids import IdTable
from engine.models.item_statistics import ItemStatistics
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_purchase, histories
from training.fitting.item_statistics import FADING, PRIOR_BUYERS, fit_item_statistics
from training.history import Purchases, purchases_before

ITEMS = ("apple", "bread", "cheese", "dates")
UNTIL_MS = DAY_ZERO_MS + 40 * DAY_MS
HORIZON = 10.0
NAN = float("nan")
CATALOG = {
    "apple": Item("apple", category="fruit"),
    "dates": Item("dates", category="fruit"),
    "cheese": Item("cheese", category="dairy"),
}


def the_shop() -> Purchases:
    """Anna buys apples on days 0, 10 and 30, Ben apples once; a guest buys bread on day 40."""
    log = a_log(
        [
            a_purchase("e1", "anna", {"apple": 4, "cheese": 1}, day=0),
            a_purchase("e2", "anna", ["apple"], day=10, unit_price=250),
            a_purchase("e3", "anna", ["apple"], day=30, unit_price=100),
            a_purchase("e4", "ben", ["apple", "dates"], day=30, unit_price=0),
            a_purchase("g1", None, ["bread"], day=39, unit_price=999),
        ]
    )
    return purchases_before(log, cut_ms=UNTIL_MS)


@pytest.fixture(scope="module")
def known() -> ItemStatistics:
    purchases = the_shop()
    assert purchases.items.ids == ITEMS
    assortment = Assortment.of(purchases.items, CATALOG)
    return fit_item_statistics(purchases, assortment, horizon_days=HORIZON)


def test_popularity_is_the_share_of_all_lines_halved_by_age(known: ItemStatistics) -> None:
    assert known.half_lives == tuple(times * HORIZON for times in FADING)
    # A half-life of ten days, in ten thousandths. Ages: apple 40, 30, 10, 10; bread 1; and so on.
    apple, bread = 2**-4 + 2**-3 + 2 * 2**-1, 2**-0.1
    cheese, dates = 2**-4, 2**-1
    whole = apple + bread + cheese + dates
    expected = np.array([apple, bread, cheese, dates]) / whole * 10_000
    np.testing.assert_allclose(known.popularity[:, FADING.index(1.0)], expected, rtol=1e-5)
    np.testing.assert_allclose(known.popularity.sum(axis=0), 10_000, rtol=1e-5)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        # Guests buy too, but nobody knows whether they come again.
        ("buyers", [2, 0, 1, 1]),
        ("orders_per_buyer", [(3 + 1) / 2, 0, 1, 1]),
        # Anna's three orders with apples span thirty days.
        ("gap_days", [15, NAN, NAN, NAN]),
        # 400 for four, 250 and 100 for one each; what Ben got was free.
        ("price", [750 / 6, NAN, 100, NAN]),
        # One buyer of apples in two came again; the two of fruit are apples and dates.
        ("category_repeat_rate", [1 / 3, 0, 0, 1 / 3]),
    ],
)
def test_what_is_counted_of_items(
    known: ItemStatistics, column: str, expected: list[float]
) -> None:
    np.testing.assert_allclose(getattr(known, column), np.float32(expected), rtol=1e-6)


def test_the_repeat_rate_of_few_buyers_is_nearly_that_of_the_shop(known: ItemStatistics) -> None:
    # One pair of four came again.
    usual = 1 / 4
    expected = [
        (1 + PRIOR_BUYERS * usual) / (2 + PRIOR_BUYERS),
        usual,
        PRIOR_BUYERS * usual / (1 + PRIOR_BUYERS),
        PRIOR_BUYERS * usual / (1 + PRIOR_BUYERS),
    ]
    np.testing.assert_allclose(known.repeat_rate, expected, rtol=1e-6)


def test_items_were_sold_first_and_last_when_anyone_bought_them(known: ItemStatistics) -> None:
    days = [(at - DAY_ZERO_MS) / DAY_MS for at in (*known.first_at, *known.last_at)]

    assert days == [0, 39, 0, 30, 30, 39, 0, 30]


def test_an_item_has_its_part_of_what_its_category_sells(known: ItemStatistics) -> None:
    apple, dates = 2**-4 + 2**-3 + 2 * 2**-1, 2**-1
    fruit = apple + dates

    # Bread is alone among the items without a category, as cheese is among the dairy.
    expected = [apple / fruit, 1, 1, dates / fruit]
    np.testing.assert_allclose(known.category_share, expected, rtol=1e-5)


def test_what_was_discovered_counts_the_first_purchase_of_each_customer(known) -> None:
    # Anna found apples and cheese forty days ago; Ben apples and dates ten days ago.
    apple, cheese, dates = 2**-4 + 2**-1, 2**-4, 2**-1
    whole = apple + cheese + dates
    expected = np.array([apple, 0, cheese, dates]) / whole * 10_000
    np.testing.assert_allclose(known.discovered[:, FADING.index(1.0)], expected, rtol=1e-5)


def test_a_discount_is_told_of_what_was_sold_lately_only() -> None:
    early, late = a_history((0, ["apple"]), (35, ["apple"]))
    lines = [early._replace(discount=100), late._replace(value=60, discount=20)]
    purchases = replace(
        the_shop(),
        customers=histories(the_shop().items, {"anna": lines}),
    )

    known = fit_item_statistics(purchases, Assortment.unknown(4), horizon_days=HORIZON)

    # Five days ago: more than a quarter of a horizon, less than one. Nothing else was sold.
    np.testing.assert_allclose(known.discount[0], [np.nan, 20 / 80, 20 / 80])
    assert np.isnan(known.discount[1:]).all()


def test_an_item_has_its_part_of_what_its_kind_sells() -> None:
    purchases = the_shop()
    # Apples and dates are packs of one thing; of the others nothing is known.
    titles = {"apple": Item("apple", title="Box, 6"), "dates": Item("dates", title="box 12 g")}
    known = fit_item_statistics(
        purchases, Assortment.of(purchases.items, titles), horizon_days=HORIZON
    )

    apple, dates = 2**-4 + 2**-3 + 2 * 2**-1, 2**-1
    expected = [apple / (apple + dates), dates / (apple + dates)]
    np.testing.assert_allclose(known.kind_share[[0, 3]], expected, rtol=1e-5)


def test_money_and_shares_are_single_precision_and_times_are_whole(known: ItemStatistics) -> None:
    kinds = {name: array.dtype for name, array in known.arrays().items()}

    assert kinds.pop("first_at") == kinds.pop("last_at") == np.int64
    assert set(kinds.values()) == {np.dtype(np.float32)}


def test_an_item_nobody_bought_counts_nothing_and_begins_at_the_end() -> None:
    items = IdTable(["apple", "never"])
    past = histories(items, {"anna": a_history((0, ["apple"]))})
    purchases = Purchases(past, histories(items, {}), items, UNTIL_MS)

    known = fit_item_statistics(purchases, Assortment.unknown(2), horizon_days=HORIZON)

    assert known.popularity[1].tolist() == [0, 0, 0, 0]
    assert known.first_at[1] == known.last_at[1] == UNTIL_MS
    assert known.buyers.tolist() == [1, 0]


def test_a_shop_without_purchases_has_statistics_of_nothing() -> None:
    items = IdTable(())
    nobody = histories(items, {})

    known = fit_item_statistics(
        Purchases(nobody, nobody, items, UNTIL_MS), Assortment.unknown(0), horizon_days=HORIZON
    )

    assert {len(array) for array in known.arrays().values()} == {0}
