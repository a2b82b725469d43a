"""What the models foretell of simulated customers, against what those then do."""

from __future__ import annotations

import numpy as np
import pytest

from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.pareto_nbd import ParetoNbd
from tests.purchasing import Simulated, simulate

# CDNOW's parameters in weeks.
MODELS = (
    BgNbd(0.2426, 4.4135, 0.7929, 2.4258),
    MbgNbd(0.5248, 6.183, 0.8914, 1.614),
    ParetoNbd(0.5533, 10.5776, 0.6062, 11.6679),
)
CUSTOMERS = 400_000
HORIZON = 39.0


@pytest.fixture(scope="module", params=MODELS, ids=lambda model: model.name)
def simulated(request):
    rng = np.random.default_rng(20_050_401)
    age = rng.integers(27, 40, CUSTOMERS).astype(float)
    return request.param, simulate(request.param, age, horizon=HORIZON, rng=rng)


def by_frequency(data: Simulated):
    for frequency in range(6):
        yield data.repeats.frequency == frequency


def test_as_many_order_again_as_foretold(simulated):
    """Binomial counts: every |z| < 4, for none to five repeats."""
    model, data = simulated
    chance = model.p_order_within(data.repeats, HORIZON)

    for group in by_frequency(data):
        hits = np.count_nonzero(data.later[group])
        spread = np.sqrt((chance[group] * (1 - chance[group])).sum())
        assert abs(hits - chance[group].sum()) < 4 * spread


def test_they_order_as_often_as_foretold(simulated):
    model, data = simulated
    orders = model.expected_orders(data.repeats, HORIZON)

    for group in by_frequency(data):
        error = data.later[group] - orders[group]
        assert abs(error.mean()) < 4 * error.std() / np.sqrt(error.size)


def test_new_customers_come_back_as_often_as_foretold(simulated):
    model, data = simulated

    foretold = model.expected_orders_of_new(data.repeats.age)

    error = data.repeats.frequency - foretold
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(error.size)
