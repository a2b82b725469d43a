"""Orders like the basket in hand, and what is bought together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pytest

from engine.domain.histories import DAY_MS, Histories, NetLine
from engine.domain.ids import IdTable
from engine.models import postings
from engine.models.query import Query
from engine.models.sessions import Sessions
from tests.builders import DAY_ZERO_MS, a_history, a_log, a_shop, histories
from training.fitting.sessions import SessionsConfig, fit_sessions
from training.history import Purchases, purchases_before

ITEMS = ("apple", "bread", "cheese", "dates", "eggs", "figs")
UNTIL_MS = DAY_ZERO_MS + 100 * DAY_MS
# Counts of orders in common, such that a score can be worked out by hand.
PLAIN = SessionsConfig(half_life_days=1e9, length=0.0, rarity=0.0, step_decay=1.0, damping=0.001)


def fitted(
    *orders: tuple[float, Sequence[str]], config: SessionsConfig = PLAIN, **changes: float
) -> Sessions:
    return fitted_on({"anna": a_history(*orders)}, {}, msgspec.structs.replace(config, **changes))


def fitted_on(
    customers: Mapping[str, Sequence[NetLine]],
    guests: Mapping[str, Sequence[NetLine]],
    config: SessionsConfig = PLAIN,
) -> Sessions:
    table = IdTable(ITEMS)
    past = Purchases(histories(table, customers), histories(table, guests), table, UNTIL_MS)
    return fit_sessions(past, config=config)


def with_baskets(*baskets: Sequence[str]) -> Query:
    """Anonymous visitors with items in hand, the oldest first."""
    everyone = {str(number): () for number in range(len(baskets))}
    in_hand = {
        str(number): [
            NetLine("basket", UNTIL_MS + place, item, 1.0, 0) for place, item in enumerate(basket)
        ]
        for number, basket in enumerate(baskets)
    }
    return Query(histories(ITEMS, everyone), UNTIL_MS, histories(ITEMS, in_hand))


def for_basket(model: Sessions, *basket: str) -> dict[str, float]:
    return named(model.score(with_baskets(basket)).dense()[0])


def together_with(model: Sessions, item: str) -> dict[str, float]:
    return named(model.bought_together(np.asarray([ITEMS.index(item)])).dense()[0])


def named(scores: np.ndarray) -> dict[str, float]:
    """The items with a score, and the score."""
    return {ITEMS[item]: float(scores[item]) for item in np.flatnonzero(~np.isnan(scores))}


@pytest.fixture(scope="module")
def shop() -> Purchases:
    return purchases_before(a_log(a_shop()), cut_ms=2**62)


@pytest.fixture(scope="module")
def model(shop: Purchases) -> Sessions:
    return fit_sessions(shop, config=SessionsConfig(neighbours=10))


@pytest.fixture(scope="module")
def baskets(shop: Purchases) -> Query:
    """As baskets, what each customer has ever bought."""
    return Query(shop.customers, shop.until_ms, shop.customers)


def test_a_score_is_the_share_of_the_nearest_sessions_by_overlap() -> None:
    model = fitted(
        (0, ["apple", "bread", "eggs"]), (1, ["apple", "cheese"]), (2, ["dates", "figs"])
    )

    scores = for_basket(model, "apple", "bread")

    # The first order shares two items with the basket, the second one.
    assert scores == pytest.approx({"eggs": 2 / 3, "cheese": 1 / 3})


def test_what_is_in_the_basket_is_not_scored() -> None:
    model = fitted((0, ["apple", "bread", "eggs"]))

    scores = for_basket(model, "bread", "apple", "bread")

    assert set(scores) == {"eggs"}


def test_without_baskets_there_are_no_scores() -> None:
    model = fitted((0, ["apple", "bread"]))
    no_baskets = Query(histories(ITEMS, {"anna": a_history((0, ["apple"]))}), UNTIL_MS)

    scores = model.score(no_baskets)

    assert scores.shape == (1, len(ITEMS))
    assert np.isnan(scores.dense()).all()


def test_an_empty_basket_gets_no_scores_and_the_next_one_its_own() -> None:
    model = fitted((0, ["apple", "bread"]))

    scores = model.score(with_baskets([], ["apple"], [], ["unheard-of"])).dense()

    assert [named(row) for row in scores] == [{}, {"bread": pytest.approx(1.0)}, {}, {}]


def test_later_items_of_a_basket_count_more() -> None:
    model = fitted((0, ["apple", "dates"]), (1, ["bread", "eggs"]), step_decay=0.5)

    scores = for_basket(model, "apple", "bread")

    assert scores == pytest.approx({"eggs": 2 / 3, "dates": 1 / 3})


def test_items_far_back_in_a_basket_say_nothing_and_are_not_shown_either() -> None:
    model = fitted((0, ["apple", "dates"]), (1, ["apple", "bread", "eggs"]), per_basket=1)

    scores = for_basket(model, "apple", "bread")

    assert set(scores) == {"eggs"}


def test_unknown_items_take_no_place_in_a_basket() -> None:
    model = fitted((0, ["apple", "dates"]), (1, ["bread", "eggs"]), step_decay=0.5, per_basket=2)

    mixed = for_basket(model, "apple", "unheard-of", "bread", "nor-this")

    assert mixed == for_basket(model, "apple", "bread")


def test_of_equally_near_sessions_the_newest_are_heard() -> None:
    model = fitted(
        (0, ["apple", "bread"]), (9, ["apple", "eggs"]), (5, ["apple", "figs"]), neighbours=1
    )

    scores = for_basket(model, "apple")

    assert set(scores) == {"eggs"}


def test_an_item_finds_its_newest_sessions() -> None:
    model = fitted((0, ["apple", "bread"]), (9, ["apple", "eggs"]), per_item=1)

    assert set(for_basket(model, "apple")) == {"eggs"}
    assert set(for_basket(model, "bread")) == {"apple"}


def test_the_newest_sessions_are_stored() -> None:
    model = fitted((0, ["apple", "bread"]), (9, ["apple", "eggs"]), stored=1)

    assert for_basket(model, "bread") == {}
    assert set(for_basket(model, "apple")) == {"eggs"}


def test_a_session_loses_half_its_say_with_every_half_life() -> None:
    model = fitted((60, ["apple", "bread"]), (80, ["apple", "eggs"]), half_life_days=20.0)

    scores = for_basket(model, "apple")

    # Two half-lives and one before the end of the data; half of the sessions each.
    assert scores == pytest.approx({"bread": 0.5 / 4, "eggs": 0.5 / 2})


def test_length_counts_against_a_session() -> None:
    model = fitted((0, ["apple", "bread"]), (1, ["apple", "cheese", "dates", "eggs"]), length=0.5)

    scores = for_basket(model, "apple")

    # Over the roots of two and of four items.
    assert scores["bread"] / scores["eggs"] == pytest.approx(np.sqrt(4 / 2))


def test_a_rare_item_scores_above_a_common_one() -> None:
    orders = [(day, ["bread", "eggs"]) for day in range(5)]
    model = fitted(*orders, (9, ["apple", "bread", "cheese"]), rarity=1.0)

    scores = for_basket(model, "apple")

    # Six orders, all of them with bread and one with cheese.
    assert scores == pytest.approx({"bread": np.log(2), "cheese": np.log(7)})


def test_a_long_order_is_found_by_its_rarest_items_and_speaks_for_more() -> None:
    orders = [(day, ["bread", "eggs"]) for day in range(3)]
    model = fitted(*orders, (9, ["apple", "bread", "cheese", "dates"]), per_session=3)

    assert set(for_basket(model, "apple")) == {"bread", "cheese", "dates"}
    assert set(for_basket(model, "bread")) == {"eggs"}


def test_of_an_order_longer_than_is_heard_the_rarest_items_are() -> None:
    orders = [(day, ["bread", "eggs"]) for day in range(3)]
    model = fitted(*orders, (9, ["apple", "bread", "cheese", "dates"]), heard=3)

    assert set(for_basket(model, "apple")) == {"cheese", "dates"}


def test_an_order_of_one_item_says_nothing() -> None:
    model = fitted((0, ["apple", "bread"]), (1, ["apple"]), (2, ["apple"]), stored=1)

    assert set(for_basket(model, "apple")) == {"bread"}


def test_guests_orders_count_like_customers() -> None:
    model = fitted_on(
        {"anna": a_history((0, ["apple", "bread"]))}, {"guest": a_history((0, ["apple", "eggs"]))}
    )

    # Numbers of orders begin at zero in both, and yet the orders are two.
    assert for_basket(model, "apple") == pytest.approx({"bread": 0.5, "eggs": 0.5})


def test_together_are_what_is_bought_together_and_not_what_everyone_buys() -> None:
    pairs = [(day, ["apple", "cheese", "figs"]) for day in range(8)]
    others = [(day + 0.5, ["figs", ["bread", "dates", "eggs"][day % 3]]) for day in range(60)]
    model = fitted(*pairs, *others)

    scores = together_with(model, "apple")

    assert max(scores, key=scores.__getitem__) == "cheese"
    assert set(scores) == {"cheese", "figs"}


def test_together_is_the_cosine_but_for_the_item_asked_about() -> None:
    orders = (0, ["apple", "bread"]), (1, ["apple", "bread"]), (2, ["bread", "eggs"])
    model = fitted(*orders, commonness=0.5)

    scores = together_with(model, "apple")

    # Two orders with both, three with bread; the damping is a thousandth of an order.
    assert scores == pytest.approx({"bread": 2 / np.sqrt(3)}, rel=1e-3)


def test_without_a_power_together_are_plain_counts() -> None:
    model = fitted((0, ["apple", "bread"]), (0, ["apple", "bread"]), (0, ["apple", "eggs"]))
    counts = fitted(
        (0, ["apple", "bread"]), (0, ["apple", "bread"]), (0, ["apple", "eggs"]), commonness=0.0
    )

    scores = together_with(counts, "apple")

    assert scores["bread"] == pytest.approx(2 * scores["eggs"])
    assert set(scores) == set(together_with(model, "apple"))


def test_damping_keeps_one_coincidence_below_a_habit() -> None:
    habit = [(day, ["apple", "bread"]) for day in range(4)]
    alone = [(day, ["bread", "eggs"]) for day in range(10, 40)]
    orders = [*habit, *alone, (50, ["apple", "figs"])]

    plain = fitted(*orders, commonness=0.5)
    damped = fitted(*orders, commonness=0.5, damping=30.0)

    assert together_with(plain, "apple")["figs"] > together_with(plain, "apple")["bread"]
    assert together_with(damped, "apple")["figs"] < together_with(damped, "apple")["bread"]


def test_recent_orders_count_more_in_what_is_bought_together() -> None:
    model = fitted(
        (0, ["apple", "bread"]), (90, ["apple", "eggs"]), half_life_days=30.0, damping=1.0
    )

    scores = together_with(model, "apple")

    assert scores["eggs"] > scores["bread"]


def test_several_items_are_answered_row_by_row() -> None:
    model = fitted((0, ["apple", "bread"]), (1, ["bread", "eggs"]))

    rows = model.bought_together(np.asarray([5, 0, 1])).dense()

    assert [named(row) for row in rows] == [
        {},
        together_with(model, "apple"),
        together_with(model, "bread"),
    ]


def test_a_shop_without_orders_says_nothing() -> None:
    model = fitted()

    assert for_basket(model, "apple") == {}
    assert together_with(model, "apple") == {}


def test_scores_are_the_same_alone_and_in_blocks(
    model: Sessions, shop: Purchases, baskets: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = model.score(baskets).dense()

    alone = [
        model.score(Query(own, shop.until_ms, own)).dense()[0]
        for own in (shop.customers.take([row]) for row in range(len(shop.customers)))
    ]
    monkeypatch.setattr(postings, "CELLS", 5_000)
    in_blocks = model.score(baskets).dense()

    np.testing.assert_array_equal(np.stack(alone), together)
    np.testing.assert_array_equal(in_blocks, together)


def test_scoring_leaves_model_and_baskets_as_they_were(model: Sessions, baskets: Query) -> None:
    before = {name: array.copy() for name, array in model.arrays().items()}
    given = {name: np.copy(value) for name, value in vars(baskets.baskets).items()}

    model.score(baskets)
    model.bought_together(np.arange(3))

    for name, array in model.arrays().items():
        np.testing.assert_array_equal(array, before[name])
    for name, value in vars(baskets.baskets).items():
        np.testing.assert_array_equal(value, given[name])


def test_saved_and_restored_it_scores_the_same(model: Sessions, baskets: Query) -> None:
    restored = Sessions.restore(model.arrays(), json.loads(json.dumps(model.params())))

    np.testing.assert_array_equal(restored.score(baskets).dense(), model.score(baskets).dense())
    np.testing.assert_array_equal(
        restored.bought_together(np.arange(30)).dense(),
        model.bought_together(np.arange(30)).dense(),
    )


def test_the_arrays_hold_no_float64(model: Sessions) -> None:
    assert {array.dtype.str for array in model.arrays().values()} <= {"<f4", "<i4", "<i8"}


def test_items_in_another_order_get_the_same_scores(shop: Purchases) -> None:
    place = np.random.default_rng(5).permutation(len(shop.items)).astype(np.int32)
    lines = {**vars(shop.customers), "item": place[shop.customers.item]}
    names = [shop.items[int(old)] for old in np.argsort(place)]
    other = Purchases(Histories(**lines), shop.guests, IdTable(names), shop.until_ms)

    plain, moved = (
        fit_sessions(each, config=SessionsConfig(neighbours=10)).score(
            Query(each.customers, each.until_ms, each.customers)
        )
        for each in (shop, other)
    )

    np.testing.assert_array_equal(moved.dense()[:, place], plain.dense())


def test_the_defaults_are_within_their_bounds() -> None:
    config = SessionsConfig()

    assert set(SessionsConfig.BOUNDS) == set(config.__struct_fields__)
    for name, (low, high) in SessionsConfig.BOUNDS.items():
        assert low <= getattr(config, name) <= high
