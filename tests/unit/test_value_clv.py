"""Customer lifetime value against sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.loyalty.value.clv import (
    ClvTerms,
    break_even_month,
    lifetime_periods,
    literal_clv,
    monthly_clv,
    predicted_clv,
    residual_clv,
)
from engine.loyalty.value.empirical import Empirical
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.repeats import Repeats

# A customer of one certain order every ten days: the plainest value there is.
STEADY = Empirical(1e9, 1e10)
NEWCOMER = Repeats.of(0, 0, 0)
SPEND = np.array([50.0])


def test_twelve_months_of_interest_make_a_year():
    terms = ClvTerms(yearly_interest=0.15)

    assert (1 + terms.monthly_interest) ** 12 == pytest.approx(1.15)
    assert np.exp(365 * terms.daily_rate) == pytest.approx(1.15)
    assert terms.days == pytest.approx(3 * 365)


def test_value_is_the_sum_of_discounted_margins():
    """100 now and 115 in a year at 15 % are worth 200; 50 a month at 0 % are worth 50 a month."""
    terms, free = ClvTerms(yearly_interest=0.15), ClvTerms(yearly_interest=0.0)
    margins = np.zeros((2, 13))
    margins[0, [0, 12]] = 100.0, 115.0
    margins[1] = 50.0

    assert literal_clv(margins, terms=terms)[0] == pytest.approx(200.0)
    assert literal_clv(margins, terms=free)[1] == pytest.approx(650.0)


def test_an_unknown_month_makes_the_value_unknown_for_that_customer_only():
    margins = np.array([[1.0, np.nan], [1.0, -3.0]])

    value = literal_clv(margins, terms=ClvTerms(yearly_interest=0.0))

    assert np.isnan(value[0])
    assert value[1] == -2.0


def test_predicted_value_of_a_steady_customer():
    """0.1 orders of 50 a day, margin 0.3: 1.5 a day, (1 - 1/1.15^3) / ln 1.15 years of it."""
    terms = ClvTerms(yearly_interest=0.15, months=36, margin=0.30)

    value = predicted_clv(STEADY, NEWCOMER, SPEND, terms=terms)

    years = (1 - 1.15**-3) / np.log(1.15)
    assert value[0] == pytest.approx(1.5 * 365 * years, rel=1e-6)


def test_value_to_the_end_of_time_is_a_perpetuity():
    value = residual_clv(STEADY, NEWCOMER, SPEND, terms=ClvTerms())

    assert value[0] == pytest.approx(1.5 * 365 / np.log(1.15), rel=1e-6)


def test_without_interest_there_is_no_value_to_the_end_of_time():
    with pytest.raises(ValueError, match="rate above 0"):
        residual_clv(STEADY, NEWCOMER, SPEND, terms=ClvTerms(yearly_interest=0.0))


def test_months_discounted_at_their_end_lose_half_a_months_interest():
    model, data = MbgNbd(0.52, 43.0, 0.9, 1.6), Repeats.of([3, 0], [200, 0], [230, 90])
    terms = ClvTerms()

    by_month = monthly_clv(model, data, SPEND, terms=terms)
    continuous = predicted_clv(model, data, SPEND, terms=terms)

    assert by_month * (1 + terms.monthly_interest) ** 0.5 == pytest.approx(continuous, rel=1e-3)


def test_a_longer_view_is_worth_more_and_never_more_than_all_of_it():
    model, data = MbgNbd(0.52, 43.0, 0.9, 1.6), Repeats.of([3, 0], [200, 0], [230, 90])

    values = [predicted_clv(model, data, SPEND, terms=ClvTerms(months=m)) for m in (12, 36, 120)]
    endless = residual_clv(model, data, SPEND, terms=ClvTerms())

    assert (np.diff([*values, endless], axis=0) > 0).all()


def test_break_even_is_the_first_month_that_covers_the_cost():
    margins = np.array(
        [[30.0, 0.0, 30.0, -20.0], [10.0, 10.0, 10.0, 10.0], [60.0, 0.0, 0.0, 0.0], [0, 0, 0, 0]]
    )

    month = break_even_month(margins, np.array([60.0, 60.0, 60.0, 0.0]))

    assert month == pytest.approx([2, np.nan, 0, 0], nan_ok=True)


def test_break_even_is_unknown_where_the_cost_or_a_month_before_it_is():
    margins = np.array([[30.0, 30.0], [np.nan, 90.0], [30.0, np.nan]])

    assert np.isnan(break_even_month(margins, np.nan)).all()
    assert break_even_month(margins, 30.0) == pytest.approx([0, np.nan, 0], nan_ok=True)
    assert np.isnan(break_even_month(margins[:, :0], 0.0)).all()


def test_lifetime_follows_from_retention():
    """Retention of 0.8: five periods; half of the customers lost in 5 years: 0.8706 a year."""
    periods = lifetime_periods(np.array([0.0, 0.8, 0.5 ** (1 / 5), 1.0, np.nan, 1.5]))

    assert periods == pytest.approx([1, 5, 7.725, np.inf, np.nan, np.nan], rel=1e-3, nan_ok=True)
