"""Which value models may be published, and the reasons why others may not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.gamma_gamma import GammaGamma
from engine.loyalty.value.health import (
    Holdout,
    auc,
    average_ranks,
    backtest,
    rank_correlation,
    too_little_data,
)
from engine.loyalty.value.repeats import Repeats
from tests.purchasing import simulate

MODEL = BgNbd(0.4, 40.0, 0.8, 2.4)
SPEND = GammaGamma(6.0, 3.7, 15.0)
DAYS = 180.0


def a_backtest(model=MODEL, *, count=3_000, age=365.0, later=None, mean_value=None):
    rng = np.random.default_rng(31)
    data = simulate(MODEL, rng.uniform(age / 2, age, count), horizon=DAYS, rng=rng)
    orders = data.later if later is None else later(data.later)
    own = 33.0 * np.exp(rng.normal(0, 0.3, count)) if mean_value is None else mean_value(data)
    holdout = Holdout(orders, orders * own, DAYS)
    return backtest(model, SPEND, data.repeats, mean_value=own, holdout=holdout)


def test_the_true_model_is_healthy():
    health = a_backtest()

    assert health.healthy
    assert health.reasons == health.notes == ()
    assert health.sum_ratio == pytest.approx(1.0, abs=0.1)
    assert health.mae < health.naive_mae
    assert health.auc > 0.7
    assert health.churn_auc > 0.7
    assert health.spend_rank_correlation > 0.3


def test_too_few_customers_and_too_short_a_history_are_named():
    health = a_backtest(count=60, age=100.0)

    assert not health.healthy
    few, repeaters, days = health.reasons[:3]
    assert few.startswith("customers with an order: 60, at least 500 are needed")
    assert repeaters.startswith("customers who ordered again: ")
    assert days.startswith("days since the first order of all: ")


def test_enough_is_enough():
    """500 customers, 100 of whom ordered again, over 180 days."""
    frequency = np.repeat([1.0, 0.0], [100, 400])
    data = Repeats.of(frequency, 10 * frequency, np.full(500, 180.0))

    assert too_little_data(data) == ()
    assert len(too_little_data(data.where(slice(1, None)))) == 2
    assert len(too_little_data(Repeats.of([], [], []))) == 3


def test_a_model_in_which_hardly_anybody_leaves_promises_too_much_and_is_refused():
    faithful = BgNbd(0.4, 40.0, 0.001, 2.4)

    reasons = a_backtest(faithful).reasons

    assert any(each.startswith("orders predicted / actual: ") for each in reasons)


def test_a_model_that_errs_more_than_everybodys_own_rate_is_refused():
    reasons = a_backtest(BgNbd(20.0, 40.0, 0.8, 2.4)).reasons

    assert any(each.startswith("mean error: ") for each in reasons)


def test_a_model_that_ranks_the_wrong_way_round_is_refused():
    reasons = a_backtest(later=lambda orders: np.where(orders > 0, 0.0, 1.0)).reasons

    assert any(each.startswith("AUC of who orders again: 0.") for each in reasons)


@pytest.mark.parametrize("orders", [0.0, 1.0])
def test_a_holdout_in_which_all_did_the_same_tells_nothing(orders: float):
    health = a_backtest(later=lambda later: np.full_like(later, orders))

    assert np.isnan(health.auc)
    assert health.reasons == (
        "holdout: needs customers who ordered again and others who did not; make it longer",
    )


def test_nobody_at_all_is_refused_without_a_fuss():
    none = np.array([])
    holdout = Holdout(none, none, DAYS)

    health = backtest(MODEL, SPEND, Repeats.of([], [], []), mean_value=none, holdout=holdout)

    assert not health.healthy
    assert np.isnan([health.mae, health.sum_ratio, health.spend_rank_correlation]).all()


def test_spend_that_goes_with_frequency_is_noted_but_no_reason_to_refuse():
    health = a_backtest(mean_value=lambda data: 10.0 + data.repeats.frequency)

    assert health.healthy
    assert health.notes[0].startswith("correlation of repeats and order value: 1.00")


def test_area_under_the_curve_by_hand():
    """Of the 2 x 3 pairs four are in order and one is tied."""
    scores = np.array([3.0, 1.0, 2.0, 1.0, 0.0])
    positive = np.array([True, True, False, False, False])

    assert auc(scores, positive) == pytest.approx((4 + 0.5) / 6)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_area_under_the_curve_counts_pairs(rows):
    scores = np.array([float(score) for score, _ in rows])
    positive = np.array([hit for _, hit in rows])

    found = auc(scores, positive)

    apart = scores[positive][:, None] - scores[~positive][None, :]
    if apart.size:
        assert found == pytest.approx((np.sign(apart).mean() + 1) / 2)
    else:
        assert np.isnan(found)


def test_ties_share_their_rank():
    """By hand: 1; 2 and 3 shared; 4. Spearman of a reversed order is -1."""
    assert average_ranks(np.array([5.0, 1.0, 3.0, 3.0])).tolist() == [4.0, 1.0, 2.5, 2.5]
    assert rank_correlation(np.array([1.0, 2, 3]), np.array([9.0, 4, 1])) == pytest.approx(-1)
    assert np.isnan(rank_correlation(np.array([1.0, 1, 1]), np.array([9.0, 4, 1])))
