"""What a configuration is worth to each customer, and whether one is worth more than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import DoubleArray, FloatArray
from engine.models.goals import Goal
from training.rows import Rows
from training.tune import tells


@dataclass(frozen=True, eq=False)
class Worth:
    """nDCG of home and of discover, customer by customer, shape (customers,).

    NaN for customers who bought nothing of that kind.
    """

    homes: DoubleArray
    discovers: DoubleArray

    @property
    def home(self) -> float:
        """nDCG of home, mean over the customers; 0 when nobody bought anything."""
        return _mean(self.homes)

    @property
    def discover(self) -> float:
        """nDCG of discover, mean over the customers; 0 when nobody bought anything new."""
        return _mean(self.discovers)

    def total(self, share: float) -> float:
        """What is maximised: home, and a share of discover."""
        return self.home + share * self.discover

    def each(self, share: float) -> DoubleArray:
        """What each customer adds to the total, which is the mean of it, shape (customers,)."""
        return _part(self.homes) + share * _part(self.discovers)

    def beats(self, other: Worth, *, share: float, errors: float) -> bool:
        """Whether it is worth more, by more than so many standard errors, over the customers."""
        return tells(self.each(share) - other.each(share), errors=errors)


def quality(
    rows: Rows, total: FloatArray, bought: DoubleArray, goal: Goal, *, limit: int
) -> DoubleArray:
    """nDCG at `limit` of the lists in order of `total`, shape (customers,), NaN who bought nothing.

    `bought` (customers,) says how many items each did, candidates or not: who finds nothing counts
    as 0, so that a configuration with worse candidates does not look better for losing customers.
    """
    wanted = rows.bought
    if goal is Goal.NEW:
        wanted = wanted & ~rows.own
        total = np.where(rows.own, np.float32(-np.inf), total)
    customer = np.arange(len(rows.size)).repeat(rows.size)
    order = np.lexsort((np.arange(len(total)), -total, customer))
    rank = np.arange(len(order)) - (np.cumsum(rows.size) - rows.size).repeat(rows.size)
    gains = wanted[order] * np.where(rank < limit, 1 / np.log2(rank + 2), 0)
    gained = np.bincount(customer, weights=gains, minlength=len(rows.size))
    ideal = np.cumsum(1 / np.log2(np.arange(2, limit + 2)))
    most = ideal[np.clip(bought, 1, limit).astype(np.int64) - 1]
    found: DoubleArray = np.where(bought > 0, gained / most, np.nan)
    return found


def _mean(values: DoubleArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _part(values: DoubleArray) -> DoubleArray:
    """Each customer's part of the mean over those who are known, times all customers."""
    known = ~np.isnan(values)
    part: DoubleArray = np.where(known, values, 0.0) * (len(values) / max(int(known.sum()), 1))
    return part
