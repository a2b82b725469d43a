"""What BG/NBD and MBG/NBD share: Poisson orders, and a coin for leaving tossed after an order.

Orders come at a rate lambda ~ Gamma(r, alpha); after each the customer leaves with probability
p ~ Beta(a, b). In MBG/NBD the coin is tossed after the first order too. Given that the customer is
still there, lambda ~ Gamma(r + x, alpha + T) and p ~ Beta(a, b + x + first_toss), independent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from scipy.special import expit, gammaln, hyp2f1, psi

from engine.domain.arrays import DoubleArray, LongArray
from engine.loyalty.value.model import Horizon, horizons
from engine.loyalty.value.poisson_orders import PoissonOrders, Positive, log_either
from engine.loyalty.value.quadrature import NEGLIGIBLE, discounted_sums, endless_nodes, integrals
from engine.loyalty.value.repeats import Repeats

# Above this, leaving probabilities hardly differ and powers of a would over- and underflow.
_CONCENTRATED = 30.0
_SERIES_TERMS = 20_000


class BetaGeometric(PoissonOrders, frozen=True):
    """Parameters of either model; alpha in days, the rest without unit."""

    name: ClassVar[str]
    # 1 when a customer may leave right after the first order, 0 when not before the second.
    first_toss: ClassVar[int]

    a: Positive
    b: Positive

    def log_likelihood(self, data: Repeats) -> DoubleArray:
        """Log of the density of each customer's orders, shape (n,). Fader et al. (2005), eq. 6."""
        stayed, left = self._log_ways(data)
        common, position = self._log_common(data), data.distinct_frequency[1]
        scaled: DoubleArray = log_either(stayed, left) + self.r * np.log(self.alpha)
        return scaled + common[position]

    def log_likelihood_gradient(self, data: Repeats) -> tuple[DoubleArray, DoubleArray]:
        """The log likelihood (n,) and its gradient (4, n) by the logs of r, alpha, a and b."""
        stayed, left = self._log_ways(data)
        gone = expit(left - stayed)
        values, position = data.distinct_frequency
        k, now, last = self.shape(data), self.alpha + data.age, self.alpha + data.recency
        tosses, total = values + self.first_toss, self.a + self.b
        by_a = psi(total) - psi(total + tosses)
        by_b = by_a + psi(self.b + tosses) - psi(self.b)
        by_r = psi(self.r + values) - psi(self.r) + np.log(self.alpha)
        lost = np.maximum(self.b + values + self.first_toss - 1, self.b)
        gradient = np.stack(
            [
                self.r * (by_r[position] - (1 - gone) * np.log(now) - gone * np.log(last)),
                self.r - self.alpha * k * ((1 - gone) / now + gone / last),
                self.a * by_a[position] + gone,
                self.b * (by_b[position] - gone / lost[position]),
            ]
        )
        common = self._log_common(data)[position] + self.r * np.log(self.alpha)
        return common + log_either(stayed, left), gradient

    def _alive(self, data: Repeats) -> DoubleArray:
        stayed, left = self._log_ways(data)
        alive: DoubleArray = expit(stayed - left)
        return alive

    def p_order_within(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """Probability of an order within the horizon, shape (n,).

        Who is still there cannot leave before the next order, so that only the wait for it counts:
        p_alive * (1 - ((alpha + T) / (alpha + T + H))^(r + x)).
        """
        each = np.maximum(np.asarray(horizon, dtype=np.float64), 0.0)
        waited = np.log1p(each / (self.alpha + data.age))
        return -self.p_alive(data) * np.expm1(-self.shape(data) * waited)

    def expected_orders(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """Expected orders within the horizon, shape (n,)."""
        return self._orders(data, horizons(horizon, data), rate=0.0)

    def discounted_orders(self, data: Repeats, horizon: Horizon, *, rate: float) -> DoubleArray:
        """Expected orders within the horizon, each counted exp(-rate * days), shape (n,)."""
        return self._orders(data, horizons(horizon, data, rate=rate), rate=rate)

    def _log_common(self, data: Repeats) -> DoubleArray:
        """The part of the likelihood that frequency alone decides, one a distinct frequency."""
        values, _ = data.distinct_frequency
        tosses, total = values + self.first_toss, self.a + self.b
        orders = gammaln(self.r + values) - gammaln(self.r)
        stays = (
            gammaln(total) - gammaln(total + tosses) + gammaln(self.b + tosses) - gammaln(self.b)
        )
        common: DoubleArray = orders + stays
        return common

    def _log_ways(self, data: Repeats) -> tuple[DoubleArray, DoubleArray]:
        """Logs of the two ways to have seen no order since the last: to stay, or to have left."""
        k = self.shape(data)
        stayed = -k * np.log(self.alpha + data.age)
        tosses = data.frequency + self.first_toss
        lost = np.log(self.a) - np.log(np.maximum(self.b + tosses - 1, self.b))
        left = np.where(tosses > 0, lost - k * np.log(self.alpha + data.recency), -np.inf)
        return stayed, left

    def _orders(self, data: Repeats, horizon: DoubleArray, *, rate: float) -> DoubleArray:
        """p_alive * integral of the rate of orders, in s = days / (alpha + T).

        The rate at s is (r + x) * E[(1 + p s)^-(r + x + 1)]; integrating it numerically stays exact
        at a = 1 and for thousands of orders, where the closed forms fail.
        """
        forever = horizon * rate >= NEGLIGIBLE
        count = np.count_nonzero(forever)
        # Most often one horizon holds for all: then nobody needs to be picked.
        if count == 0:
            sums = self._ordering_until(data, horizon, rate=rate)
        elif count == len(data):
            sums = self._ordering_forever(data, rate=rate)
        else:
            until, sums = ~forever, np.empty(len(data))
            sums[forever] = self._ordering_forever(data.where(forever), rate=rate)
            sums[until] = self._ordering_until(data.where(until), horizon[until], rate=rate)
        return self.p_alive(data) * self.shape(data) * sums

    def _ordering_until(self, data: Repeats, horizon: DoubleArray, *, rate: float) -> DoubleArray:
        now, power = self.alpha + data.age, self.shape(data) + 1
        total = self._total(data.frequency)

        def ordering(rows: LongArray, points: DoubleArray) -> DoubleArray:
            kept = _mean_power(points, power=power[rows, None], a=self.a, total=total[rows, None])
            return kept * np.exp(-rate * now[rows, None] * points) if rate else kept

        return integrals(ordering, reach=horizon / now, scale=self._scale(data.frequency))

    def _ordering_forever(self, data: Repeats, *, rate: float) -> DoubleArray:
        """The same without an end, at points that depend on the frequency alone.

        The costly mean of powers is then taken once a frequency, not once a customer.
        """
        distinct, position = data.distinct_frequency
        weighted = np.stack([_endless(self, each, rate) for each in distinct.tolist()])
        slowness = rate * (self.alpha + data.age) * self._scale(distinct)[position]
        points, _ = self._endless_nodes(rate)
        return discounted_sums(weighted, position, points=points, rates=slowness)

    def _endless_nodes(self, rate: float) -> tuple[DoubleArray, DoubleArray]:
        # No customer's future is discounted slower than that of one whose first order is now.
        least = 1 / (1 + self.a * max(1.0, self.r / (self.a + self.b)))
        return endless_nodes(NEGLIGIBLE / (rate * self.alpha * least))

    def _total(self, frequency: DoubleArray) -> DoubleArray:
        return self.a + self.b + frequency + self.first_toss

    def _scale(self, frequency: DoubleArray) -> DoubleArray:
        """Where in s the rate of orders begins to fall."""
        return 1 / (1 + self.a * (self.r + frequency) / self._total(frequency))


# A shop's frequencies under one model; with every event the same ones are asked for again.
@lru_cache(maxsize=4_096)
def _endless(model: BetaGeometric, frequency: float, rate: float) -> DoubleArray:
    """Weights of the points without an end, times the mean of powers there, shape (nodes,)."""
    points, weights = model._endless_nodes(rate)
    each = np.asarray([frequency])
    scale, total = model._scale(each), model._total(each)
    means = _mean_power(scale * points, power=model.r + each + 1, a=model.a, total=total)
    weighted: DoubleArray = means * scale * weights
    return weighted


def _mean_power(s: DoubleArray, *, power: DoubleArray, a: float, total: DoubleArray) -> DoubleArray:
    """E[(1 + p s)^-power] for p ~ Beta(a, total - a): 2F1(power, a; total; -s).

    Pfaff's transformation keeps the argument within 0 to 1 and takes the large parameter out.
    """
    if a > _CONCENTRATED:
        return _mean_power_by_nodes(s, power=power, a=a, total=total)
    inside = s / (1 + s)
    transformed = hyp2f1(total - power, a, total, inside)
    broken = ~np.isfinite(transformed)
    if np.count_nonzero(broken):
        # scipy overflows for some whole-numbered parameters; the series itself does not.
        left, bottom = (np.broadcast_to(each, s.shape)[broken] for each in (total - power, total))
        transformed[broken] = _series(left, a, bottom, inside[broken])
    mean: DoubleArray = transformed * np.exp(-a * np.log1p(s))
    return mean


def _series(left: DoubleArray, a: float, bottom: DoubleArray, z: DoubleArray) -> DoubleArray:
    """2F1(left, a; bottom; z) by its series, for large bottom."""
    term, total = np.ones_like(z), np.ones_like(z)
    for n in range(_SERIES_TERMS):
        term = term * (left + n) * (a + n) / ((bottom + n) * (n + 1)) * z
        total += term
        if (np.abs(term) <= 1e-17 * np.abs(total)).all():
            break
    return total


def _mean_power_by_nodes(
    s: DoubleArray, *, power: DoubleArray, a: float, total: DoubleArray
) -> DoubleArray:
    """The same mean for large a: the trapezoid rule in logit p, ten deviations either way."""
    rest = total - a
    deviation = np.sqrt(1 / a + 1 / rest)
    mean, mass = np.zeros(s.shape), np.zeros(s.shape)
    for step in np.linspace(-10.0, 10.0, 61):
        logit = np.log(a / rest) + step * deviation
        p = expit(logit)
        # Logs of the density relative to its peak; log p and log(1 - p) without cancellation.
        peak = a * np.log(a / total) + rest * np.log(rest / total)
        density = np.exp(-a * np.logaddexp(0, -logit) - rest * np.logaddexp(0, logit) - peak)
        mean += density * np.exp(-power * np.log1p(p * s))
        mass += density
    return mean / mass
