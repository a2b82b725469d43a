"""Recency, frequency, monetary value and their scores: hand calculations and laws."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.histories import DAY_MS, Histories, NetLine, histories_of
from engine.domain.ids import IdTable
from engine.errors import ModelUnavailable
from engine.loyalty.rfm import RfmCuts, RfmValues, fit_rfm_cuts, rfm_scores, rfm_values

NOON = DAY_MS // 2
# Day 1000 at noon.
NOW = 1_000 * DAY_MS + NOON


def histories(*customers: Sequence[NetLine]) -> Histories:
    return histories_of(
        ((f"c{number}", lines) for number, lines in enumerate(customers)), items=IdTable(["i"])
    )


def a_line(day: float, value: int = 100, order: str = "") -> NetLine:
    return NetLine(order or str(day), round(day * DAY_MS), "i", 1.0, value)


def values_of(
    *, recency: Sequence[float], frequency: Sequence[int], monetary: Sequence[int]
) -> RfmValues:
    return RfmValues(
        recency_days=np.asarray(recency, np.float64),
        frequency=np.asarray(frequency, np.int64),
        monetary=np.asarray(monetary, np.int64),
        first_age_days=np.asarray(recency, np.float64),
        orders=np.asarray(frequency, np.int64),
    )


def test_values_of_a_customer_by_hand():
    bought = [a_line(900), a_line(950.25, 30), a_line(990.5, 250)]

    values = rfm_values(histories(bought), now_ms=NOW)

    assert values.recency_days.tolist() == [10.0]
    assert values.first_age_days.tolist() == [100.5]
    assert values.frequency.tolist() == [3]
    assert values.orders.tolist() == [3]
    assert values.monetary.tolist() == [380]


def test_orders_on_one_utc_day_count_once_and_their_money_twice():
    bought = [a_line(990.01, 100, "a"), a_line(990.99, 50, "b"), a_line(991.0, 7, "c")]

    values = rfm_values(histories(bought), now_ms=NOW)

    assert values.frequency.tolist() == [2]
    assert values.monetary.tolist() == [157]


def test_lines_of_one_order_count_once():
    bought = [a_line(990, order="a"), a_line(990, order="a")]

    values = rfm_values(histories(bought), now_ms=NOW)

    assert values.frequency.tolist() == [1]


def test_orders_of_neighbours_on_one_day_are_each_ones_own():
    values = rfm_values(histories([a_line(990)], [], [a_line(990)]), now_ms=NOW)

    assert values.frequency.tolist() == [1, 0, 1]
    assert values.monetary.tolist() == [100, 0, 100]


def test_what_comes_later_than_now_does_not_exist():
    bought = [a_line(990), a_line(1_001, 999)]

    values = rfm_values(histories(bought, [a_line(1_001)]), now_ms=NOW)

    assert values.recency_days[0] == 10.5
    assert values.frequency.tolist() == [1, 0]
    assert values.monetary.tolist() == [100, 0]
    assert np.isnan(values.recency_days[1])


def test_the_window_bounds_frequency_and_money_but_not_recency():
    old = [a_line(100, 5), a_line(200, 7)]
    mixed = [a_line(100, 5), a_line(999.5, 11)]

    values = rfm_values(histories(old, mixed), now_ms=NOW, window_days=365)

    assert values.frequency.tolist() == [0, 1]
    assert values.monetary.tolist() == [0, 11]
    assert values.orders.tolist() == [2, 2]
    assert values.recency_days.tolist() == [800.5, 1.0]
    assert values.first_age_days.tolist() == [900.5, 900.5]


def test_a_day_that_the_window_cuts_counts_by_the_part_inside():
    # The window opens on day 990 at noon: the first order is out, the second in.
    bought = [a_line(990.25, 1), a_line(990.75, 2), a_line(990.9, 4)]

    values = rfm_values(histories(bought), now_ms=NOW, window_days=10)

    assert values.frequency.tolist() == [1]
    assert values.orders.tolist() == [1]
    assert values.monetary.tolist() == [6]


def test_a_customer_without_an_order_has_no_recency_and_no_scores():
    values = rfm_values(histories([], [a_line(990)]), now_ms=NOW)

    scores = rfm_scores(values, fit_rfm_cuts(values, minimum=1))

    assert np.isnan(values.recency_days[0])
    assert np.isnan(values.first_age_days[0])
    assert scores.codes()[0] == 0
    assert scores.r[1] >= 1


def test_no_customers_at_all_are_no_values_and_absolute_cuts():
    values = rfm_values(histories(), now_ms=NOW)

    cuts = fit_rfm_cuts(values, minimum=0)

    assert len(values) == 0
    assert cuts.method == "absolute"
    assert cuts.monetary == (0, 0, 0, 0)
    assert rfm_scores(values, cuts).r.shape == (0,)


def test_sums_of_large_amounts_are_exact():
    amount = 2**52 + 1
    values = rfm_values(histories([a_line(990, amount), a_line(991, amount)]), now_ms=NOW)

    assert values.monetary.tolist() == [2 * amount]


def test_a_small_shop_gets_absolute_cuts():
    frequency = [1, 2, 3, 4, 5, 9, 10, 40]
    recency = [0, 29.9, 30, 89.9, 90, 180, 365, 9_999]
    values = values_of(recency=recency, frequency=frequency, monetary=range(8))

    cuts = fit_rfm_cuts(values)
    scores = rfm_scores(values, cuts)

    assert cuts.method == "absolute"
    assert scores.f.tolist() == [1, 2, 3, 3, 4, 4, 5, 5]
    assert scores.r.tolist() == [5, 5, 4, 4, 3, 2, 1, 1]


def test_five_customers_with_distinct_values_get_the_five_scores():
    values = values_of(
        recency=[50, 40, 30, 20, 10], frequency=[1, 2, 3, 4, 5], monetary=[9, 7, 5, 3, 1]
    )

    scores = rfm_scores(values, fit_rfm_cuts(values, minimum=5))

    assert scores.r.tolist() == [1, 2, 3, 4, 5]
    assert scores.f.tolist() == [1, 2, 3, 4, 5]
    assert scores.m.tolist() == [5, 4, 3, 2, 1]
    assert scores.codes().tolist() == [115, 224, 333, 442, 551]


def test_customers_outside_the_fitted_population_are_scored_by_the_frozen_cuts():
    fitted = values_of(recency=range(1, 11), frequency=range(1, 11), monetary=range(1, 11))
    cuts = fit_rfm_cuts(fitted, minimum=10)
    others = values_of(recency=[0.5, 100], frequency=[100, 0], monetary=[2**60, -5])

    scores = rfm_scores(others, cuts)

    assert scores.codes().tolist() == [555, 111]


populations = st.lists(
    st.tuples(
        st.one_of(st.just(float("nan")), st.floats(0, 1e4), st.integers(0, 3).map(float)),
        st.integers(0, 6),
        st.one_of(st.integers(0, 4), st.integers(0, 10**12)),
    ),
    min_size=1,
    max_size=60,
)


def a_population(drawn: list[tuple[float, int, int]]) -> RfmValues:
    recency, frequency, monetary = zip(*drawn, strict=True)
    return values_of(recency=recency, frequency=frequency, monetary=monetary)


@given(populations)
def test_every_fitted_score_is_one_plus_the_fifths_that_lie_below(
    drawn: list[tuple[float, int, int]],
):
    values = a_population(drawn)
    scores = rfm_scores(values, fit_rfm_cuts(values, minimum=1))
    present = [each for each in drawn if not np.isnan(each[0])]
    if not present:
        return

    def by_definition(position: int, sign: int) -> list[int]:
        column = [sign * each[position] for each in present]
        below = [sum(other < value for other in column) for value in column]
        return [min(5, 1 + 5 * count // len(column)) for count in below]

    scored = values.scored
    assert scores.r[scored].tolist() == by_definition(0, -1)
    assert scores.f[scored].tolist() == by_definition(1, 1)
    assert scores.m[scored].tolist() == by_definition(2, 1)


@given(populations)
def test_a_better_value_never_scores_lower(drawn: list[tuple[float, int, int]]):
    values = a_population(drawn)
    scores = rfm_scores(values, fit_rfm_cuts(values, minimum=1))
    scored = np.flatnonzero(values.scored)

    pairs = [
        (-values.recency_days, scores.r),
        (values.frequency, scores.f),
        (values.monetary, scores.m),
    ]

    for better, score in pairs:
        ranked = scored[np.argsort(better[scored], kind="stable")]
        assert (np.diff(score[ranked]) >= 0).all()


@given(populations, st.booleans())
def test_cuts_survive_json_unchanged(drawn: list[tuple[float, int, int]], small: bool):
    cuts = fit_rfm_cuts(a_population(drawn), minimum=10**6 if small else 1)

    assert RfmCuts.from_dict(json.loads(json.dumps(cuts.to_dict()))) == cuts


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"method": "guess", "recency": [4, 3, 2, 1], "frequency": [1] * 4, "monetary": [1] * 4},
        {"method": "quintile", "recency": [4, 3], "frequency": [1] * 4, "monetary": [1] * 4},
        {"method": "quintile", "recency": [4] * 4, "frequency": ["x"] * 4, "monetary": [1] * 4},
    ],
)
def test_cuts_of_a_broken_manifest_are_refused(plain: dict[str, object]):
    with pytest.raises(ModelUnavailable, match="train the model again"):
        RfmCuts.from_dict(plain)


shops = st.lists(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 500)), max_size=5),
    min_size=1,
    max_size=12,
)


@given(shops, st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(drawn, random):
    shop = histories(*([a_line(day + 970, value) for day, value in sorted(own)] for own in drawn))
    order = list(range(len(shop)))
    random.shuffle(order)

    values = rfm_values(shop, now_ms=NOW)
    shuffled = rfm_values(shop.take(order), now_ms=NOW)

    cuts = fit_rfm_cuts(values, minimum=1)
    assert fit_rfm_cuts(shuffled, minimum=1) == cuts
    assert rfm_scores(shuffled, cuts).codes().tolist() == (
        rfm_scores(values, cuts).codes()[order].tolist()
    )


@given(shops)
def test_one_customer_alone_has_the_values_it_has_among_others(drawn):
    shop = histories(*([a_line(day + 970, value) for day, value in sorted(own)] for own in drawn))
    together = rfm_values(shop, now_ms=NOW)

    alone = [rfm_values(shop.take([row]), now_ms=NOW) for row in range(len(shop))]

    for name in ("recency_days", "frequency", "monetary", "first_age_days", "orders"):
        single = np.concatenate([getattr(each, name) for each in alone])
        np.testing.assert_array_equal(single, getattr(together, name))
