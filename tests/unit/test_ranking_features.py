"""What the trees look at: every column by hand, and the same for one customer as for many."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest

from engine.domain.assortment import Assortment
from engine.domain.catalog import Item
from engine.domain.histories import DAY_MS, Histories
from engine.domain.ids import IdTable
from engine.loyalty.cuts import Cuts
from engine.loyalty.purchases import facts_of
from engine.models.item_statistics import ItemStatistics
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.features.asked import Asked
from engine.recommend.features.matrix import columns, matrix
from engine.recommend.features.paid import NAMES as PAID
from engine.recommend.features.people import LOYALTY
from engine.recommend.features.rhythm import GAPS
from engine.recommend.features.rhythm import NAMES as RHYTHM
from engine.recommend.features.said import of_best, ranks
from tests.builders import DAY_ZERO_MS, a_history, histories

ITEMS = IdTable(["apple", "bread", "cheese", "dates"])
NOW_MS = DAY_ZERO_MS + 30 * DAY_MS
HORIZON = 10.0
NAN = float("nan")
CATALOG = {
    "apple": Item("apple", category="fruit", price=100, cost=75),
    "dates": Item("dates", category="fruit", price=0, cost=0),
    "cheese": Item("cheese", category="dairy", price=400),
}
# Anna's orders on days 0, 10 and 20; Ben has none; Cleo has one, of an item that nobody knows.
ANNA = a_history((0, ["apple", "cheese"]), (10, ["apple"]), (20, ["dates"]))
PAST = {"anna": ANNA, "ben": (), "cleo": a_history((25, ["bread", "unheard-of"]))}


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def days(*values: float) -> np.ndarray:
    return DAY_ZERO_MS + (np.array(values) * DAY_MS).astype(np.int64)


STATISTICS = ItemStatistics(
    half_lives=(2.5, 300.0),
    popularity=np.array([[40, 20], [0, 20], [10, 40], [50, 20]], dtype=np.float32),
    buyers=floats(8, 6, 4, 2),
    repeat_rate=floats(0.5, 0.25, 0.1, 0),
    orders_per_buyer=floats(2, 1.5, 1.25, 1),
    gap_days=floats(7, 14, NAN, NAN),
    price=floats(100, 200, NAN, 300),
    first_at=days(0, 5, 0, 20),
    last_at=days(29, 25, 0, 30),
    category_share=floats(0.7, 1, 1, 0.3),
    category_repeat_rate=floats(0.4, 0.25, 0.1, 0.4),
    kind_share=floats(0.8, 0.2, 1, 1),
    discovered=np.array([[10, 20, 30], [0, 20, 0], [10, 39.95, 0], [5, 0, 0]], dtype=np.float32),
    discount=np.array([[0.5, 0.2, 0.1], [0, 0, 0], [NAN, 0.1, 0.2], [1, 1, 1]], dtype=np.float32),
)


def asked_about(past: Histories, **more: object) -> Asked:
    """Every item for every customer."""
    count = len(past)
    pairs = Pairs.of(np.arange(count).repeat(4), np.tile(np.arange(4), count), customers=count)
    asked = Asked(
        query=Query(past, NOW_MS),
        pairs=pairs,
        said={},
        statistics=STATISTICS,
        assortment=Assortment.of(ITEMS, CATALOG),
        horizon_days=HORIZON,
    )
    return replace(asked, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def known() -> dict[str, np.ndarray]:
    """Columns of (anna, ben, cleo) x (apple, bread, cheese, dates)."""
    return {
        name: values.reshape(3, 4)
        for name, values in columns(asked_about(histories(ITEMS, PAST))).items()
    }


@pytest.mark.parametrize(
    ("name", "apple", "cheese", "dates"),
    [
        ("orders", 2, 1, 1),
        ("faded_0.5", 2**-6 + 2**-4, 2**-6, 2**-2),
        ("faded_1", 2**-3 + 2**-2, 2**-3, 2**-1),
        ("faded_2", 2**-1.5 + 2**-1, 2**-1.5, 2**-0.5),
        ("faded_by_order_0.8", 0.8**2 + 0.8, 0.8**2, 1),
        ("in_last_3", 2, 1, 1),
        # Of the orders since the first with it: all three, all three, the last one.
        ("share_since_first", 2 / 3, 1 / 3, 1),
        ("share_of_orders", 2 / 3, 1 / 3, 1 / 3),
        ("days_since", 20, 30, 10),
        ("days_before_last_order", 10, 20, 0),
        ("orders_since", 1, 2, 0),
        ("days_since_first", 30, 30, 10),
        ("gap_days", 10, NAN, NAN),
        ("overdue", 2, NAN, NAN),
        ("units_an_order", 1, 1, 1),
    ],
)
def test_what_anna_bought_of_an_item(known, name: str, apple, cheese, dates) -> None:
    np.testing.assert_allclose(known[name][0, [0, 2, 3]], floats(apple, cheese, dates), rtol=1e-6)


def test_of_what_was_never_bought_counts_are_zero_and_times_unknown(known) -> None:
    for name in ("orders", "faded_1", "faded_by_order_0.95", "in_last_5", "share_since_first"):
        assert known[name][0, 1] == 0
        assert known[name][1].tolist() == [0, 0, 0, 0]
    for name in ("days_since", "orders_since", "gap_days", "overdue", "units_an_order"):
        assert np.isnan(known[name][0, 1])
        assert np.isnan(known[name][1]).all()
    # A share of no orders at all is no number.
    assert np.isnan(known["share_of_orders"][1]).all()


def test_only_the_last_orders_are_in_the_last_orders() -> None:
    past = a_history(*((day, ["apple"] if day < 3 else ["bread"]) for day in range(6)))

    found = columns(asked_about(histories(ITEMS, {"dora": past})))

    # Apple in the first three of six orders.
    assert [found[f"in_last_{last}"][0] for last in (3, 5, 10)] == [0, 2, 3]
    assert found["orders_since"][0] == 3


def test_a_customer_who_stands_in_a_block_twice_has_the_same_columns_twice() -> None:
    once = histories(ITEMS, {"dora": a_history((0, ["apple", "bread"]))})

    found = columns(asked_about(once.take([0, 0])))

    for name in ("orders_since", "share_of_orders", "customer_orders", "faded_by_order_0.8"):
        first, second = found[name].reshape(2, 4)
        np.testing.assert_array_equal(first, second, name)


def test_units_count_an_order_and_not_a_line() -> None:
    past = tuple(line._replace(units=units) for line, units in zip(ANNA, (4, 1, 2, 1), strict=True))

    found = columns(asked_about(histories(ITEMS, {"anna": past})))

    # Four apples in the first order and two in the second; the cheese has no part in it.
    assert found["units_an_order"][0] == 3


def test_stretches_of_time_with_a_purchase_count_the_late_ones_more(known) -> None:
    # Apples 30 and 20 days ago: in the 13th and 9th quarter of a horizon, the 4th and 3rd horizon.
    quarters, whole = 0.93**12 + 0.93**8, 0.75**3 + 0.75**2

    apple = {name: known[name][0, 0] for name in RHYTHM}
    assert apple["stretches_0.25"] == pytest.approx(quarters)
    assert apple["stretches_1"] == pytest.approx(whole)
    assert apple["share_of_stretches_0.25"] == pytest.approx(
        quarters / sum(0.93**back for back in range(13))
    )
    assert apple["share_of_stretches_1"] == pytest.approx(whole / (1 + 0.75 + 0.75**2 + 0.75**3))


def test_two_purchases_in_one_stretch_count_once() -> None:
    past = a_history((21, ["apple"]), (23, ["apple"]))

    found = columns(asked_about(histories(ITEMS, {"dora": past})))

    assert (found["stretches_1"][0], found["share_of_stretches_1"][0]) == (1, 1)


@pytest.mark.parametrize(
    ("bought_on", "variation", "last", "over_last", "over_median"),
    [
        ((24,), NAN, NAN, NAN, NAN),
        ((14, 24), NAN, 10, 6 / 10, 6 / 10),
        ((14, 16, 24), 3 / 5, 8, 6 / 8, 6 / 8),
        # Gaps of 2, 8 and 14 days: 8 on average, give or take the root of 24.
        ((0, 2, 10, 24), 24**0.5 / 8, 14, 6 / 14, 6 / 8),
        # Twice within an hour is no rhythm of an hour.
        ((23.99, 24), NAN, 0.01, 6 / 0.5, 6 / 0.5),
    ],
)
def test_the_days_between_purchases(bought_on, variation, last, over_last, over_median) -> None:
    # Bread stands before and after, to be mixed with nothing.
    past = a_history((0, ["bread"]), *((day, ["apple"]) for day in bought_on), (25, ["cheese"]))

    found = columns(asked_about(histories(ITEMS, {"dora": past, "anna": ANNA})))

    own = [found[name][0] for name in GAPS]
    np.testing.assert_allclose(own, floats(variation, last, over_last, over_median), rtol=1e-3)


def test_what_was_paid_for_an_item_and_how_much_of_it_was_taken() -> None:
    first, second = a_history((10, ["apple"]), (20, ["apple"]))
    past = (
        first._replace(units=2.0, value=200),
        second._replace(units=1.0, value=60, discount=40),
    )

    found = columns(asked_about(histories(ITEMS, {"dora": past})))

    # Half-life of two horizons; the prices were 100 and 60.
    assert {name: found[name][0] for name in PAID} == pytest.approx(
        {
            "units_faded": 2 * 2**-1 + 2**-0.5,
            "value_faded": 200 * 2**-1 + 60 * 2**-0.5,
            "last_units": 1,
            "last_units_of_mean": 1 / 1.5,
            "last_discount": 0.4,
            "discount_share": 40 / 300,
            "last_price_of_mean": 60 / 80,
        }
    )


@pytest.mark.parametrize("name", [*RHYTHM, *PAID])
def test_of_what_was_never_bought_there_is_no_rhythm_and_no_price(known, name: str) -> None:
    missing = 0 if name.endswith("_faded") or "stretches" in name else NAN

    np.testing.assert_array_equal(known[name][1], np.full(4, missing))
    np.testing.assert_array_equal(known[name][0, 1], missing)


def test_who_went_on_to_another_item_of_a_category_leaves_the_first_behind(known) -> None:
    # Anna's dates came after her last apples; nothing came after the dates and the cheese.
    since = known["category_since_item"][0]
    np.testing.assert_array_equal(since, floats(1, NAN, 0, 0))
    np.testing.assert_array_equal(known["category_of_last"][0], floats(2, 0, 1, 1))


def test_only_the_last_lines_of_a_category_are_looked_through() -> None:
    past = a_history((0, ["apple", "dates"]), *((day, ["dates"]) for day in range(1, 6)))

    found = columns(asked_about(histories(ITEMS, {"dora": past})))

    # What lay in one basket with the apples is not later than they.
    assert (found["category_since_item"][0], found["category_of_last"][0]) == (5, 0)
    assert (found["category_since_item"][3], found["category_of_last"][3]) == (0, 5)


@pytest.mark.parametrize(
    ("name", "fruit", "dairy"),
    [
        ("category_lines", 3, 1),
        ("category_orders", 3, 1),
        # Half-life of two horizons.
        ("category_faded", 2**-1.5 + 2**-1 + 2**-0.5, 2**-1.5),
        ("category_days_since", 10, 30),
        # Every ten days, ten days ago; of a single order nothing can be said.
        ("category_overdue", 1, NAN),
        ("category_share", 3 / 4, 1 / 4),
        ("category_repeat_rate", 0.4, 0.1),
    ],
)
def test_what_anna_bought_of_a_category(known, name: str, fruit: float, dairy: float) -> None:
    np.testing.assert_allclose(known[name][0, [0, 2, 3]], floats(fruit, dairy, fruit), rtol=1e-6)


def test_an_item_has_its_part_of_what_anna_buys_in_its_category(known) -> None:
    # Two apples and one of the dates in three lines of fruit; the cheese is all of the dairy.
    np.testing.assert_allclose(known["share_in_category"][0, [0, 2, 3]], floats(2 / 3, 1, 1 / 3))
    assert known["item_share_in_category"][0].tolist() == floats(0.7, 1, 1, 0.3).tolist()


def test_two_items_of_a_category_in_one_order_are_one_visit_to_it() -> None:
    past = a_history((0, ["apple", "dates"]), (10, ["dates"]))

    found = columns(asked_about(histories(ITEMS, {"dora": past})))

    assert (found["category_orders"][0], found["category_lines"][0]) == (2, 3)


def test_without_categories_kinds_and_brands_there_are_no_columns_of_them() -> None:
    asked = asked_about(histories(ITEMS, PAST), assortment=Assortment.unknown(4))

    groups = ("category_", "kind_", "brand_", "item_share_in_kind")
    assert not [name for name in columns(asked) if name.startswith(groups)]


@pytest.mark.parametrize(
    ("name", "red", "green"),
    [
        ("faded", 2**-1.5 + 2**-1 + 2**-0.5, 2**-1.5),
        ("days_since", 10, 30),
        ("distinct", 2, 1),
        # Two different ones among three bought.
        ("variety", 2 / 3, 1),
        (
            "share",
            (2**-1.5 + 2**-1 + 2**-0.5) / (2 * 2**-1.5 + 2**-1 + 2**-0.5),
            2**-1.5 / (2 * 2**-1.5 + 2**-1 + 2**-0.5),
        ),
    ],
)
@pytest.mark.parametrize("group", ["kind", "brand"])
def test_what_anna_bought_of_the_like_of_an_item(group: str, name: str, red, green) -> None:
    # Apple, bread and dates are of one kind and one brand; the cheese is of another.
    alike = {
        "apple": Item("apple", title="Tin of 2", brand="Red"),
        "bread": Item("bread", title="OF tin, 500 g", brand="Red"),
        "cheese": Item("cheese", title="Tub", brand="Green"),
        "dates": Item("dates", title="tin of x", brand="Red"),
    }
    past = histories(ITEMS, PAST)

    found = columns(asked_about(past, assortment=Assortment.of(ITEMS, alike)))

    own = found[f"{group}_{name}"][:4]
    np.testing.assert_allclose(own, floats(red, red, green, red), rtol=1e-6)
    np.testing.assert_array_equal(found["item_share_in_kind"][:4], STATISTICS.kind_share)


@pytest.mark.parametrize(
    ("name", "anna", "ben", "cleo"),
    [
        ("customer_orders", 3, 0, 1),
        ("customer_days_since", 10, NAN, 5),
        ("customer_tenure_days", 30, NAN, 5),
        ("customer_gap_days", 10, NAN, NAN),
        ("customer_overdue", 1, NAN, NAN),
        ("customer_lines_an_order", 4 / 3, NAN, 2),
        # One line of four was of something bought before; what nobody knows is no repeat.
        ("customer_repeat_share", 1 / 4, NAN, 0),
        # Apple and dates; the cheese has no price. Cleo bought bread.
        ("customer_price", 200, NAN, 200),
        # Anna's four lines fade with a half-life of a horizon; only her second apples are no first.
        ("customer_explore_share", (2 * 2**-3 + 2**-1) / (2 * 2**-3 + 2**-2 + 2**-1), NAN, 1),
    ],
)
def test_what_is_known_of_customers(known, name: str, anna, ben, cleo) -> None:
    for row, expected in enumerate((anna, ben, cleo)):
        np.testing.assert_allclose(known[name][row], np.full(4, expected), rtol=1e-6)


def test_a_price_is_told_beside_what_the_customer_pays(known) -> None:
    np.testing.assert_allclose(known["relative_price"][0], floats(0.5, 1, NAN, 1.5))


def test_what_is_known_of_items_is_the_same_for_everyone(known) -> None:
    trend = [(40.001, 20.001), (0.001, 20.001), (10.001, 40.001), (50.001, 20.001)]
    expected = {
        "popularity_0": floats(40, 0, 10, 50),
        "popularity_1": floats(20, 20, 40, 20),
        "trend": floats(*(log(lately / ever) for lately, ever in trend)),
        "item_buyers": STATISTICS.buyers,
        "item_repeat_rate": STATISTICS.repeat_rate,
        "item_orders_per_buyer": STATISTICS.orders_per_buyer,
        "item_gap_days": STATISTICS.gap_days,
        "item_price": STATISTICS.price,
        "item_age_days": floats(30, 25, 30, 10),
        "item_unsold_days": floats(1, 5, 30, 0),
        # Free dates have no margin, and of cheese the cost is unknown.
        "item_margin": floats(0.25, NAN, NAN, NAN),
        "discovered_0": floats(10, 0, 10, 5),
        "discovered_1": floats(20, 20, 39.95, 0),
        "discovered_2": floats(30, 0, 0, 0),
        "item_discount_0": floats(0.5, 0, NAN, 1),
        "item_discount_2": floats(0.1, 0, 0.2, 1),
        "discovered_share": floats(1, 1, 40 / 40.05, 0.05 / 20.05),
    }

    for name, values in expected.items():
        np.testing.assert_allclose(known[name], np.tile(values, (3, 1)), rtol=1e-6, err_msg=name)


def test_the_moment_is_its_weekday_and_what_is_in_hand() -> None:
    past = histories(ITEMS, PAST)
    hands = {"anna": a_history((30, ["apple", "bread"])), "ben": (), "cleo": a_history((30, ["x"]))}
    query = Query(past, NOW_MS, histories(ITEMS, hands))

    found = columns(asked_about(past, query=query))

    # 31 January 2026 was a Saturday; Monday is 0.
    assert set(found["weekday"].tolist()) == {5}
    assert found["basket_items"].reshape(3, 4)[:, 0].tolist() == [2, 0, 1]
    assert set(columns(asked_about(past))["basket_items"].tolist()) == {0}


def test_what_a_scorer_says_stands_beside_its_best_and_by_rank() -> None:
    pairs = Pairs.of(np.array([0, 0, 0, 0, 1, 1]), np.array([0, 1, 2, 3, 0, 2]), customers=3)
    scores = floats(2, NAN, 4, 2, -1, NAN)

    # Ties by item; where nothing good is said, of nothing is there a share.
    np.testing.assert_array_equal(of_best(scores, pairs), floats(0.5, 0, 1, 0.5, 0, 0))
    np.testing.assert_array_equal(ranks(scores, pairs), floats(1, NAN, 0, 2, 0, NAN))


def test_every_scorer_has_three_columns() -> None:
    past = histories(ITEMS, PAST)
    said = {"als": np.arange(12, dtype=np.float32), "quiet": np.full(12, np.nan, np.float32)}

    found = columns(asked_about(past, said=said))

    assert found["als_of_best"][:4].tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert found["als_rank"][:4].tolist() == [3, 2, 1, 0]
    assert np.isnan(found["quiet"]).all() and np.isnan(found["quiet_rank"]).all()
    assert found["quiet_of_best"].tolist() == [0] * 12


def test_a_matrix_has_the_named_columns_in_their_order_and_what_is_missing_is_unknown() -> None:
    found = matrix({"a": floats(1, 2), "b": floats(3, 4)}, ("b", "new", "a"), rows=2)

    np.testing.assert_array_equal(found, np.array([[3, NAN, 1], [4, NAN, 2]], dtype=np.float32))


def with_loyalty(past: Histories) -> Asked:
    facts = facts_of(ITEMS, Assortment.of(ITEMS, CATALOG))
    return asked_about(past, cuts=Cuts.untrained(), facts=facts)


def test_loyalty_stands_in_the_row_of_its_customer() -> None:
    found = columns(with_loyalty(histories(ITEMS, PAST)))

    own = {name: found[f"loyalty_{name}"].reshape(3, 4) for name in LOYALTY}
    # Two gaps of ten days beside two of the thirty that are usual where nothing is known.
    assert own["cycle_days"][0].tolist() == [20] * 4
    assert own["overdue"][0].tolist() == [0.5] * 4
    assert np.isnan(own["cycle_days"][1]).all()


def test_one_customer_alone_has_the_columns_of_many() -> None:
    rng = np.random.default_rng(9)
    past = histories(
        ITEMS,
        {
            f"c{number}": a_history(
                *(
                    (day, rng.choice(ITEMS.ids, size=rng.integers(1, 4), replace=False).tolist())
                    for day in np.sort(rng.uniform(0, 30, size=number % 7)).tolist()
                )
            )
            for number in range(40)
        },
    )
    together = columns(with_loyalty(past))

    for row in (0, 5, 6, 39):
        alone = columns(with_loyalty(past.take([row])))
        assert alone.keys() == together.keys()
        for name, values in alone.items():
            assert values.dtype == together[name].dtype == np.float32, name
            np.testing.assert_array_equal(values, together[name][4 * row : 4 * row + 4], name)


def test_nobody_asked_about_is_no_error() -> None:
    found = columns(with_loyalty(histories(ITEMS, {})))

    assert {values.shape for values in found.values()} == {(0,)}
