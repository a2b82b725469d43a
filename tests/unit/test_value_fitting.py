"""Fits find what is there, say when they do not, and never raise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.loyalty.value import fitting
from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.empirical import Empirical
from engine.loyalty.value.fitting import KINDS, fit, fit_gamma_gamma, fit_sbg
from engine.loyalty.value.gamma_gamma import GammaGamma, Spend
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.pareto_nbd import ParetoNbd
from engine.loyalty.value.repeats import Repeats, compress
from engine.loyalty.value.sbg import Sbg
from tests.purchasing import parameters, simulate

# In days, near those of CDNOW.
TRUE = {
    "bg_nbd": BgNbd(0.4, 40.0, 0.8, 2.4),
    "mbg_nbd": MbgNbd(0.6, 45.0, 0.9, 2.0),
    "pareto_nbd": ParetoNbd(0.6, 70.0, 0.8, 120.0),
}
odd = st.floats(allow_nan=True, allow_infinity=True)


def population(kind: str, count: int) -> Repeats:
    rng = np.random.default_rng(17)
    age = rng.integers(1, 731, count).astype(float)
    return simulate(TRUE[kind], age, horizon=0.0, rng=rng).repeats


def shop_spend(count: int) -> Spend:
    rng = np.random.default_rng(23)
    frequency = 1.0 + rng.poisson(2, count)
    scale = 1 / rng.gamma(3.7, 1 / 15.0, count)
    return Spend(frequency, rng.gamma(6.0 * frequency, scale) / frequency)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_the_slopes_of_the_likelihood(kind: str):
    data = Repeats.of([0, 0, 1, 3, 40], [0, 0, 9, 200, 300], [5, 500, 300, 201, 300])
    model = TRUE[kind]
    logs = np.log(parameters(model))

    _, gradient = model.log_likelihood_gradient(data)

    for place, step in enumerate(1e-5 * np.eye(4)):
        up = type(model)(*np.exp(logs + step)).log_likelihood(data)
        down = type(model)(*np.exp(logs - step)).log_likelihood(data)
        assert gradient[place] == pytest.approx((up - down) / 2e-5, abs=1e-6)


def test_the_gradient_of_spend_is_the_slope_of_its_likelihood():
    data, logs = shop_spend(5), np.log([6.0, 2.7, 15.0])

    def likelihood(at: np.ndarray) -> np.ndarray:
        p, rest, v = np.exp(at)
        return GammaGamma(p, 1 + rest, v).log_likelihood(data)

    _, gradient = GammaGamma(6.0, 3.7, 15.0).log_likelihood_gradient(data)

    for place, step in enumerate(1e-5 * np.eye(3)):
        slope = (likelihood(logs + step) - likelihood(logs - step)) / 2e-5
        assert gradient[place] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_of_simulated_customers_are_found_again(kind: str):
    found = fit(kind, population(kind, 6_000))

    errors = np.array(list(found.standard_errors.values()))
    assert found.converged
    assert found.customers == 6_000
    assert (np.abs(parameters(found.model) - parameters(TRUE[kind])) < 4 * errors).all()


@pytest.mark.parametrize("kind", KINDS)
def test_starting_from_a_sample_ends_at_the_optimum_of_everybody(kind: str, monkeypatch):
    data = population(kind, 6_000)
    full = fit(kind, data)

    monkeypatch.setattr(fitting, "SAMPLE", 1_000)
    sampled = fit(kind, data)

    errors = np.array(list(full.standard_errors.values()))
    apart = np.abs(parameters(sampled.model) - parameters(full.model))
    assert sampled.converged
    assert (apart < 0.01 * errors).all()
    assert sampled.log_likelihood == pytest.approx(full.log_likelihood, abs=1e-3)


def test_standard_errors_are_the_spread_of_repeated_fits():
    rng = np.random.default_rng(29)
    age, model = np.full(1_000, 500.0), TRUE["bg_nbd"]
    samples = [simulate(model, age, horizon=0.0, rng=rng).repeats for _ in range(30)]

    fits = [fit("bg_nbd", each) for each in samples]

    spread = np.std([parameters(each.model)[0] for each in fits], ddof=1)
    told = np.mean([each.standard_errors["r"] for each in fits])
    # The deviation of 30 draws is itself uncertain by an eighth.
    assert told == pytest.approx(spread, rel=0.35)


def test_parameters_of_simulated_spend_are_found_again():
    found = fit_gamma_gamma(shop_spend(20_000), winsorise=None)

    errors = np.array([found.standard_errors[name] for name in ("p", "q", "v")])
    assert found.converged
    assert (np.abs(parameters(found.model) - [6.0, 3.7, 15.0]) < 4 * errors).all()


def test_one_yacht_does_not_raise_everybodys_expected_spend():
    plain = shop_spend(2_000)
    frequency = np.append(plain.frequency, 1.0)
    with_yacht = Spend(frequency, np.append(plain.mean_value, 1e7))

    cut, whole = fit_gamma_gamma(with_yacht), fit_gamma_gamma(with_yacht, winsorise=None)

    usual = fit_gamma_gamma(plain).model.population_mean
    raised = [each.model.population_mean - usual for each in (cut, whole)]
    assert abs(raised[0]) < 0.1 * raised[1]


def test_a_penalty_pulls_towards_one_whatever_the_unit_of_time():
    data = population("bg_nbd", 2_000)

    free = fit("bg_nbd", data).model
    pulled = fit("bg_nbd", data, penalty=20.0).model
    in_weeks = fit("bg_nbd", data.divided_by(7.0), penalty=20.0).model

    assert abs(np.log(pulled.r)) < abs(np.log(free.r))
    assert parameters(in_weeks) * [1, 7, 1, 1] == pytest.approx(parameters(pulled), rel=1e-4)


def test_rows_that_cannot_be_right_are_left_out():
    """Never watched, last order after now, repeats without a time, and no numbers."""
    good = population("bg_nbd", 2_000)
    bad = Repeats.of(
        [0, 2, 0, np.nan, 1, -1, 2], [0, 9, 3, 1, np.nan, 0, 1], [0, 5, 9, 9, 9, 9, np.inf]
    )
    mixed = Repeats(
        np.append(bad.frequency, good.frequency),
        np.append(bad.recency, good.recency),
        np.append(bad.age, good.age),
    )

    found = fit("bg_nbd", mixed)

    assert found == fit("bg_nbd", good)


@settings(max_examples=30)
@given(st.sampled_from(sorted(KINDS)), st.lists(st.tuples(odd, odd, odd), max_size=6))
def test_odd_data_never_raise(kind: str, rows):
    columns = np.array(rows, dtype=float).reshape(len(rows), 3).T

    found = fit(kind, Repeats(*columns))

    assert np.isfinite(parameters(found.model)).all()
    assert (parameters(found.model) > 0).all()
    assert np.isfinite(found.log_likelihood)


@settings(max_examples=30)
@given(st.lists(st.tuples(odd, odd), max_size=6))
def test_odd_spend_never_raises(rows):
    columns = np.array(rows, dtype=float).reshape(len(rows), 2).T

    found = fit_gamma_gamma(Spend(*columns))

    assert found.model.population_mean > 0


@pytest.mark.parametrize(
    "counts", [[], [10], [10, 10], [5, 6], [0, 0], [3, -1], [np.nan, 1], [np.inf, 1]], ids=repr
)
def test_cohorts_that_say_nothing_are_not_fitted(counts):
    found = fit_sbg(np.array(counts, dtype=float), start=Sbg(0.7, 1.2))

    assert not found.converged
    assert found.model == Sbg(0.7, 1.2)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_fitted_falls_back_to_the_previous_model_and_then_the_plainest(kind: str):
    nobody_came_back = Repeats.of(np.zeros(50), np.zeros(50), np.full(50, 100.0))

    alone = fit(kind, nobody_came_back)
    before = fit(kind, nobody_came_back, start=TRUE[kind])

    assert (alone.converged, before.converged) == (False, False)
    assert isinstance(alone.model, Empirical)
    assert before.model == TRUE[kind]
    assert alone.standard_errors == {}


def test_the_previous_model_is_only_a_start_where_there_are_data():
    data = population("bg_nbd", 3_000)

    cold, warm = fit("bg_nbd", data), fit("bg_nbd", data, start=BgNbd(3.0, 500.0, 0.1, 9.0))

    assert parameters(warm.model) == pytest.approx(parameters(cold.model), rel=1e-4)


def test_equal_customers_are_counted_not_repeated():
    data = Repeats.of([2, 0, 2, 0, 2, 1], [9, 0, 9, 0, 8, 4], [9, 5, 9, 5, 9, 5])

    rows, weights = compress(data)

    assert rows.frequency.tolist() == [0, 1, 2, 2]
    assert rows.recency.tolist() == [0, 4, 8, 9]
    assert weights.tolist() == [2, 1, 1, 2]
