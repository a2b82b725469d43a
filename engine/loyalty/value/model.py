"""What every repeat model can answer."""

from __future__ import annotations

from typing import ClassVar, Protocol, TypeAlias, runtime_checkable

import numpy as np

from engine.domain.arrays import DoubleArray
from engine.loyalty.value.repeats import Repeats

Horizon: TypeAlias = float | DoubleArray

# Beyond this a date is no forecast any more.
NEXT_ORDER_LIMIT_DAYS = 730.0
# Of a customer who has more likely left than not no next order is announced.
NEXT_ORDER_LEAST_ALIVE = 0.5


@runtime_checkable
class RepeatModel(Protocol):
    """A model of how often customers order and when they stop.

    Times are days, rates are continuous per day; every array is float64 of shape (n,), one entry a
    customer, and depends on that customer alone. A horizon is one number for all or one for each;
    where it or the data are NaN, so is the answer.
    """

    name: ClassVar[str]

    def log_likelihood(self, data: Repeats) -> DoubleArray:
        """Log of the density of each customer's orders, times included."""
        ...

    def p_alive(self, data: Repeats) -> DoubleArray:
        """Probability that the customer has not left for good, 0 to 1."""
        ...

    def p_order_within(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """Probability of at least one order within the horizon from now, 0 to 1."""
        ...

    def expected_orders(self, data: Repeats, horizon: Horizon) -> DoubleArray:
        """Expected days with an order within the horizon from now."""
        ...

    def discounted_orders(self, data: Repeats, horizon: Horizon, *, rate: float) -> DoubleArray:
        """Expected orders, each counted exp(-rate * days from now); the horizon may be inf.

        An infinite horizon without a rate raises ValueError.
        """
        ...

    def next_order_days(self, data: Repeats) -> DoubleArray:
        """Median days from now to the next order of a customer who has not left.

        NaN: beyond NEXT_ORDER_LIMIT_DAYS, or the customer has more likely left than not.
        """
        ...

    def expected_orders_of_new(self, horizon: Horizon) -> DoubleArray:
        """Expected repeats of somebody who orders for the first time now, shape of the horizon."""
        ...


def horizons(horizon: Horizon, data: Repeats, *, rate: float | None = None) -> DoubleArray:
    """One horizon for each customer, shape (n,), not below zero.

    ValueError: infinite although nothing is discounted.
    """
    each = np.full(len(data), horizon, dtype=np.float64)
    if not rate and np.count_nonzero(np.isinf(each)):
        raise ValueError("horizon inf: give a finite horizon, or a rate above 0 to discount with")
    if rate is not None and rate < 0:
        raise ValueError(f"rate {rate}: must not be negative")
    return np.maximum(each, 0.0)
