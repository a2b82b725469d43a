"""The model of last resort: customers who order at random and never leave."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import exprel, gammaln

from engine.domain.arrays import DoubleArray
from engine.loyalty.value.model import Horizon, horizons
from engine.loyalty.value.poisson_orders import PoissonOrders
from engine.loyalty.value.repeats import Repeats

# Without any customer to learn from: one repeat a year, as uncertain as an exponential.
_PRIOR_RATE = 1 / 365.0
_PRIOR_SHAPE = 1.0
_SHAPES = (0.05, 50.0)


class Empirical(PoissonOrders, frozen=True, tag="empirical", tag_field="kind"):
    """Gamma-Poisson over repeats (Ehrenberg 1959): fits anything, knows nothing of leaving.

    It overrates customers who have been away for long: use it only where nothing better can be
    fitted.
    """

    name: ClassVar[str] = "empirical"

    @classmethod
    def of(cls, data: Repeats) -> Empirical:
        """The model with the mean and the spread of the customers' rates; always finite.

        By moments: Var(x) = m T + (m T)^2 / r for a mean rate m. Half a repeat is added at the
        prior rate, so that a shop without repeats gets a small rate, not zero.
        """
        kept = data.where(data.usable)
        watched = float(kept.age.sum())
        rate = (float(kept.frequency.sum()) + 0.5) / (watched + 0.5 / _PRIOR_RATE)
        expected = rate * kept.age
        excess = float(((kept.frequency - expected) ** 2 - expected).sum())
        square = float((expected**2).sum())
        shape = _PRIOR_SHAPE if square == 0 else square / max(excess, square / _SHAPES[1])
        shape = min(max(shape, _SHAPES[0]), _SHAPES[1])
        return cls(r=shape, alpha=shape / rate)

    def log_likelihood(self, data: Repeats) -> DoubleArray:
        """Log of the density of each customer's orders, shape (n,)."""
        k = self.shape(data)
        rates: DoubleArray = gammaln(k) - gammaln(self.r) + self.r * np.log(self.alpha)
        return rates - k * np.log(self.alpha + data.age)

    def _alive(self, data: Repeats) -> DoubleArray:
        # 1 for everybody: this model lets nobody leave.
        return np.where(np.isfinite(data.frequency + data.age), 1.0, np.nan)

    def p_order_within(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """1 - ((alpha + T) / (alpha + T + H))^(r + x), shape (n,)."""
        each = np.maximum(np.asarray(horizon, dtype=np.float64), 0.0)
        return -np.expm1(-self.shape(data) * np.log1p(each / (self.alpha + data.age)))

    def expected_orders(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """(r + x) / (alpha + T) * H, shape (n,)."""
        return self.shape(data) / (self.alpha + data.age) * horizons(horizon, data)

    def discounted_orders(self, data: Repeats, horizon: Horizon, *, rate: float) -> DoubleArray:
        """(r + x) / (alpha + T) * (1 - exp(-rate * H)) / rate, shape (n,)."""
        each = horizons(horizon, data, rate=rate)
        # exprel(-z) is (1 - exp(-z)) / z, 1 at z = 0.
        finite = np.where(np.isinf(each), 0.0, each)
        present = np.where(
            np.isinf(each), 1 / rate if rate else 0.0, finite * exprel(-rate * finite)
        )
        days: DoubleArray = self.shape(data) / (self.alpha + data.age) * present
        return days
