"""Value models on CDNOW against what others published, and what was recomputed independently."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.fitting import Fit, fit, fit_gamma_gamma
from engine.loyalty.value.gamma_gamma import GammaGamma, Spend
from engine.loyalty.value.health import auc, backtest
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.pareto_nbd import ParetoNbd
from tests.cdnow import WEEKS_AHEAD, Cdnow, needs_cdnow, read_orders, read_summary

pytestmark = needs_cdnow

KINDS = ("bg_nbd", "mbg_nbd", "pareto_nbd")


@pytest.fixture(scope="module")
def summary() -> Cdnow:
    return read_summary()


@pytest.fixture(scope="module")
def orders() -> Cdnow:
    return read_orders()


@pytest.fixture(scope="module")
def fits(summary: Cdnow) -> dict[str, Fit]:
    return {kind: fit(kind, summary.repeats) for kind in KINDS}


@pytest.fixture(scope="module")
def fits_of_orders(orders: Cdnow) -> dict[str, Fit]:
    return {kind: fit(kind, orders.repeats) for kind in KINDS}


def parameters(model: msgspec.Struct) -> tuple[float, ...]:
    return msgspec.structs.astuple(model)


def test_customers_are_those_of_the_literature(summary: Cdnow, orders: Cdnow):
    """Fader, Hardie & Lee (2005): 2,357 customers, 2,457 repeat days, 1,411 without a repeat."""
    for each in (summary, orders):
        assert len(each.repeats) == 2_357
        assert each.repeats.frequency.sum() == 2_457
        assert int((each.repeats.frequency == 0).sum()) == 1_411
    assert orders.holdout.orders.sum() == 1_882
    assert int((orders.holdout.orders > 0).sum()) == 684


@pytest.mark.parametrize(
    ("kind", "recomputed", "likely"),
    [
        ("bg_nbd", (0.2426, 4.4135, 0.7929, 2.4258), -9582.4256),
        ("mbg_nbd", (0.5248, 6.183, 0.8914, 1.614), -9582.1327),
        ("pareto_nbd", (0.5533, 10.5776, 0.6062, 11.6679), -9594.9739),
    ],
)
def test_fits_to_the_published_table(fits, kind: str, recomputed, likely: float):
    """Parameters and log likelihood recomputed from the table with scipy and closed forms."""
    found = fits[kind]

    assert found.converged
    assert found.customers == 2_357
    assert parameters(found.model) == pytest.approx(recomputed, rel=1e-4)
    assert found.log_likelihood == pytest.approx(likely, abs=6e-5)


@pytest.mark.parametrize(
    ("kind", "published", "tolerance", "likely"),
    [
        # BTYD's vignette, and to three digits Fader, Hardie & Lee (2005), table 2.
        ("bg_nbd", (0.2425967, 4.413659, 0.7929869, 2.426164), 2e-4, -9582.429),
        # BTYD's vignette; Fader & Hardie (2005, note 009): 0.553, 10.578, 0.606, 11.669.
        ("pareto_nbd", (0.553, 10.58, 0.606, 11.656), 2e-3, -9594.976),
    ],
)
def test_fits_to_the_orders(fits_of_orders, kind: str, published, tolerance: float, likely: float):
    found = fits_of_orders[kind]

    assert parameters(found.model) == pytest.approx(published, rel=tolerance)
    assert found.log_likelihood == pytest.approx(likely, abs=5e-4)


def test_fits_agree_with_the_papers_to_their_three_digits(fits):
    assert parameters(fits["bg_nbd"].model) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=6e-4)
    assert parameters(fits["pareto_nbd"].model) == pytest.approx(
        (0.553, 10.578, 0.606, 11.669), abs=2e-3
    )


@pytest.mark.parametrize("weeks_a_unit", [1 / 7, 4.345, 1e4])
def test_the_unit_of_time_does_not_matter(summary: Cdnow, fits, weeks_a_unit: float):
    """r, a and b stay, alpha scales, and so does the density of each order's time."""
    base, data = fits["bg_nbd"], summary.repeats.divided_by(weeks_a_unit)

    found = fit("bg_nbd", data)

    r, alpha, a, b = parameters(found.model)
    constant = found.log_likelihood - data.frequency.sum() * np.log(weeks_a_unit)
    assert (r, alpha * weeks_a_unit, a, b) == pytest.approx(parameters(base.model), rel=1e-5)
    assert constant == pytest.approx(-9582.42556, abs=1e-5)


def test_shuffled_customers_give_the_same_model_to_the_last_bit(summary: Cdnow, fits):
    order = np.random.default_rng(5).permutation(len(summary.repeats))

    for kind in KINDS:
        found = fit(kind, summary.repeats.where(order))

        assert found == fits[kind]


def test_spend_fits_as_published(summary: Cdnow):
    """Fader & Hardie (2013, note 025): 6.25, 3.74, 15.44; the rest recomputed with scipy."""
    spend = Spend(summary.repeats.frequency, summary.mean_value)

    found = fit_gamma_gamma(spend, winsorise=None)

    assert found.converged
    assert found.customers == 946
    assert parameters(found.model) == pytest.approx((6.2488, 3.7446, 15.4477), rel=1e-4)
    assert parameters(found.model) == pytest.approx((6.25, 3.74, 15.44), rel=2e-3)
    assert found.log_likelihood == pytest.approx(-4055.9232, abs=6e-5)
    assert found.model.population_mean == pytest.approx(35.171, abs=5e-4)
    assert summary.mean_value[spend.usable].mean() == pytest.approx(35.0786, abs=5e-5)
    assert spend.correlation() == pytest.approx(0.1139, abs=5e-5)


def test_expected_spend_of_the_first_ten_customers(summary: Cdnow):
    """Note 025's parameters; values recomputed from its equation 5."""
    model = GammaGamma(6.25, 3.74, 15.44)

    spend = model.expected_spend(summary.repeats.frequency[:10], summary.mean_value[:10])

    expected = [24.66, 18.92, 35.22, 35.22, 35.22, 71.47, 18.92, 35.22, 27.29, 35.22]
    assert spend == pytest.approx(expected, abs=0.0051)


@pytest.mark.parametrize(
    ("kind", "total", "error", "area"),
    [
        ("bg_nbd", 1653.4, 0.7855, 0.7725),
        ("mbg_nbd", 1576.7, 0.7648, 0.7728),
        ("pareto_nbd", 1665.6, 0.7545, 0.7787),
    ],
)
def test_the_next_39_weeks_are_foretold_as_recomputed(
    orders: Cdnow, fits, kind: str, total: float, error: float, area: float
):
    """1,882 orders came; every customer's own rate so far foretells 2,930.1 of them."""
    spend_model = GammaGamma(6.25, 3.74, 15.44)

    health = backtest(
        fits[kind].model,
        spend_model,
        orders.repeats,
        mean_value=orders.mean_value,
        holdout=orders.holdout,
    )

    assert 1882 * health.sum_ratio == pytest.approx(total, abs=0.25)
    assert health.mae == pytest.approx(error, abs=5.1e-5)
    assert health.naive_mae == pytest.approx(1.0237, abs=5e-5)
    assert health.auc == pytest.approx(area, abs=6e-5)
    assert health.recency_auc == pytest.approx(0.7714, abs=5e-5)


def test_own_rates_foretell_far_too_much(orders: Cdnow):
    naive = orders.repeats.frequency / orders.repeats.age * WEEKS_AHEAD

    assert naive.sum() == pytest.approx(2930.1, abs=0.05)


def test_bg_p_alive_is_worse_than_a_coin_as_a_churn_score(orders: Cdnow, fits):
    """1 for every customer with a single order; the chance of an order is the score to use."""
    model = fits["bg_nbd"].model

    alive = auc(model.p_alive(orders.repeats), orders.holdout.orders > 0)
    ordering = auc(model.p_order_within(orders.repeats, 39.0), orders.holdout.orders > 0)

    assert alive == pytest.approx(0.316, abs=5e-4)
    assert ordering == pytest.approx(0.76, abs=0.02)


def test_chances_of_an_order_are_calibrated_by_quintile(orders: Cdnow, fits):
    """Foretold and actual shares of who orders in 39 weeks, recomputed from the closed form."""
    chance = fits["bg_nbd"].model.p_order_within(orders.repeats, 39.0)

    fifths = np.array_split(np.argsort(chance, kind="stable"), 5)

    actual = [(orders.holdout.orders[each] > 0).mean() for each in fifths]
    assert [chance[each].mean() for each in fifths] == pytest.approx(
        [0.136, 0.157, 0.168, 0.243, 0.605], abs=6e-4
    )
    # Equal chances at the edge of a fifth may fall to either side of it.
    assert actual == pytest.approx([0.148, 0.125, 0.166, 0.338, 0.674], abs=2.2e-3)


def test_published_expectations_follow_from_the_fit(fits_of_orders):
    """BTYD's vignette: repeats of a new customer in a year."""
    bg, pareto = fits_of_orders["bg_nbd"].model, fits_of_orders["pareto_nbd"].model

    assert float(bg.expected_orders_of_new(52.0)) == pytest.approx(1.444004, abs=2e-5)
    assert float(pareto.expected_orders_of_new(52.0)) == pytest.approx(1.473434, abs=2e-6)


def test_kinds_are_what_they_say(fits):
    assert [type(fits[kind].model) for kind in KINDS] == [BgNbd, MbgNbd, ParetoNbd]
