"""Gamma-Gamma (Fader & Hardie 2013, note 025): how much a customer spends on an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from scipy.special import gammaln, psi

from engine.domain.arrays import BoolArray, DoubleArray
from engine.loyalty.value.poisson_orders import Positive

# Money reaches neither that much nor that little in any currency.
_ABSURD = 1e15


@dataclass(frozen=True)
class Spend:
    """Repeats and mean value of an order of n customers, float64 arrays of shape (n,).

    `frequency` is that of Repeats, `mean_value` the mean over the repeats, in any unit of money.
    """

    frequency: DoubleArray
    mean_value: DoubleArray

    def __len__(self) -> int:
        return int(self.frequency.shape[0])

    @property
    def usable(self) -> BoolArray:
        """Customers with a repeat and a positive mean value, neither absurd, shape (n,)."""
        repeated = (self.frequency > 0) & (self.frequency < _ABSURD)
        usable: BoolArray = repeated & (self.mean_value > 1 / _ABSURD)
        return usable & (self.mean_value < _ABSURD)

    def where(self, mask: BoolArray) -> Spend:
        """The customers picked by a mask."""
        return Spend(self.frequency[mask], self.mean_value[mask])

    def winsorised(self, quantile: float) -> Spend:
        """The same with mean values cut off at a quantile of them: one yacht is no habit."""
        top = np.quantile(self.mean_value, quantile) if len(self) else np.inf
        return Spend(self.frequency, np.minimum(self.mean_value, top))

    def correlation(self) -> float:
        """Pearson's correlation of the two among usable customers; NaN when one does not vary."""
        kept = self.where(self.usable)
        if len(kept) < 2 or not (np.ptp(kept.frequency) and np.ptp(kept.mean_value)):
            return float("nan")
        return float(np.corrcoef(kept.frequency, kept.mean_value)[0, 1])


class GammaGamma(msgspec.Struct, frozen=True, tag="gamma_gamma", tag_field="kind"):
    """Parameters: shapes p and q > 1, and v in the unit of money.

    The value of an order is Gamma(p, nu), nu of customers Gamma(q, v), both independent of how
    often they order. Model revenue, and take the margin afterwards: margins may be negative.
    """

    name: ClassVar[str] = "gamma_gamma"

    p: Positive
    q: Annotated[float, msgspec.Meta(gt=1)]
    v: Positive

    @property
    def population_mean(self) -> float:
        """Expected value of an order of a customer nothing is known of."""
        return self.v * self.p / (self.q - 1)

    def expected_spend(self, frequency: DoubleArray, mean_value: DoubleArray) -> DoubleArray:
        """Expected value of each customer's orders to come, shape (n,).

        A mean of the customer's own and the population's, the more of the former the more repeats
        there are; the population's alone without a repeat, or with an own mean value that is NaN or
        not above zero.
        """
        known = (frequency > 0) & (mean_value > 0)
        seen = np.where(known, self.p * frequency, 0.0)
        own = np.where(known, mean_value, self.population_mean)
        share = seen / (seen + self.q - 1)
        spend: DoubleArray = share * own + (1 - share) * self.population_mean
        return spend

    def log_likelihood(self, data: Spend) -> DoubleArray:
        """Log density of the mean values of customers with a repeat, shape (n,)."""
        return self.log_likelihood_gradient(data)[0]

    def log_likelihood_gradient(self, data: Spend) -> tuple[DoubleArray, DoubleArray]:
        """The log likelihood (n,) and its gradient (3, n) by the logs of p, q - 1 and v."""
        x, z = data.frequency, data.mean_value
        # Few distinct frequencies: the special functions are dear, the logs are not.
        distinct, position = np.unique(x, return_inverse=True)
        orders, total = self.p * distinct, self.p * distinct + self.q
        fixed = gammaln(total) - gammaln(orders) - gammaln(self.q) + orders * np.log(distinct)
        log_sum, log_z = np.log(x * z + self.v), np.log(z)
        log_density = fixed[position] + self.q * np.log(self.v) - log_z
        log_density += orders[position] * (log_z - log_sum) - self.q * log_sum
        by_total = psi(total)
        by_p = distinct * (by_total - psi(orders) + np.log(distinct))
        by_q = by_total - psi(self.q) + np.log(self.v)
        gradient = np.stack(
            [
                self.p * (by_p[position] + x * (log_z - log_sum)),
                (self.q - 1) * (by_q[position] - log_sum),
                self.q - self.v * total[position] / (x * z + self.v),
            ]
        )
        return log_density, gradient
