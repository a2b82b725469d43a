"""Single values of value models that others printed."""

from __future__ import annotations

import numpy as np
import pytest

from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.fitting import fit_sbg
from engine.loyalty.value.pareto_nbd import ParetoNbd
from engine.loyalty.value.repeats import Repeats
from engine.loyalty.value.sbg import Sbg

# BTYD's vignette, fitted to CDNOW in weeks.
BG = BgNbd(0.2425967, 4.413659, 0.7929869, 2.426164)
BG_ROUNDED = BgNbd(0.243, 4.414, 0.793, 2.426)
# Where BTYD's optimiser must have stopped: the four numbers that give all seven values it prints to
# seven digits. The log likelihood there is the maximum, -9594.976, to its sixth decimal.
PARETO = ParetoNbd(0.5533708377, 10.579518859, 0.6059072534, 11.65811018)
# Fader & Hardie (2005, note 009).
PARETO_ROUNDED = ParetoNbd(0.553, 10.578, 0.606, 11.669)
WEEKLY = np.log(1.15) / 52

# Customer 1516 of CDNOW, the vignette's example.
REGULAR = Repeats.of(26, 216 / 7, 31)
FADING = Repeats.of([10, 15, 20, 25], [20] * 4, [39] * 4)
# An excellent and a lost one, and a first order only (Fader, Hardie & Lee 2005, RFM and CLV).
SEVEN, ONCE, TYPICAL = (7, 35, 39), (0, 0, 38.86), (2, 30.43, 38.86)


def test_bg_orders_of_a_typical_customer():
    """lifetimes' tests, after Fader, Hardie & Lee (2005): 1.226."""
    customer = Repeats.of(*TYPICAL)

    assert BG.expected_orders(customer, 39.0)[0] == pytest.approx(1.226, abs=5e-4)
    assert BG.p_alive(customer)[0] == pytest.approx(0.7266, abs=5e-5)


def test_bg_orders_of_a_new_customer():
    """lifetimes' tests, from the paper's spreadsheet."""
    weeks = np.array([0.1429, 1, 3, 31.8571, 32, 78])

    found = BG.expected_orders_of_new(weeks)

    assert found == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], abs=4e-4)
    assert float(BG.expected_orders_of_new(52.0)) == pytest.approx(1.444004, abs=5e-7)


def test_bg_chance_of_no_repeat():
    """lifetimes' tests, with the parameters of the paper."""
    newcomer = Repeats.of(0, 0, 0)

    assert 1 - BG_ROUNDED.p_order_within(newcomer, 39.0)[0] == pytest.approx(0.5737864, abs=5e-7)


def test_bg_values_of_the_vignette():
    assert BG.expected_orders(REGULAR, 52.0)[0] == pytest.approx(25.75659, rel=5e-6)
    assert BG.p_alive(REGULAR)[0] == pytest.approx(0.9688523, abs=5e-6)
    assert BG.expected_orders(FADING, 52.0) == pytest.approx(
        [0.3474606, 0.04283391, 0.004158973, 0.0003583685], rel=1e-5
    )


def test_pareto_values_of_the_vignette():
    assert float(PARETO.expected_orders_of_new(52.0)) == pytest.approx(1.473434, rel=1e-6)
    assert PARETO.expected_orders(REGULAR, 52.0)[0] == pytest.approx(25.45647, rel=1e-6)
    assert PARETO.p_alive(REGULAR)[0] == pytest.approx(0.997874, rel=1e-6)
    assert PARETO.expected_orders(FADING, 52.0) == pytest.approx(
        [0.7062289, 0.1442396, 0.02250658, 0.00309267], rel=1e-6
    )


def test_pareto_survives_where_powers_underflow():
    """lifetimes' tests: more than 132 orders used to give no number."""
    model = ParetoNbd(0.55, 10.58, 0.61, 11.67)

    found = model.expected_orders(Repeats.of([132, 133], [200, 200], [200, 200]), 10.0)

    assert found == pytest.approx([6.20605, 6.25287], abs=5e-6)


@pytest.mark.parametrize(
    ("customer", "expected"),
    [
        ((0, 0, 39), 0.4763),
        ((1, 35, 39), 4.3072),
        ((2, 30.43, 38.86), 6.5017),
        ((7, 35, 39), 20.6166),
        ((14, 35, 39), 38.672),
        ((7, 10, 39), 0.2397),
        ((26, 30.86, 31), 86.2899),
    ],
)
def test_discounted_residual_orders_at_fifteen_percent_a_year(customer, expected: float):
    """Recomputed from the closed form with Tricomi's function and by quadrature."""
    found = PARETO_ROUNDED.discounted_orders(Repeats.of(*customer), np.inf, rate=WEEKLY)[0]

    assert found == pytest.approx(expected, abs=5.1e-5)


def test_discounted_residual_orders_of_the_manual():
    """BTYD's manual, pnbd.DERT: 1.8642."""
    model = ParetoNbd(0.5629966, 12.5590370, 0.4081095, 10.5148048)

    found = model.discounted_orders(Repeats.of(7, 35, 77.86), np.inf, rate=0.0027)[0]

    assert found == pytest.approx(1.8642, abs=5e-5)


@pytest.mark.parametrize(
    ("customer", "year", "endless"),
    [(TYPICAL, 1.4619, 5.1693), (SEVEN, 5.1518, 16.6086), (ONCE, 0.2360, 1.0187)],
)
def test_bg_discounted_orders(customer, year: float, endless: float):
    """Recomputed by quadrature; the endless ones stopped after 3,000 weeks, which leaves 4e-5."""
    data = Repeats.of(*customer)

    weeks = BG_ROUNDED.discounted_orders(data, np.array([52.0]), rate=WEEKLY)[0]
    long = BG_ROUNDED.discounted_orders(data, 3000.0, rate=WEEKLY)[0]
    forever = BG_ROUNDED.discounted_orders(data, np.inf, rate=WEEKLY)[0]

    assert weeks == pytest.approx(year, abs=5.1e-5)
    assert long == pytest.approx(endless, abs=5.1e-5)
    assert long < forever < long * (1 + 1e-4)


@pytest.mark.parametrize(
    ("percents", "parameters", "likely", "lifetime", "residual"),
    [
        (
            (100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1),
            (0.704, 1.182),
            -1680.27,
            3.6949,
            4.8698,
        ),
        (
            (100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1),
            (0.668, 3.806),
            -1611.16,
            5.9223,
            6.2939,
        ),
    ],
    ids=["regular", "high-end"],
)
def test_subscribers_stay_as_published(percents, parameters, likely, lifetime, residual):
    """Fader & Hardie (2007): survival of two segments; lifetimes recomputed as direct sums."""
    found = fit_sbg(10 * np.asarray(percents))

    model = found.model
    assert found.converged
    assert (model.alpha, model.beta) == pytest.approx(parameters, abs=5e-4)
    assert found.log_likelihood == pytest.approx(likely, abs=6e-3)
    assert model.discounted_lifetime(0.1) == pytest.approx(lifetime, abs=5.1e-5)
    assert model.discounted_residual_lifetime(np.array([3.0]), 0.1)[0] == pytest.approx(
        residual, abs=5.1e-5
    )


def test_lifetimes_are_the_sums_they_stand_for():
    model, periods = Sbg(0.7, 1.2), np.arange(4000.0)

    alive = model.survival(periods) / 1.1**periods
    after_three = (
        model.survival(periods[3:]) / model.survival(np.array([2.0])) / 1.1 ** periods[:-3]
    )

    assert model.discounted_lifetime(0.1) == pytest.approx(alive.sum(), rel=1e-10)
    assert model.discounted_residual_lifetime(np.array([3.0]), 0.1)[0] == pytest.approx(
        after_three.sum(), rel=1e-10
    )
    assert np.cumprod(model.retention(periods[1:6])) == pytest.approx(model.survival(periods[1:6]))
