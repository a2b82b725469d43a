"""Laws of the repeat models and the spend model, and what becomes of them in a manifest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ModelUnavailable
from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.empirical import Empirical
from engine.loyalty.value.gamma_gamma import GammaGamma
from engine.loyalty.value.manifest import restore, to_plain
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.model import RepeatModel
from engine.loyalty.value.pareto_nbd import ParetoNbd
from engine.loyalty.value.repeats import Repeats
from engine.loyalty.value.sbg import Sbg

MODELS = (
    BgNbd(0.25, 30.0, 0.8, 2.4),
    BgNbd(0.25, 30.0, 1.0, 2.4),
    MbgNbd(0.52, 43.0, 0.9, 1.6),
    MbgNbd(1.0, 43.0, 1.0, 1.0),
    ParetoNbd(0.55, 74.0, 0.61, 82.0),
    ParetoNbd(0.55, 74.0, 1.0, 10.0),
    Empirical(0.4, 60.0),
)
# Parameters at which searches may end: leaving alike in everybody, or orders alike.
EXTREMES = (
    BgNbd(0.25, 30.0, 1e-5, 2.4),
    BgNbd(0.25, 30.0, 1e5, 3e5),
    BgNbd(1e-4, 0.01, 0.5, 1e5),
    MbgNbd(1e5, 1e6, 40.0, 1.0),
    MbgNbd(2.0, 30.0, 1.0, 3.0),
    ParetoNbd(1e-4, 0.01, 20.0, 1e-3),
    ParetoNbd(1e4, 1e6, 1e-5, 1e5),
)
YEARLY = np.log(1.15) / 365

rates = st.floats(0.05, 20.0)
days = st.floats(0.1, 1000.0)
bg_models = st.builds(BgNbd, rates, days, rates, rates)
mbg_models = st.builds(MbgNbd, rates, days, rates, rates)
pareto_models = st.builds(ParetoNbd, rates, days, rates, days)
models = st.one_of(bg_models, mbg_models, pareto_models, st.builds(Empirical, rates, days))


@st.composite
def customers(draw: st.DrawFn) -> tuple[float, float, float]:
    frequency = draw(st.one_of(st.just(0), st.integers(1, 2000)))
    age = draw(st.floats(1.0, 2000.0))
    recency = draw(st.floats(0.0, 1.0)) * age if frequency else 0.0
    return (frequency, recency, age)


def answers(model: RepeatModel, data: Repeats) -> dict[str, np.ndarray]:
    return {
        "log_likelihood": model.log_likelihood(data),
        "p_alive": model.p_alive(data),
        "p_order_within": model.p_order_within(data, 90.0),
        "expected_orders": model.expected_orders(data, 365.0),
        "discounted_orders": model.discounted_orders(data, 365.0, rate=YEARLY),
        "residual_orders": model.discounted_orders(data, np.inf, rate=YEARLY),
        "next_order_days": model.next_order_days(data),
    }


def some_customers() -> Repeats:
    rng = np.random.default_rng(3)
    frequency = rng.poisson(3, 200) * (rng.random(200) < 0.6)
    age = rng.uniform(1, 730, 200)
    return Repeats.of(frequency, np.where(frequency > 0, age * rng.random(200), 0.0), age)


@given(models, customers(), st.floats(0.0, 1500.0))
def test_probabilities_and_numbers_stay_in_their_bounds(model, customer, horizon):
    data = Repeats.of(*customer)

    alive, ordering = model.p_alive(data), model.p_order_within(data, horizon)
    orders = model.expected_orders(data, horizon)
    discounted = model.discounted_orders(data, horizon, rate=YEARLY)
    endless = model.discounted_orders(data, np.inf, rate=YEARLY)

    assert (alive >= 0).all() and (alive <= 1).all()
    assert (ordering >= 0).all() and (ordering <= alive * (1 + 1e-9)).all()
    # Markov's inequality, and discounting takes away.
    assert (ordering <= orders * (1 + 1e-7) + 1e-12).all()
    assert (discounted <= orders * (1 + 1e-7) + 1e-12).all()
    assert (discounted <= endless * (1 + 1e-7) + 1e-12).all()
    assert np.isfinite(model.log_likelihood(data)).all()
    assert np.isfinite(endless).all()


@given(models, customers(), st.floats(0.0, 500.0), st.floats(0.0, 500.0))
def test_a_longer_horizon_brings_no_less(model, customer, horizon, longer):
    data = Repeats.of(*customer)
    both = Repeats.of(*(np.repeat(each, 2) for each in customer))
    ahead = np.array([horizon, horizon + longer])

    chance, orders = model.p_order_within(both, ahead), model.expected_orders(both, ahead)

    assert chance[1] >= chance[0] * (1 - 1e-9)
    assert orders[1] >= orders[0] * (1 - 1e-9)
    assert model.expected_orders(data, 0.0) == model.p_order_within(data, 0.0) == 0


@given(models, st.integers(1, 2000), st.floats(1.0, 1000.0), st.floats(0.0, 1.0))
def test_churn_does_not_fall_with_the_time_since_the_last_order(model, frequency, age, share):
    """The same orders over the same age: the earlier the last one, the likelier to stay it."""
    data = Repeats.of([frequency] * 2, [age, age * share], [age] * 2)

    recent, earlier = 1 - model.p_order_within(data, 90.0)

    assert earlier >= recent - 1e-12


@given(
    st.one_of(bg_models, mbg_models, st.builds(Empirical, rates, days)),
    customers(),
    st.floats(0.0, 1000.0),
)
def test_churn_does_not_fall_while_waiting(model, customer, waited):
    frequency, recency, age = customer
    data = Repeats.of([frequency] * 2, [recency] * 2, [age, age + waited])

    before, after = 1 - model.p_order_within(data, 90.0)

    assert after >= before - 1e-12


@pytest.mark.parametrize("model", (*MODELS, *EXTREMES), ids=repr)
def test_answers_are_finite_for_odd_customers(model: RepeatModel):
    """2,000 orders, watched for a day, the last one today or long ago."""
    data = Repeats.of(
        [0, 0, 1, 1, 5, 2000, 2000, 2000, 150],
        [0, 0, 1, 0.001, 0.5, 1, 729, 30, 20],
        [1, 730, 1, 730, 1, 1, 730, 730, 21],
    )

    found = answers(model, data)

    waits = found.pop("next_order_days")
    assert (np.isnan(waits) | ((waits >= 0) & (waits <= 730))).all()
    for name, values in found.items():
        assert np.isfinite(values).all(), name


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_customer_alone_gets_the_same_answers_as_among_others(model: RepeatModel):
    data = some_customers()

    together = answers(model, data)

    for row in (0, 17, 101, 199):
        for name, alone in answers(model, data.where(slice(row, row + 1))).items():
            assert alone[0] == pytest.approx(together[name][row], rel=1e-12, nan_ok=True), name


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_horizons_may_differ_between_customers(model: RepeatModel):
    data = some_customers()
    ahead = np.where(np.arange(len(data)) % 2 == 0, 90.0, 365.0)

    orders = model.expected_orders(data, ahead)

    assert np.array_equal(orders[::2], model.expected_orders(data, 90.0)[::2])
    assert np.array_equal(orders[1::2], model.expected_orders(data, 365.0)[1::2])


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_unknown_in_unknown_out_and_nobody_else_is_touched(model: RepeatModel):
    data = Repeats.of([2, np.nan, 2], [50, 20, 50], [100, 100, 100])

    found = answers(model, data)

    del found["next_order_days"]
    for name, values in found.items():
        assert np.isnan(values).tolist() == [False, True, False], name
    assert np.isnan(model.expected_orders(data, np.array([np.nan, 9.0, 9.0]))).tolist() == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_nobody_at_all_is_no_trouble(model: RepeatModel):
    nobody = Repeats.of([], [], [])

    assert all(values.shape == (0,) for values in answers(model, nobody).values())


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_models_answer_the_protocol(model: RepeatModel):
    assert isinstance(model, RepeatModel)


def test_every_model_judges_the_same_customers_by_itself():
    data = some_customers()

    together = [model.p_alive(data) for model in MODELS]

    for model, alive in zip(MODELS, together, strict=True):
        np.testing.assert_array_equal(alive, model.p_alive(some_customers()))
        assert model.p_alive(data) is alive


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_an_endless_horizon_needs_a_rate(model: RepeatModel):
    data = some_customers()

    with pytest.raises(ValueError, match="horizon inf"):
        model.expected_orders(data, np.inf)
    with pytest.raises(ValueError, match="horizon inf"):
        model.discounted_orders(data, np.inf, rate=0.0)
    with pytest.raises(ValueError, match="rate -1"):
        model.discounted_orders(data, 9.0, rate=-1.0)


def test_the_median_wait_halves_the_chance():
    """By then the next order of a customer who is still there has come with probability 1/2."""
    data = Repeats.of([3, 6], [200, 380], [210, 400])

    for model in (MODELS[0], MODELS[2], MODELS[-1]):
        waits = model.next_order_days(data)

        chance = model.p_order_within(data, waits) / model.p_alive(data)
        assert chance == pytest.approx([0.5, 0.5], rel=1e-12)


def test_no_date_is_announced_for_the_lost_or_beyond_two_years():
    lost, rare = Repeats.of(9, 90, 700), Repeats.of(0, 0, 700)

    model = MODELS[0]

    assert model.p_alive(lost)[0] < 0.5
    assert np.isnan(model.next_order_days(lost)[0])
    assert model.p_alive(rare)[0] == 1
    assert np.isnan(model.next_order_days(rare)[0])


def test_one_order_never_ends_it_in_bg_and_may_in_mbg():
    """b / (a + b): the chance to survive the toss after the first order."""
    newcomer = Repeats.of(0, 0, 0)

    assert BgNbd(0.25, 30, 0.8, 2.4).p_alive(newcomer)[0] == 1
    assert MbgNbd(0.25, 30, 0.8, 2.4).p_alive(newcomer)[0] == pytest.approx(0.75)


def test_the_model_of_last_resort_is_the_negative_binomial():
    """(r + x) / (alpha + T) orders a day, for ever; rate r / alpha for a new customer."""
    model, data = Empirical(0.5, 50.0), Repeats.of(3, 10, 300)

    assert model.p_alive(data)[0] == 1
    assert model.expected_orders(data, 100.0)[0] == pytest.approx(1.0)
    assert model.discounted_orders(data, np.inf, rate=0.001)[0] == pytest.approx(10.0)
    assert float(model.expected_orders_of_new(10.0)) == pytest.approx(0.1)


@given(st.lists(customers(), max_size=20))
def test_the_model_of_last_resort_fits_anybody(some):
    columns = zip(*some, strict=True) if some else ((), (), ())

    model = Empirical.of(Repeats.of(*(np.array(each, dtype=float) for each in columns)))

    assert 0 < model.r < np.inf
    assert 0 < model.alpha < np.inf


def test_the_model_of_last_resort_finds_the_rate_and_the_spread():
    rng = np.random.default_rng(11)
    frequency = rng.poisson(rng.gamma(0.8, 1 / 100, 50_000) * 365.0).astype(float)
    data = Repeats(frequency, np.where(frequency > 0, 300.0, 0.0), np.full(50_000, 365.0))

    model = Empirical.of(data)

    assert model.r / model.alpha == pytest.approx(0.008, rel=0.03)
    assert model.r == pytest.approx(0.8, rel=0.05)


@given(
    st.builds(GammaGamma, rates, st.floats(1.01, 20), days),
    st.integers(1, 2000),
    st.floats(0.01, 1e6),
)
def test_expected_spend_lies_between_the_own_mean_and_everybodys(model, frequency, mean_value):
    spend = model.expected_spend(np.array([float(frequency)]), np.array([mean_value]))[0]

    low, high = sorted((mean_value, model.population_mean))
    assert low * (1 - 1e-9) <= spend <= high * (1 + 1e-9)


def test_who_has_not_ordered_again_is_expected_to_spend_like_everybody():
    model = GammaGamma(6.25, 3.74, 15.44)

    spend = model.expected_spend(
        np.array([0.0, 0.0, 2.0, 2.0]), np.array([0.0, np.nan, np.nan, -5])
    )

    assert spend == pytest.approx([model.population_mean] * 4)


@pytest.mark.parametrize("model", (*MODELS, GammaGamma(6.25, 3.74, 15.44), Sbg(0.7, 1.2)), ids=repr)
def test_a_manifest_keeps_a_model_whole(model):
    kept = json.loads(json.dumps(to_plain(model)))

    assert kept["kind"] == model.name
    assert restore(kept) == model


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"kind": "bg_nbd", "r": 1.0},
        {"kind": "bg_nbd", "r": -1.0, "alpha": 1.0, "a": 1.0, "b": 1.0},
        {"kind": "gamma_gamma", "p": 1.0, "q": 1.0, "v": 1.0},
        {"kind": "oracle"},
    ],
)
def test_a_manifest_of_something_else_is_refused(plain):
    with pytest.raises(ModelUnavailable, match=r"value model: .*; train the model again"):
        restore(plain)
