"""Purchases of an item by a customer as a renewal process: occasions, intervals, what is due.

Time since the last purchase counts in the pair's own mean intervals, so that milk every third day
and filters every third month follow one profile: the hazard of the next purchase, which falls
right after a purchase, rises towards the due time and dies away when that has long passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.domain.arrays import (
    BoolArray,
    DoubleArray,
    FloatArray,
    IntArray,
    LongArray,
)
from engine.domain.histories import DAY_MS, Histories
from engine.domain.runs import changes
from engine.models.interactions import Bought, bought_of

# Orders as many as these are thought of as each customer's before the first is seen.
PACE_PRIOR_ORDERS = 2


@dataclass(frozen=True)
class Occasions:
    """Each moment at which a customer bought an item, by customer and item, oldest first.

    `row` and `item` (n,): the customer's row and the item; `at_days` days since 1970 UTC; `rank`
    1 for the pair's first occasion, 2 for its second; `span_days` since the first; `latest` (n,):
    whether it is the pair's last. Two orders of one moment are one occasion.
    """

    row: LongArray
    item: IntArray
    at_days: DoubleArray
    rank: LongArray
    span_days: DoubleArray
    latest: BoolArray

    def where(self, mask: BoolArray) -> Occasions:
        """The occasions of the mask, shape (n,), as they are."""
        return Occasions(**{name: values[mask] for name, values in vars(self).items()})


def occasions(histories: Histories) -> Occasions:
    """The occasions of all customers; lines of MISSING items are passed over."""
    return occasions_of(bought_of(histories))


def occasions_of(bought: Bought) -> Occasions:
    """The occasions of customers of whom it is known what they bought."""
    at = bought.histories.at[bought.order]
    other = np.zeros(len(at), dtype=np.bool_)
    other[bought.starts] = True
    new = (other | changes(at)).nonzero()[0]
    start = other[new].nonzero()[0]
    size = np.empty_like(start)
    size[:-1] = start[1:] - start[:-1]
    size[-1:] = len(new) - start[-1:]
    row, item, at = bought.row[new], bought.pairs.item.repeat(size), at[new]
    first = start.repeat(size)
    latest = np.zeros(len(row), dtype=np.bool_)
    latest[start + size - 1] = True
    return Occasions(
        row=row,
        item=item,
        at_days=at / DAY_MS,
        rank=np.arange(len(row)) - first + 1,
        span_days=(at - at[first]) / DAY_MS,
        latest=latest,
    )


def moments(histories: Histories) -> LongArray:
    """How many moments each customer ordered at, shape (n,); two orders of one count once."""
    rows = histories.row()
    return np.bincount(rows[changes(rows, histories.at)], minlength=len(histories))


def pace(histories: Histories, *, now_ms: int, order_gap_days: float, power: float) -> DoubleArray:
    """How long a customer's intervals are compared with the usual ones, shape (n,).

    The days between the customer's orders over `order_gap_days`, to a power between 0 (everyone
    keeps the item's pace) and 1; 1 for a customer without orders.
    """
    known_days = np.zeros(len(histories), dtype=np.float64)
    filled = histories.indptr[1:] > histories.indptr[:-1]
    first = histories.at[histories.indptr[:-1][filled]]
    known_days[filled] = np.maximum(now_ms - first, 0) / DAY_MS
    thought_of = PACE_PRIOR_ORDERS * order_gap_days
    gap = (known_days + thought_of) / (moments(histories) + PACE_PRIOR_ORDERS)
    relative: DoubleArray = np.power(gap / order_gap_days, power)
    return relative


def intervals(past: Occasions, usual_days: DoubleArray, *, strength: float) -> DoubleArray:
    """Mean days between purchases of each occasion's pair up to the occasion, shape (n,).

    Shrunk towards `usual_days`, shape (n,), as if `strength` intervals of it had been seen.
    """
    return (past.span_days + strength * usual_days) / (past.rank - 1 + strength)


@dataclass(frozen=True)
class Profile:
    """Hazard of the next purchase by time since the last, in mean intervals of the pair.

    `starts` (bins,) where each bin begins, from 0, the last open to the right; `ranks` (classes,)
    the lowest rank of each class of occasions, from 1; `hazard` (classes, bins) purchases per mean
    interval, constant within a bin.
    """

    starts: FloatArray
    ranks: IntArray
    hazard: FloatArray

    def expected(self, rank: LongArray, elapsed: DoubleArray) -> DoubleArray:
        """Integrated hazard from an occasion of a rank to `elapsed` mean intervals after it."""
        kind = self.ranks.searchsorted(rank, side="right") - 1
        bin_ = self._starts.searchsorted(elapsed, side="right") - 1
        place = kind * len(self._starts) + bin_
        return self._reached.take(place) + self._hazard.take(place) * (elapsed - self._starts[bin_])

    @cached_property
    def _starts(self) -> DoubleArray:
        return self.starts.astype(np.float64)

    @cached_property
    def _hazard(self) -> DoubleArray:
        return self.hazard.astype(np.float64).ravel()

    @cached_property
    def _reached(self) -> DoubleArray:
        """Integrated hazard at the start of each bin, shape (classes x bins,)."""
        passed = self.hazard[:, :-1] * np.diff(self._starts)
        return np.hstack([np.zeros((len(self.ranks), 1)), passed.cumsum(axis=1)]).ravel()
