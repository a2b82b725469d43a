"""The integrals of the value models against closed forms, and against a finer rule."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln, hyp2f1, hyperu

from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.pareto_nbd import ParetoNbd
from engine.loyalty.value.repeats import Repeats

RATE = np.log(1.15) / 365
TOGETHER = [
    BgNbd(0.25, 30.0, 0.8, 2.4),
    BgNbd(1.3, 60.0, 3.5, 6.1),
    MbgNbd(0.52, 43.0, 0.9, 1.6),
    MbgNbd(2.1, 10.0, 0.3, 0.7),
]
# alpha above beta, below it, and the same; s above and below 1.
PARETOS = [
    ParetoNbd(0.55, 74.0, 0.61, 82.0),
    ParetoNbd(0.55, 74.0, 0.61, 20.0),
    ParetoNbd(1.4, 50.0, 1.7, 50.0),
]


def customers() -> Repeats:
    rng = np.random.default_rng(9)
    frequency = np.concatenate([[0, 0, 1], rng.integers(0, 25, 60)])
    age = np.concatenate([[1, 730, 400], rng.uniform(1, 730, 60)])
    recency = np.where(frequency > 0, age * rng.uniform(0.05, 0.98, 63), 0.0)
    return Repeats.of(frequency, recency, age)


def panel_rule(function, upper, panels):
    """64 Gauss-Legendre nodes in each of many equal panels."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    edges = np.linspace(0, upper, panels + 1)
    half = np.diff(edges) / 2
    points = (edges[:-1] + half)[:, None] + half[:, None] * nodes
    return float((half[:, None] * weights * function(points)).sum())


@pytest.mark.parametrize("model", TOGETHER, ids=repr)
@pytest.mark.parametrize("horizon", [30.0, 365.0, 1095.0])
def test_expected_orders_are_those_of_the_closed_form(model, horizon: float):
    """Fader, Hardie & Lee (2005), eq. 10, in its form without powers that overflow."""
    data = customers()
    k, now = model.r + data.frequency, model.alpha + data.age
    total = model.a + model.b + data.frequency + model.first_toss

    found = model.expected_orders(data, horizon)

    kept = hyp2f1(k, model.a - 1, total - 1, -horizon / now)
    assert found == pytest.approx(
        model.p_alive(data) * (total - 1) / (model.a - 1) * (1 - kept), rel=1e-9
    )


@pytest.mark.parametrize("model", [*TOGETHER, BgNbd(0.25, 30.0, 1.0, 2.4)], ids=repr)
@pytest.mark.parametrize("horizon", [30.0, 365.0])
def test_few_nodes_in_log_time_give_what_64_in_time_give(model, horizon: float):
    data = customers()
    k, now = model.r + data.frequency, model.alpha + data.age
    total = model.a + model.b + data.frequency + model.first_toss

    found = model.discounted_orders(data, horizon, rate=RATE)

    for row in range(len(data)):

        def rate(days, row=row):
            kept = hyp2f1(k[row] + 1, model.a, total[row], -days / now[row])
            return k[row] / now[row] * kept * np.exp(-RATE * days)

        expected = model.p_alive(data)[row] * panel_rule(rate, horizon, 20)
        assert found[row] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("model", [*TOGETHER, BgNbd(0.25, 30.0, 1.0, 2.4)], ids=repr)
def test_without_an_end_is_with_a_very_late_one(model):
    """Two rules that share no point: after 100,000 days 1e-16 of an order's value is left."""
    data = customers()

    endless = model.discounted_orders(data, np.inf, rate=RATE)
    late = model.discounted_orders(data, 100_000.0, rate=RATE)

    assert endless == pytest.approx(late, rel=1e-9)


@pytest.mark.parametrize("model", PARETOS, ids=repr)
def test_pareto_likelihood_is_that_of_two_hypergeometric_functions(model):
    """Fader & Hardie (2005, note 009), eqs. 15 to 17."""
    data = customers()
    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
    x, most, gap = data.frequency, max(alpha, beta), abs(alpha - beta)
    top = s + 1 if alpha >= beta else r + x

    def leaving(moment):
        z = gap / (most + moment)
        return hyp2f1(r + s + x, top, r + s + x + 1, z) / (most + moment) ** (r + s + x)

    stayed = (alpha + data.age) ** -(r + x) * (beta + data.age) ** -s
    left = s / (r + s + x) * (leaving(data.recency) - leaving(data.age))
    scale = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)

    assert model.log_likelihood(data) == pytest.approx(scale + np.log(stayed + left), rel=1e-10)
    assert model.p_alive(data) == pytest.approx(stayed / (stayed + left), rel=1e-9)


@pytest.mark.parametrize("model", PARETOS, ids=repr)
def test_pareto_residual_orders_are_those_of_tricomis_function(model):
    """Fader, Hardie & Lee (2005), "RFM and CLV", eq. 9."""
    data = customers()
    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
    x = data.frequency

    found = model.discounted_orders(data, np.inf, rate=RATE)

    logs = r * np.log(alpha) + s * np.log(beta) + (s - 1) * np.log(RATE) + gammaln(r + x + 1)
    logs -= gammaln(r) + (r + x + 1) * np.log(alpha + data.age) + model.log_likelihood(data)
    assert found == pytest.approx(np.exp(logs) * hyperu(s, s, RATE * (beta + data.age)), rel=1e-8)


@pytest.mark.parametrize("model", PARETOS, ids=repr)
def test_pareto_expected_orders_are_the_sum_of_undiscounted_ones(model):
    data = customers()

    closed = model.expected_orders(data, 365.0)

    assert model.discounted_orders(data, 365.0, rate=0.0) == pytest.approx(closed, rel=1e-10)


@pytest.mark.parametrize("model", PARETOS, ids=repr)
def test_pareto_chance_of_an_order_is_that_of_a_finer_rule(model):
    data = customers()
    k, now, later = model.r + data.frequency, model.alpha + data.age, model.beta + data.age

    found = model.p_order_within(data, 90.0) / model.p_alive(data)

    for row in range(len(data)):

        def first(days, row=row):
            waiting = (1 + days / now[row]) ** -(k[row] + 1)
            return k[row] / now[row] * waiting * (1 + days / later[row]) ** -model.s

        assert found[row] == pytest.approx(panel_rule(first, 90.0, 20), rel=1e-10)


def test_whole_numbered_parameters_do_not_trip_the_library():
    """scipy's 2F1 has no number here; Euler's integral over the chance to leave does."""
    model, data = MbgNbd(2.0, 1.0, 1.0, 2.0), Repeats.of(100, 1.0, 1.0)

    found = model.expected_orders(data, 150.0)[0] / model.p_alive(data)[0]

    def orders(p):
        density = 103 * (1 - p) ** 102
        return density * -np.expm1(-102 * np.log1p(p * 75.0)) / p

    assert found == pytest.approx(panel_rule(orders, 1.0, 400), rel=1e-9)


def test_leaving_alike_in_everybody_is_the_plain_geometric():
    """With a and b huge the chance to leave is 1/4 for all: (1 - (1 + p s)^-k) / p orders."""
    model, data = BgNbd(0.5, 30.0, 1e5, 3e5), Repeats.of(4, 100.0, 120.0)

    found = model.expected_orders(data, 365.0)[0] / model.p_alive(data)[0]

    assert found == pytest.approx((1 - (1 + 0.25 * 365 / 150) ** -4.5) / 0.25, rel=1e-4)
