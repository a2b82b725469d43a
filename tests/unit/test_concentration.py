"""Gini, top share and their curve: hand calculations and laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loyalty.concentration import concentration_curve, gini, top_share

holdings = st.lists(st.integers(0, 10**9).map(float), min_size=1, max_size=40).filter(any)


def values(*numbers: float) -> np.ndarray:
    return np.asarray(numbers, np.float64)


def test_the_curve_goes_from_the_best_customer_to_all():
    customers, held = concentration_curve(values(1, 6, 3))

    np.testing.assert_allclose(customers, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(held, [0, 0.6, 0.9, 1.0])


def test_gini_of_three_customers_by_hand():
    # Mean absolute difference over twice the mean: (5 + 2 + 3) * 2 / 9 / (2 * 10 / 3).
    assert gini(values(1, 6, 3)) == pytest.approx((20 / 9) / (20 / 3))


def test_a_share_within_a_customer_takes_part_of_it():
    assert top_share(values(1, 6, 3), 1 / 3) == pytest.approx(0.6)
    assert top_share(values(1, 6, 3), 0.5) == pytest.approx(0.75)


def test_one_who_holds_everything_is_as_unequal_as_it_gets():
    assert gini(values(0, 0, 0, 5)) == pytest.approx(1 - 1 / 4)


def test_the_unknown_are_left_out_and_debts_are_nothing():
    assert gini(values(1, 6, np.nan, 3)) == gini(values(1, 6, 3))
    assert gini(values(5, -5)) == gini(values(5, 0))


@pytest.mark.parametrize("empty", [values(), values(np.nan), values(0, 0), values(-1)])
def test_nothing_has_no_concentration(empty):
    assert math.isnan(gini(empty))
    assert math.isnan(top_share(empty, 0.2))


@given(holdings)
def test_gini_is_half_the_relative_mean_difference(drawn):
    held = values(*drawn)

    difference = np.abs(held[:, None] - held[None, :]).mean()

    assert gini(held) == pytest.approx(difference / (2 * held.mean()), abs=1e-9)


@given(holdings, st.floats(0.001, 1_000))
def test_gini_knows_no_currency(drawn, rate):
    assert gini(values(*drawn) * rate) == pytest.approx(gini(values(*drawn)), abs=1e-9)


@given(holdings, st.floats(0, 1), st.floats(0, 1))
def test_more_customers_hold_more_and_the_best_hold_at_least_their_part(drawn, one, other):
    held, (less, more) = values(*drawn), sorted((one, other))

    assert top_share(held, less) <= top_share(held, more) + 1e-12
    assert top_share(held, less) >= less - 1e-9
    assert top_share(held, 1.0) == 1.0


@given(holdings, st.integers(2, 5))
def test_a_population_and_its_copies_are_equally_unequal(drawn, copies):
    assert gini(values(*drawn * copies)) == pytest.approx(gini(values(*drawn)), abs=1e-9)
