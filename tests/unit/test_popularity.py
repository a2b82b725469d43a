"""What sells now, and what one customer buys again and again."""

from __future__ import annotations

import numpy as np
import pytest

from engine.domain.ids import IdTable
from engine.models.frequency import PersonalFrequency
from engine.models.interactions import decayed, interactions
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.models.query import Query
from tests.builders import DAY_ZERO_MS, a_history, histories
from training.fitting.popularity import PopularityConfig, fit_popularity
from training.history import Purchases

DAY_MS = 86_400_000


def test_popularity_counts_orders_halved_by_age_and_guests_like_anyone() -> None:
    table = ["a", "b", "c"]
    known = histories(table, {"c": a_history((0, ["a"]), (10, ["a", "b"]))})
    guests = histories(table, {"": a_history((0, ["b"]))})
    purchases = Purchases(known, guests, IdTable(table), until_ms=DAY_ZERO_MS + 10 * DAY_MS)

    popularity = fit_popularity(purchases, config=PopularityConfig(half_life_days=10))

    assert popularity.arrays()["weights"].tolist() == [1.5, 1.5, 0.0]
    query = Query(known, now_ms=purchases.until_ms)
    assert popularity.score(query).dense().tolist() == [[1.5, 1.5, 0.0]]


def test_everyone_is_shown_the_same_best_sellers() -> None:
    popularity = Popularity(np.float32([1, 5, 3]), half_life_days=30)
    query = Query(histories(["a"], {"x": (), "y": ()}), now_ms=0)

    chosen = popularity.score(query).best(2)

    assert chosen.item.tolist() == [1, 2, 1, 2]


def test_frequency_says_nothing_of_what_was_never_bought() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]))})

    scores = PersonalFrequency(items=2, half_life_days=30).score(Query(past, now_ms=0)).dense()

    np.testing.assert_array_equal(scores, np.float32([[1, np.nan]]))


def test_frequency_halves_an_order_for_each_half_life_before_the_last() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a", "b"]), (30, ["a"]), (60, ["b"]))})

    scores = PersonalFrequency(items=2, half_life_days=30).score(Query(past, now_ms=0)).dense()

    assert scores.tolist() == [[0.25 + 0.5, 0.25 + 1]]


def test_the_order_of_a_customers_items_does_not_depend_on_now() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]), (40, ["b"]))})
    scorer = PersonalFrequency(items=2, half_life_days=30)

    soon = scorer.score(Query(past, now_ms=DAY_ZERO_MS + 41 * DAY_MS))
    late = scorer.score(Query(past, now_ms=DAY_ZERO_MS + 400 * DAY_MS))

    np.testing.assert_array_equal(soon.dense(), late.dense())


def test_items_beyond_the_table_are_passed_over() -> None:
    plain = histories(["a"], {"c": a_history((0, ["a"]), (30, ["a"]))})
    mixed = histories(["a"], {"c": a_history((0, ["a", "z"]), (30, ["a", "y"]))})
    scorer = PersonalFrequency(items=1, half_life_days=30)

    scores = [scorer.score(Query(past, now_ms=0)).dense() for past in (plain, mixed)]

    np.testing.assert_array_equal(*scores)


def test_a_customer_scores_the_same_alone_and_among_others() -> None:
    orders = [(float(day), [f"i{(day * 7 + step) % 5}" for step in range(3)]) for day in range(40)]
    table = [f"i{number}" for number in range(5)]
    everyone = histories(
        table, {"x": a_history(*orders[3:]), "y": a_history(*orders), "z": a_history(*orders[::2])}
    )
    scorer = PersonalFrequency(items=5, half_life_days=17)

    together = scorer.score(Query(everyone, now_ms=0)).dense()
    alone = scorer.score(Query(everyone.take([1]), now_ms=0)).dense()

    np.testing.assert_array_equal(alone[0], together[1])


def test_a_purchase_one_half_life_before_the_last_weighs_half() -> None:
    past = histories(["a", "b"], {"c": a_history((0, ["a"]), (30, ["b"]))})

    assert decayed(past, half_life_days=30).tolist() == [0.5, 1.0]


def test_weights_of_repeated_orders_add_up_and_units_do_not_count() -> None:
    past = histories(["a"], {"c": a_history((0, ["a"]), (30, ["a"]), (60, ["a"]))})

    weights = interactions(past, items=1, half_life_days=30)

    assert weights.dtype == np.float32
    assert weights[0, 0] == pytest.approx(1 + 0.5 + 0.25)


def test_data_from_long_ago_weigh_like_data_from_today() -> None:
    recent = histories(["a"], {"c": a_history((0, ["a"]), (30, ["a"]))})
    ancient = histories(["a"], {"c": a_history((-9000, ["a"]), (-8970, ["a"]))})

    assert decayed(recent, half_life_days=1).tolist() == decayed(ancient, half_life_days=1).tolist()


def test_the_best_of_a_customer_are_bought_items_only() -> None:
    past = histories(["a", "b", "c"], {"x": a_history((0, ["b"]), (9, ["c"])), "new": ()})
    scores = PersonalFrequency(items=3, half_life_days=30).score(Query(past, now_ms=0))

    chosen = scores.best(10, without=Pairs.of(np.array([0]), np.array([1]), customers=2))

    assert (chosen.indptr.tolist(), chosen.item.tolist()) == ([0, 1, 1], [2])


@pytest.mark.parametrize(
    "scorer",
    [
        Popularity(np.float32([1, 5, 3]), half_life_days=30),
        PersonalFrequency(items=3, half_life_days=12.5),
    ],
)
def test_saved_and_restored_it_says_the_same(scorer) -> None:
    query = Query(histories(["a", "b", "c"], {"x": a_history((0, ["b"]), (9, ["c"]))}), now_ms=0)

    restored = type(scorer).restore(scorer.arrays(), scorer.params())

    np.testing.assert_array_equal(restored.score(query).dense(), scorer.score(query).dense())
