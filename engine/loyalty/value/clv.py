"""Customer lifetime value: of margins known month by month, and of those a model expects."""

from __future__ import annotations

import msgspec
import numpy as np

from engine.domain.arrays import DoubleArray
from engine.loyalty.value.model import RepeatModel
from engine.loyalty.value.repeats import Repeats

DAYS_A_YEAR = 365.0
MONTHS_A_YEAR = 12


class ClvTerms(msgspec.Struct, frozen=True):
    """What a value is stated for: interest a year, months ahead, margin as a share of revenue."""

    yearly_interest: float = 0.15
    months: int = 36
    margin: float = 0.30

    @property
    def days(self) -> float:
        """The months ahead in days."""
        return self.months * DAYS_A_YEAR / MONTHS_A_YEAR

    @property
    def monthly_interest(self) -> float:
        """Interest a month that comes to the yearly one: (1 + i)^(1/12) - 1."""
        return float(np.expm1(np.log1p(self.yearly_interest) / MONTHS_A_YEAR))

    @property
    def daily_rate(self) -> float:
        """Continuous rate a day: ln(1 + i) / 365."""
        return float(np.log1p(self.yearly_interest) / DAYS_A_YEAR)


def literal_clv(margins: DoubleArray, *, terms: ClvTerms) -> DoubleArray:
    """sum_t (R_t - C_t) / (1 + i)^t of each customer, shape (n,), in the unit of the margins.

    `margins` (n, months) holds revenue less cost of each month since the first order; month 0 is
    not discounted. NaN: a month is unknown.
    """
    months = np.arange(margins.shape[1], dtype=np.float64)
    value: DoubleArray = (margins / (1 + terms.monthly_interest) ** months).sum(axis=1)
    return value


def predicted_clv(
    model: RepeatModel, data: Repeats, spend: DoubleArray, *, terms: ClvTerms
) -> DoubleArray:
    """Present value of the margins of the months ahead, shape (n,), in the unit of `spend`.

    `spend` (n,) is the expected value of an order. Every order is discounted from its own moment:
    margin * spend * integral of exp(-rate * u) over the orders expected at u.
    """
    orders = model.discounted_orders(data, terms.days, rate=terms.daily_rate)
    return terms.margin * spend * orders


def monthly_clv(
    model: RepeatModel, data: Repeats, spend: DoubleArray, *, terms: ClvTerms
) -> DoubleArray:
    """The same with each month's margin discounted from the month's end, shape (n,).

    margin * spend * sum_k (E[Y(k)] - E[Y(k - 1)]) / (1 + i_m)^k: lower than `predicted_clv` by
    about half a month's interest, and dearer to compute by the number of months.
    """
    value, before = np.zeros(len(data)), np.zeros(len(data))
    for month in range(1, terms.months + 1):
        orders = model.expected_orders(data, month * DAYS_A_YEAR / MONTHS_A_YEAR)
        value += (orders - before) / (1 + terms.monthly_interest) ** month
        before = orders
    return terms.margin * spend * value


def residual_clv(
    model: RepeatModel, data: Repeats, spend: DoubleArray, *, terms: ClvTerms
) -> DoubleArray:
    """Present value of all margins to come, without an end, shape (n,): margin * spend * DERT.

    Without interest it has none: a yearly interest of 0 raises ValueError.
    """
    orders = model.discounted_orders(data, np.inf, rate=terms.daily_rate)
    return terms.margin * spend * orders


def break_even_month(margins: DoubleArray, acquisition_cost: DoubleArray | float) -> DoubleArray:
    """First month in which the margins so far reach the cost of acquisition, shape (n,).

    `margins` as in `literal_clv`, not discounted; month 0 is that of the first order. NaN: not
    yet, or a month or the cost is unknown.
    """
    cost = np.broadcast_to(np.asarray(acquisition_cost, dtype=np.float64), margins.shape[:1])
    reached = np.cumsum(margins, axis=1) >= cost[:, None]
    # A first column without months, so that argmax always has something to look at.
    months = np.argmax(np.column_stack([np.zeros(len(cost), dtype=np.bool_), reached]), axis=1) - 1
    return np.where(reached.any(axis=1), months.astype(np.float64), np.nan)


def lifetime_periods(retention: DoubleArray) -> DoubleArray:
    """Expected periods of a customer who stays with a constant retention, 1 / (1 - r), (n,).

    The first period counts in full; inf for a retention of 1, NaN outside 0 to 1.
    """
    inside = (retention >= 0) & (retention < 1)
    periods = 1 / (1 - np.where(inside, retention, 0.0))
    return np.where(inside, periods, np.where(retention == 1, np.inf, np.nan))
