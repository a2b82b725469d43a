"""When what was bought is due again: by hand, by law, and on shoppers who follow known rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.assortment import Assortment
from engine.domain.histories import DAY_MS, Histories
from engine.domain.ids import IdTable
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.models.renewals import Profile, moments, occasions, pace
from engine.models.repurchase import Habits, RepurchaseTiming, Rhythm
from tests.builders import DAY_ZERO_MS, a_history, histories
from training.fitting.repurchase import RepurchaseConfig, fit_repurchase
from training.history import Purchases

YEAR = 365.0


def on_day(day: float) -> int:
    return DAY_ZERO_MS + round(day * DAY_MS)


def a_profile() -> Profile:
    """Half a purchase an interval until it is due, a tenth after; never for those of rank 3."""
    return Profile(
        starts=np.float32([0, 1]),
        ranks=np.int32([1, 3]),
        hazard=np.float32([[0.5, 0.1], [0, 0]]),
    )


def a_timing(*, pace_power: float = 0.0) -> RepurchaseTiming:
    """Item 0 every 10 days and item 1 every 20 days, half as likely; horizon 10 days."""
    habits = Habits(
        interval_days=np.float32([10, 20]), shape=np.float32([2, 1]), rate=np.float32([2, 2])
    )
    rhythm = Rhythm(
        horizon_days=10.0, order_gap_days=5.0, pace_power=pace_power, interval_strength=1.0
    )
    return RepurchaseTiming(habits, a_profile(), rhythm)


def probability(scorer: RepurchaseTiming, past: Histories, *, day: float) -> np.ndarray:
    return scorer.score(Query(past, now_ms=on_day(day))).dense()


def test_one_purchase_waits_the_usual_interval() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]))})

    found = probability(a_timing(), past, day=5)

    # From half an interval to one and a half: 0.5 x 0.5 + 0.1 x 0.5.
    np.testing.assert_allclose(found, [[1 - np.exp(-0.3), np.nan]], rtol=1e-6)


def test_own_intervals_count_beside_the_usual_one() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["b"]), (50, ["b"]))})

    timing = a_timing().timing(Query(past, now_ms=on_day(57)))

    # One interval of 50 days and, as strong, the usual one of 20; half of the hazard for item b.
    assert timing.interval_days.tolist() == [35]
    assert timing.elapsed_days.tolist() == [7]
    assert timing.purchases.tolist() == [2]
    expected = 1 - np.exp(-0.5 * 0.5 * 10 / 35)
    np.testing.assert_allclose(timing.probability, [expected], rtol=1e-6)


def test_the_third_purchase_opens_the_class_of_rank_three() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]), (9, ["a"]), (18, ["a"]))})

    assert probability(a_timing(), past, day=20)[0, 0] == 0


def test_a_purchase_ahead_of_the_clock_was_made_just_now() -> None:
    past = histories(["a", "b"], {"c": a_history((3, ["a"]))})

    ahead, just_now = (probability(a_timing(pace_power=0.5), past, day=day) for day in (2, 3))

    np.testing.assert_array_equal(ahead, just_now)


def test_two_orders_of_one_moment_are_one_occasion() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]), (4, ["a", "b"]), (4, ["a"]))})

    found = occasions(past)

    assert found.item.tolist() == [0, 0, 1]
    assert found.rank.tolist() == [1, 2, 1]
    assert found.span_days.tolist() == [0, 4, 0]
    assert found.latest.tolist() == [False, True, True]
    assert moments(past).tolist() == [2]


def test_a_customer_who_orders_seldom_has_longer_intervals() -> None:
    past = histories(["a"], {"x": a_history((0, ["a"]), (2, ["a"])), "y": ()})

    found = pace(past, now_ms=on_day(110), order_gap_days=5.0, power=0.5)

    # 110 days and two orders, and as many thought of with 5 days each: 120 / 4 against 5.
    np.testing.assert_allclose(found, [np.sqrt(6), 1])


@given(
    rank=st.integers(1, 50),
    times=st.lists(st.floats(0, 1e6, allow_nan=False), min_size=2, max_size=9),
)
def test_the_longer_the_wait_the_more_is_expected(rank: int, times: list[float]) -> None:
    elapsed = np.sort(np.asarray(times))

    expected = a_profile().expected(np.full(len(elapsed), rank), elapsed)

    assert (np.diff(expected) >= 0).all()
    assert a_profile().expected(np.array([rank]), np.zeros(1)).tolist() == [0]


@dataclass(frozen=True)
class Shop:
    """Customers (rows of arrays) and when each bought each item, in days; and what is true."""

    purchases: Purchases
    later: np.ndarray
    assortment: Assortment


def a_shop(
    waits: Mapping[str, np.ndarray], *, cut: float, start: np.ndarray, horizon: float = 28
) -> Shop:
    """Customers who buy each item first at `start` and then after each of its waits.

    A value of `waits` has shape (customers, most waits); infinite: never again.
    """
    names = sorted(waits)
    row, item, day = [], [], []
    later = np.zeros((len(start), len(names)), dtype=bool)
    for number, name in enumerate(names):
        days = np.cumsum(np.column_stack([start, waits[name]]), axis=1)
        later[:, number] = ((days >= cut) & (days < cut + horizon)).any(axis=1)
        where = np.nonzero(days < cut)
        row.append(where[0])
        item.append(np.full(len(where[0]), number))
        day.append(days[where])
    return Shop(
        Purchases(
            customers=_histories(*map(np.concatenate, (row, item, day)), customers=len(start)),
            guests=histories(names, {}),
            items=IdTable(names),
            until_ms=on_day(cut),
        ),
        later,
        Assortment.unknown(len(names)),
    )


def _histories(row: np.ndarray, item: np.ndarray, day: np.ndarray, *, customers: int) -> Histories:
    order = np.lexsort((item, day, row))
    row, item, day = row[order], item[order], day[order]
    zero = np.zeros(len(row), dtype=np.int64)
    return Histories(
        customers=tuple(f"c{number}" for number in range(customers)),
        indptr=np.concatenate([[0], np.bincount(row, minlength=customers).cumsum()]),
        item=item.astype(np.int32),
        order=np.arange(len(row)),
        at=np.asarray(DAY_ZERO_MS + day * DAY_MS, dtype=np.int64),
        units=np.ones(len(row), dtype=np.float32),
        value=zero,
        discount=zero,
    )


def exponential(mean: np.ndarray, rng: np.random.Generator, *, most: int = 80) -> np.ndarray:
    return rng.exponential(1, (len(mean), most)) * mean[:, None]


def regular(mean: float, rng: np.random.Generator, *, customers: int, most: int = 80) -> np.ndarray:
    return rng.gamma(16, mean / 16, (customers, most))


def never(customers: int) -> np.ndarray:
    return np.full((customers, 1), np.inf)


@pytest.fixture(scope="module")
def shop() -> Shop:
    """Milk every 12 days or so, soap by chance with rates that differ, and one lamp for life."""
    rng = np.random.default_rng(5)
    customers = 3_000
    waits = {
        "lamp": never(customers),
        "milk": regular(12, rng, customers=customers),
        "soap": exponential(1 / rng.gamma(1.5, 1 / 60, customers), rng),
    }
    return a_shop(waits, cut=YEAR, start=rng.uniform(0, YEAR, customers), horizon=7)


@pytest.fixture(scope="module")
def fitted(shop: Shop) -> RepurchaseTiming:
    config = RepurchaseConfig(horizon_days=7.0)
    return fit_repurchase(shop.purchases, shop.assortment, config=config)


def test_as_many_buy_as_the_probabilities_say(shop: Shop, fitted: RepurchaseTiming) -> None:
    scores = fitted.score(Query(shop.purchases.customers, shop.purchases.until_ms)).dense()

    for item, name in enumerate(shop.purchases.items.ids):
        expected, bought = np.nanmean(scores[:, item]), shop.later[:, item].mean()
        # Three standard errors of a share among 3,000, and a tenth for what the profile pools.
        assert expected == pytest.approx(bought, rel=0.1, abs=0.02), name


def test_of_those_said_to_be_due_more_buy(shop: Shop, fitted: RepurchaseTiming) -> None:
    scores = fitted.score(Query(shop.purchases.customers, shop.purchases.until_ms)).dense()
    milk = shop.purchases.items.index("milk")
    groups = np.array_split(np.argsort(scores[:, milk]), 5)

    for rows in groups:
        said, bought = scores[rows, milk].mean(), shop.later[rows, milk].mean()
        assert said == pytest.approx(bought, abs=0.12)
    assert shop.later[groups[-1], milk].mean() > 2 * shop.later[groups[0], milk].mean()


def test_a_consumable_falls_when_it_is_bought_and_rises_until_it_is_due(
    fitted: RepurchaseTiming, shop: Shop
) -> None:
    regular_orders = a_history(*((12.0 * week, ["milk"]) for week in range(5)))
    past = histories(shop.purchases.items, {"c": regular_orders})
    milk = shop.purchases.items.index("milk")
    before = histories(shop.purchases.items, {"c": regular_orders[:-1]})

    waiting = probability(fitted, before, day=48)[0, milk]
    course = [probability(fitted, past, day=48 + day)[0, milk] for day in range(13)]

    assert course[0] < waiting / 2
    assert (np.diff(course[:8]) >= 0).all()
    assert course[8] > 3 * course[0]


def test_what_nobody_buys_again_stays_near_zero_for_long(
    fitted: RepurchaseTiming, shop: Shop
) -> None:
    past = histories(shop.purchases.items, {"c": a_history((0, ["lamp", "soap"]))})
    lamp, soap = (shop.purchases.items.index(name) for name in ("lamp", "soap"))

    for day in (1, 10, 30, 100, 300):
        scores = probability(fitted, past, day=day)[0]
        assert scores[lamp] < 0.01
        assert scores[lamp] < scores[soap]


def test_buyers_of_yesterday_are_not_taken_for_buyers_who_never_came_back() -> None:
    rng = np.random.default_rng(8)
    customers = 1_500
    start = np.where(np.arange(customers) % 2 == 0, 155.0, rng.uniform(0, 120, customers))
    waits = {"milk": regular(14, rng, customers=customers), "lamp": never(customers)}
    everyone = a_shop(waits, cut=160, start=start)
    long_known = a_shop(
        {name: own[1::2] for name, own in waits.items()}, cut=160, start=start[1::2]
    )

    repeats = []
    for shop in (everyone, long_known):
        model = fit_repurchase(shop.purchases, shop.assortment, config=RepurchaseConfig())
        repeats.append(model.repeat_probability(within_days=60))

    counted = [_share_of_repeaters(shop.purchases) for shop in (everyone, long_known)]
    assert np.abs(counted[0] - counted[1]).max() > 0.4
    np.testing.assert_allclose(*repeats, atol=0.05)


def _share_of_repeaters(purchases: Purchases) -> np.ndarray:
    """Of the buyers of each item those who bought it more than once, as it is plainly counted."""
    past = occasions(purchases.customers)
    last = past.where(past.latest)
    return np.bincount(last.item[last.rank > 1], minlength=2) / np.bincount(last.item)


def test_what_is_known_of_a_category_helps_an_item_of_few_purchases() -> None:
    rng = np.random.default_rng(2)
    customers = 400
    waits = {
        **{f"food-{number}": regular(10, rng, customers=customers) for number in range(4)},
        **{f"tool-{number}": never(customers) for number in range(4)},
    }
    known = a_shop(waits, cut=100, start=rng.uniform(0, 99, customers))
    ids = IdTable((*known.purchases.items.ids, "food-new", "tool-new"))
    kinds = IdTable(("food", "tool"))
    assortment = replace(
        Assortment.unknown(len(ids)),
        category=kinds.indices([name.split("-")[0] for name in ids.ids]),
        categories=kinds,
    )

    model = fit_repurchase(
        replace(known.purchases, items=ids), assortment, config=RepurchaseConfig()
    )

    repeats = dict(zip(ids.ids, model.repeat_probability(within_days=60), strict=True))
    assert repeats["food-new"] > 2 * repeats["tool-new"]


def test_renaming_items_renames_the_answer(shop: Shop, fitted: RepurchaseTiming) -> None:
    order = np.array([2, 0, 1])
    everyone = shop.purchases.customers
    moved = _histories(
        everyone.row(),
        order[everyone.item],
        (everyone.at - DAY_ZERO_MS) / DAY_MS,
        customers=len(everyone),
    )

    other = fit_repurchase(
        replace(shop.purchases, customers=moved),
        shop.assortment,
        config=RepurchaseConfig(horizon_days=7.0),
    )

    scores = fitted.score(Query(everyone, shop.purchases.until_ms)).dense()
    others = other.score(Query(moved, shop.purchases.until_ms)).dense()
    np.testing.assert_allclose(scores, others[:, order], rtol=1e-4)


def test_scores_are_probabilities_of_bought_items_only(
    shop: Shop, fitted: RepurchaseTiming
) -> None:
    everyone = shop.purchases.customers
    scores = fitted.score(Query(everyone, shop.purchases.until_ms))

    own = Pairs.of(everyone.row(), everyone.item, customers=len(everyone))

    values = scores.at(own)
    assert values.dtype == np.float32
    assert ((values >= 0) & (values <= 1)).all()
    assert np.isfinite(scores.dense()).sum() == len(own)


def test_a_customer_scores_the_same_alone_and_among_others(
    shop: Shop, fitted: RepurchaseTiming
) -> None:
    everyone = shop.purchases.customers
    together = fitted.score(Query(everyone, shop.purchases.until_ms)).dense()

    for row in (0, 7, 2_999):
        alone = fitted.score(Query(everyone.take([row]), shop.purchases.until_ms)).dense()
        np.testing.assert_array_equal(alone[0], together[row])


def test_saved_and_restored_it_says_the_same_and_asking_changes_nothing(
    shop: Shop, fitted: RepurchaseTiming
) -> None:
    query = Query(shop.purchases.customers.take([1, 2]), shop.purchases.until_ms)
    before = {name: np.copy(values) for name, values in vars(query.histories).items()}
    first = fitted.score(query).dense()

    restored = RepurchaseTiming.restore(fitted.arrays(), fitted.params())

    np.testing.assert_array_equal(restored.score(query).dense(), first)
    assert {array.dtype for array in fitted.arrays().values()} <= {np.dtype("f4"), np.dtype("i4")}
    for name, values in vars(query.histories).items():
        np.testing.assert_array_equal(values, before[name])


def test_unknown_items_are_passed_over_and_no_history_is_no_error() -> None:
    plain = histories(["a", "b"], {"c": a_history((0, ["a"]), (8, ["a"])), "new": ()})
    mixed = histories(["a", "b"], {"c": a_history((0, ["a", "z"]), (8, ["a", "y"])), "new": ()})

    found = [probability(a_timing(), past, day=9) for past in (plain, mixed)]

    np.testing.assert_array_equal(*found)
    assert np.isnan(found[0][1]).all()


def test_without_a_single_repeat_nothing_is_expected_soon() -> None:
    past = histories(["a", "b"], {f"c{day}": a_history((day, ["a"])) for day in range(40)})
    purchases = Purchases(past, histories(["a", "b"], {}), IdTable(["a", "b"]), on_day(400))

    model = fit_repurchase(purchases, Assortment.unknown(2), config=RepurchaseConfig())

    assert np.nanmax(probability(model, past, day=400)) < 0.05


def test_without_any_purchase_it_still_fits_and_says_nothing() -> None:
    nobody = histories(["a"], {})
    purchases = Purchases(nobody, nobody, IdTable(["a"]), on_day(400))

    model = fit_repurchase(purchases, Assortment.unknown(1), config=RepurchaseConfig())

    assert probability(model, histories(["a"], {"new": ()}), day=1).shape == (1, 1)
    assert np.isfinite(model.repeat_probability(within_days=YEAR)).all()


def test_the_defaults_are_within_their_bounds() -> None:
    config = RepurchaseConfig()

    for name in config.__struct_fields__:
        low, high = RepurchaseConfig.BOUNDS[name]
        assert low <= getattr(config, name) <= high
