"""Who comes back: cohorts by first month, retention from period to period, the second order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS
from engine.domain.ids import MISSING
from engine.loyalty.features.context import Orders
from engine.loyalty.shop.intervals import Share, wilson
from engine.loyalty.shop.months import month_of, months_of


@dataclass(frozen=True)
class Cohorts:
    """Customers by the month of their first order, c cohorts over k months.

    `month` (c,) counts from January 1970, `size` (c,) customers, `active` (c, k) how many of them
    ordered in the k-th month after; MISSING (-1) where that month is not over.
    """

    month: LongArray
    size: LongArray
    active: LongArray

    def shares(self) -> DoubleArray:
        """The share of each cohort that ordered in each month, shape (c, k); NaN not known yet."""
        return np.where(self.active >= 0, self.active / self.size[:, None], np.nan)


@dataclass(frozen=True)
class Kept:
    """Of the customers active in one period, the share active in the next, which begins with
    `month` (counted from January 1970)."""

    month: int
    share: Share


@dataclass(frozen=True)
class Survival:
    """The share `without` the event after so many `days`, both (k,), by Kaplan and Meier (1958)."""

    days: DoubleArray
    without: DoubleArray

    def by(self, days: float) -> float:
        """The share that had the event within so many days."""
        at = int(np.searchsorted(self.days, days, side="right")) - 1
        return 0.0 if at < 0 else float(1 - self.without[at])

    def median(self) -> float:
        """After how many days half had the event; NaN when fewer than half did."""
        half = np.flatnonzero(self.without <= 0.5)
        return float(self.days[half[0]]) if len(half) else float("nan")


def cohorts(orders: Orders, *, now_ms: int) -> Cohorts | None:
    """Customers by first month of order, as far as months are over; None before the first is.

    The first cohort of a log that begins in mid-life holds everybody who was a customer before.
    """
    row, month = _active_months(orders)
    first = _first_months(orders)
    whole = month < month_of(now_ms)
    row, month = row[whole], month[whole]
    if not len(row):
        return None
    start, end = int(month.min()), int(month.max()) + 1
    start_of = first[row]
    table = np.zeros((end - start, end - start), dtype=np.int64)
    np.add.at(table, (start_of - start, month - start_of), 1)
    # A month without any order is over all the same.
    over = month_of(now_ms) - start
    table = np.pad(table, ((0, over - (end - start)),) * 2)
    future = np.add.outer(np.arange(over), np.arange(over)) >= over
    table[future] = MISSING
    filled = table[:, 0] > 0
    return Cohorts(np.arange(start, start + over)[filled], table[filled, 0], table[filled])


def retention(orders: Orders, *, now_ms: int, months: int, confidence: float) -> list[Kept]:
    """The retention ratio of each period of whole calendar months, oldest first.

    Periods end with the last month that is over; those the log does not cover wholly are left out.
    """
    row, month = _active_months(orders)
    end = month_of(now_ms)
    whole = month < end
    row, month = row[whole], month[whole]
    if not len(row):
        return []
    # Periods count backwards from -1, the last one that is over.
    period = (month - end) // months
    least = -((end - int(month.min())) // months)
    pairs = np.unique(np.stack([period, row]), axis=1)
    kept = []
    for each in range(least + 1, 0):
        before, now = pairs[1, pairs[0] == each - 1], pairs[1, pairs[0] == each]
        both = len(np.intersect1d(before, now, assume_unique=True))
        kept.append(Kept(end + each * months, wilson(both, len(before), confidence=confidence)))
    return kept


def kept_at_half_life(years: float, *, months: float) -> float:
    """The share kept over so many months where half are lost in so many years."""
    return float(0.5 ** (months / (12 * years)))


def repurchase_rate(orders: Orders, *, now_ms: int, mature_days: float, confidence: float) -> Share:
    """The share with a second order among customers whose first is old enough to tell."""
    n, age, _ = _ages(orders, now_ms)
    mature = age >= mature_days
    return wilson(int((n[mature] >= 2).sum()), int(mature.sum()), confidence=confidence)


def second_order(orders: Orders, *, now_ms: int) -> Survival:
    """Days from the first to the second order; who has not ordered again yet is still waiting."""
    n, age, gap = _ages(orders, now_ms)
    again = n >= 2
    return kaplan_meier(np.where(again, gap, age), again)


def kaplan_meier(days: DoubleArray, happened: BoolArray) -> Survival:
    """The product-limit estimate from times of an event, or for how long it was waited in vain.

    Kaplan & Meier (1958). Who is censored on the day of an event counts as at risk on it.
    """
    times, position = np.unique(days, return_inverse=True)
    events = np.bincount(position[happened], minlength=len(times))
    leaving = np.bincount(position, minlength=len(times))
    at_risk = len(days) - np.cumsum(leaving) + leaving
    without = np.cumprod(1 - events / np.maximum(at_risk, 1))
    steps = events > 0
    return Survival(times[steps].astype(np.float64), without[steps])


def _active_months(orders: Orders) -> tuple[LongArray, LongArray]:
    """Customers and months in which they ordered, each pair once."""
    pairs = np.unique(np.stack([orders.row(), months_of(orders.day)]), axis=1)
    return pairs[0], pairs[1]


def _first_months(orders: Orders) -> LongArray:
    first = np.full(orders.indptr.shape[0] - 1, MISSING, dtype=np.int64)
    filled = np.diff(orders.indptr) > 0
    first[filled] = months_of(orders.day[orders.indptr[:-1][filled]])
    return first


def _ages(orders: Orders, now_ms: int) -> tuple[LongArray, DoubleArray, DoubleArray]:
    """Orders, days since the first and from first to second (NaN without), of buyers only."""
    n = np.diff(orders.indptr)
    starts = orders.indptr[:-1][n > 0]
    n = n[n > 0]
    age = (now_ms // DAY_MS - orders.day[starts]).astype(np.float64)
    second = np.minimum(starts + 1, max(len(orders) - 1, 0))
    gap = np.where(n >= 2, orders.day[second] - orders.day[starts], np.nan)
    return n, age, gap
