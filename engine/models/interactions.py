"""Purchases as weights: how much one customer's past says about each item."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from engine.domain.arrays import DoubleArray, FloatArray, IntArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.domain.kept import kept
from engine.domain.runs import changes
from engine.models.ordering import ascending
from engine.models.pairs import Pairs, Weighed


def decayed(histories: Histories, *, half_life_days: float) -> FloatArray:
    """Weight of every line: 1 for the customer's last, halved for each half-life before it.

    Ages count from the customer's own last line, so that a shop's quiet years, or data from long
    ago, shrink no weight to nothing. One order counts once an item, whatever the units: a
    wholesaler's thousands must not drown everything else.
    """
    ages = (histories.last_at()[histories.row()] - histories.at) / DAY_MS
    weights: FloatArray = np.exp2(-ages / half_life_days).astype(np.float32)
    return weights


@dataclass(frozen=True)
class Bought:
    """The lines of known items by customer and item, oldest first within a pair of both.

    `pairs` are the customers with what they bought; `order` (lines,) the positions of their lines
    in the histories, and `starts` (pairs,) where the lines of each pair begin among these.
    """

    histories: Histories
    pairs: Pairs
    order: LongArray
    starts: LongArray
    _weights: dict[float, Weighed] = field(default_factory=dict, repr=False)
    _growth: dict[float, FloatArray] = field(default_factory=dict, repr=False)

    @kept
    def row(self) -> LongArray:
        """The customer of each line, in the order of `order`."""
        return self.pairs.row().repeat(self.times)

    @kept
    def times(self) -> LongArray:
        """How many lines each pair has."""
        times = np.empty_like(self.starts)
        times[:-1] = self.starts[1:] - self.starts[:-1]
        times[-1:] = len(self.order) - self.starts[-1:]
        return times

    def total(self, values: DoubleArray) -> DoubleArray:
        """The sum of a value a line, shape (..., lines) in the order of `order`, for each pair."""
        if not len(self.order):
            return np.zeros(values.shape)
        summed: DoubleArray = np.add.reduceat(values, self.starts, axis=-1)
        return summed

    def summed(self, weights: FloatArray) -> Weighed:
        """Weights of the lines of the histories, shape (lines,), summed by pair."""
        # As float64 the sum does not depend on the order of items.
        total = self.total(weights[self.order].astype(np.float64))
        return Weighed(self.pairs, total.astype(np.float32))

    def weights(self, *, half_life_days: float) -> Weighed:
        """The decayed weights of each pair's lines, summed."""
        known = self._weights.get(half_life_days)
        if known is None:
            # Scorers often share a half-life, and a query is asked by all of them.
            known = self.summed(decayed(self.histories, half_life_days=half_life_days))
            self._weights[half_life_days] = known
        return known

    def growth(self, *, half_life_days: float) -> FloatArray:
        """By what a single customer's other weights grow without one pair, shape (pairs,).

        Ages count from the last line: they shrink when the latest lines are of the item gone.
        """
        known = self._growth.get(half_life_days)
        if known is None:
            known = np.ones(len(self.pairs), dtype=np.float32)
            item, at = self.histories.item, self.histories.at
            others = np.flatnonzero(item != item[-1]) if len(item) else item
            if len(others) and item[-1] >= 0:
                place = self.pairs.item.searchsorted(item[-1])
                known[place] = np.exp2((at[-1] - at[others[-1]]) / DAY_MS / half_life_days)
            self._growth[half_life_days] = known
        return known


def bought_of(histories: Histories) -> Bought:
    """What the customers bought of known items."""
    item, row = histories.item, histories.row()
    places = (item >= 0).nonzero()[0]
    span = int(item.max(initial=0)) + 1
    keys = row[places] * span + item[places]
    order = ascending(keys, below=len(histories) * span)
    keys, order = keys[order], places[order]
    starts = changes(keys).nonzero()[0]
    bounds = keys[starts].searchsorted(np.arange(len(histories) + 1) * span)
    return Bought(histories, Pairs(bounds, item[order[starts]]), order, starts)


def interactions(histories: Histories, *, items: int, half_life_days: float) -> sparse.csr_matrix:
    """Summed decayed weights, customers x items, float32, columns sorted."""
    return summed(histories, decayed(histories, half_life_days=half_life_days), items=items)


def summed(histories: Histories, weights: FloatArray, *, items: int) -> sparse.csr_matrix:
    """Weights of the lines, shape (lines,), summed by customer and known item, float32.

    The shape is customers x items, columns sorted; there is an entry for every item bought.
    """
    return bought_of(histories).summed(weights).matrix(columns=items)


def bought(histories: Histories) -> IntArray:
    """The distinct known items of a single customer, sorted."""
    return np.unique(histories.item[histories.item >= 0]).astype(np.int32)
