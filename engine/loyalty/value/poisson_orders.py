"""What all repeat models share: while a customer is there, orders come at random.

The rates of customers differ as Gamma(r, alpha); after x repeats in T days that of a customer still
there is Gamma(r + x, alpha + T).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from scipy.special import log_expit

from engine.domain.arrays import DoubleArray
from engine.loyalty.value.model import NEXT_ORDER_LEAST_ALIVE, NEXT_ORDER_LIMIT_DAYS, Horizon
from engine.loyalty.value.repeats import Repeats, one_newcomer

Positive = Annotated[float, msgspec.Meta(gt=0)]
# exp of anything above would be no number.
_LARGEST_EXPONENT = 700.0


class PoissonOrders(msgspec.Struct, frozen=True):
    """Rates of orders: Gamma with shape r, without unit, and rate alpha, in days.

    A base: each model says itself who has left (`_alive`) and how many orders to expect.
    """

    # Which parameters are times.
    times: ClassVar[tuple[str, ...]] = ("alpha",)

    r: Positive
    alpha: Positive

    def p_alive(self, data: Repeats) -> DoubleArray:
        """Probability that the customer has not left, shape (n,)."""
        # Every other answer rests on it: worked out once for the same customers.
        if self not in data.alive:
            data.alive[self] = self._alive(data)
        return data.alive[self]

    def expected_orders(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """Expected orders within the horizon, shape (n,)."""
        raise NotImplementedError

    def next_order_days(self, data: Repeats) -> DoubleArray:
        """Median days from now to the next order of one who stays for it, shape (n,), or NaN.

        NaN: beyond NEXT_ORDER_LIMIT_DAYS, or the customer has more likely left than not. The wait
        is Lomax with an infinite mean for r + x <= 1; hence the median. Orders have no memory: the
        days count from now, not from the last order.
        """
        doublings = np.minimum(np.log(2.0) / self.shape(data), _LARGEST_EXPONENT)
        wait = (self.alpha + data.age) * np.expm1(doublings)
        announced = wait <= NEXT_ORDER_LIMIT_DAYS
        announced &= self.p_alive(data) >= NEXT_ORDER_LEAST_ALIVE
        return np.where(announced, wait, np.nan)

    def expected_orders_of_new(self, horizon: Horizon) -> DoubleArray:
        """Expected repeats of somebody who orders for the first time now, shape of the horizon."""
        each = np.asarray(horizon, dtype=np.float64)
        data = one_newcomer().where(np.zeros(each.size, dtype=np.int64))
        return self.expected_orders(data, each.ravel()).reshape(each.shape)

    def _alive(self, data: Repeats) -> DoubleArray:
        """Probability that the customer has not left, worked out anew, shape (n,)."""
        raise NotImplementedError

    def shape(self, data: Repeats) -> DoubleArray:
        """Shape of the distribution of each customer's rate, r + x, shape (n,)."""
        return self.r + data.frequency


def log_either(one: DoubleArray, other: DoubleArray) -> DoubleArray:
    """log(exp(one) + exp(other)), quiet about NaN, for finite `one`; numpy's own is not."""
    either: DoubleArray = one - log_expit(one - other)
    return either
