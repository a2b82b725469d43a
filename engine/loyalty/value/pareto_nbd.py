"""Pareto/NBD (Schmittlein, Morrison & Colombo 1987): a customer may leave at any moment.

Orders come at a rate lambda ~ Gamma(r, alpha), the customer leaves at a rate mu ~ Gamma(s, beta).
The integral over the moment of leaving, two Gauss hypergeometric functions in Fader & Hardie (2005,
note 009), is taken numerically: that needs no case for alpha < beta, loses no digits when the last
order is recent, and stays finite for thousands of orders.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from scipy.special import expit, exprel, gammaln, psi

from engine.domain.arrays import DoubleArray, LongArray
from engine.loyalty.value.model import Horizon, horizons
from engine.loyalty.value.poisson_orders import PoissonOrders, Positive, log_either
from engine.loyalty.value.quadrature import (
    NEGLIGIBLE,
    integrals,
    log_time_nodes,
    reach_of_power,
)
from engine.loyalty.value.repeats import Repeats


class ParetoNbd(PoissonOrders, frozen=True, tag="pareto_nbd", tag_field="kind"):
    """Parameters: alpha and beta in days, r and s without unit."""

    name: ClassVar[str] = "pareto_nbd"
    times: ClassVar[tuple[str, ...]] = ("alpha", "beta")

    s: Positive
    beta: Positive

    def log_likelihood(self, data: Repeats) -> DoubleArray:
        """Log of the density of each customer's orders, shape (n,)."""
        return self._log_common(data) + log_either(*self._log_ways(data, self._leaving(data)))

    def log_likelihood_gradient(self, data: Repeats) -> tuple[DoubleArray, DoubleArray]:
        """The log likelihood (n,) and its gradient (4, n) by the logs of r, alpha, s and beta."""
        moments = self._leaving_moments(data)
        stayed, left = self._log_ways(data, moments[0])
        gone = expit(left - stayed)
        k, now, later = self.shape(data), self.alpha + data.age, self.beta + data.age
        log_order, log_leave, per_order, per_leave = moments[1:]
        values, position = data.distinct_frequency
        by_r = (psi(self.r + values) - psi(self.r))[position] + np.log(self.alpha)
        by_s = np.log(self.beta) - (1 - gone) * np.log(later) + gone * (1 / self.s - log_leave)
        by_beta = -self.s * (1 - gone) / later - gone * (self.s + 1) * per_leave
        gradient = np.stack(
            [
                self.r * (by_r - (1 - gone) * np.log(now) - gone * log_order),
                self.r - self.alpha * k * ((1 - gone) / now + gone * per_order),
                self.s * by_s,
                self.s + self.beta * by_beta,
            ]
        )
        return self._log_common(data) + log_either(stayed, left), gradient

    def _alive(self, data: Repeats) -> DoubleArray:
        stayed, left = self._log_ways(data, self._leaving(data))
        alive: DoubleArray = expit(stayed - left)
        return alive

    def p_order_within(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """Probability of an order within the horizon, before leaving, shape (n,)."""
        k, now, later = self.shape(data), self.alpha + data.age, self.beta + data.age
        each = np.maximum(np.asarray(horizon, dtype=np.float64), 0.0)
        reach = np.minimum(each, reach_of_power(now, k))

        def first_order(rows: LongArray, days: DoubleArray) -> DoubleArray:
            fallen = (k[rows, None] + 1) * np.log1p(days / now[rows, None])
            fallen += self.s * np.log1p(days / later[rows, None])
            return (k / now)[rows, None] * np.exp(-fallen)

        scale = 1 / ((k + 1) / now + self.s / later)
        chance = self.p_alive(data) * integrals(first_order, reach=reach, scale=scale)
        likely: DoubleArray = np.minimum(chance, 1.0)
        return likely

    def expected_orders(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """Expected orders within the horizon, shape (n,); exact at s = 1 as well."""
        later = self.beta + data.age
        width = np.log1p(horizons(horizon, data) / later)
        rate = self.shape(data) / (self.alpha + data.age)
        orders: DoubleArray = rate * later * width * exprel((1 - self.s) * width)
        return self.p_alive(data) * orders

    def discounted_orders(self, data: Repeats, horizon: Horizon, *, rate: float) -> DoubleArray:
        """Expected orders within the horizon, each counted exp(-rate * days), shape (n,).

        With an infinite horizon the discounted expected residual transactions (DERT).
        """
        each, later = horizons(horizon, data, rate=rate), self.beta + data.age
        reach = each if rate == 0 else np.minimum(each, NEGLIGIBLE / rate)

        def staying(rows: LongArray, days: DoubleArray) -> DoubleArray:
            stays: DoubleArray = np.exp(-self.s * np.log1p(days / later[rows, None]) - rate * days)
            return stays

        scale = later / (1 + self.s)
        per_day = self.shape(data) / (self.alpha + data.age)
        orders: DoubleArray = per_day * integrals(staying, reach=reach, scale=scale)
        return self.p_alive(data) * orders

    def _log_common(self, data: Repeats) -> DoubleArray:
        values, position = data.distinct_frequency
        scales = self.r * np.log(self.alpha) + self.s * np.log(self.beta)
        common: DoubleArray = gammaln(self.r + values) - gammaln(self.r) + scales
        return common[position]

    def _log_ways(self, data: Repeats, leaving: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
        """Logs of the two ways to have seen no order since the last: to stay, or to have left."""
        k = self.shape(data)
        stayed = -k * np.log(self.alpha + data.age) - self.s * np.log(self.beta + data.age)
        last = -k * np.log(self.alpha + data.recency) - self.s * np.log(self.beta + data.recency)
        with np.errstate(divide="ignore"):  # Nobody leaves within no time: log 0 is meant.
            return stayed, last + np.log(leaving)

    def _leaving(self, data: Repeats) -> DoubleArray:
        """Integral over leaving since the last order, relative to the density there, shape (n,)."""
        sums = np.full(len(data), np.nan)
        for rows, _, density in self._leaving_nodes(data):
            sums[rows] = density.sum(axis=1)
        return sums

    def _leaving_moments(self, data: Repeats) -> DoubleArray:
        """The integral, and means under it of log(alpha + y), log(beta + y) and their inverses."""
        sums = np.full((5, len(data)), np.nan)
        for rows, moment, density in self._leaving_nodes(data):
            total = density.sum(axis=1)
            share = density / np.where(total > 0, total, 1.0)[:, None]
            order, leave = self.alpha + moment, self.beta + moment
            means = (np.log(order), np.log(leave), 1 / order, 1 / leave)
            sums[:, rows] = [total, *((share * each).sum(axis=1) for each in means)]
        return sums

    def _leaving_nodes(self, data: Repeats) -> Iterator[tuple[LongArray, DoubleArray, DoubleArray]]:
        """Rows (m,), moments of leaving and their weighted relative density, both (m, nodes)."""
        k = self.shape(data)
        order, leave = self.alpha + data.recency, self.beta + data.recency
        scale = 1 / (k / order + (self.s + 1) / leave)
        reach = np.minimum(data.age - data.recency, reach_of_power(order, k))
        for rows, since, weights in log_time_nodes(reach=reach, scale=scale):
            fallen = k[rows, None] * np.log1p(since / order[rows, None])
            fallen += (self.s + 1) * np.log1p(since / leave[rows, None])
            density = weights * (self.s / leave[rows, None]) * np.exp(-fallen)
            yield rows, data.recency[rows, None] + since, density
