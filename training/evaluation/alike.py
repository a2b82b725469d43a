"""How alike two items are: by category, or, where there are none, by being bought together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy import sparse

from engine.domain.arrays import DoubleArray, IntArray, LongArray
from engine.domain.histories import Histories
from engine.domain.ids import MISSING

# For two columns of item positions the likeness of each pair, 0 to 1, NaN when not known.
Likeness: TypeAlias = Callable[[LongArray, LongArray], DoubleArray]

# Orders of more items say little of any two of them, and cost the square of their size.
LARGEST_ORDER = 200


def likeness(histories: Histories, category: IntArray, *, shown: LongArray) -> Likeness:
    """Likeness by category when any item has one; else by co-purchase of the `shown` items."""
    if np.any(category != MISSING):
        return by_category(category)
    return by_co_purchase(histories, shown=shown, items=len(category))


def by_category(category: IntArray) -> Likeness:
    """1 for two items of one category, 0 for others; NaN when either has none."""

    def of(one: LongArray, other: LongArray) -> DoubleArray:
        left, right = category[one], category[other]
        known = (left != MISSING) & (right != MISSING)
        return np.where(known, (left == right).astype(np.float64), np.nan)

    return of


def by_co_purchase(histories: Histories, *, shown: LongArray, items: int) -> Likeness:
    """Cosine of the orders that hold two items: orders with both, over the root of the product.

    Sarwar et al. (2001), on orders instead of ratings. `shown` (m,) are the distinct items that
    may be asked about; one that is in no order is like no other.
    """
    place = np.full(items, MISSING, dtype=np.int64)
    place[shown] = np.arange(len(shown))
    baskets = _orders_by_items(histories, place, items=len(shown))
    counts = np.maximum(np.asarray(baskets.sum(axis=0)).ravel(), 1.0)
    together = (baskets.T @ baskets).tocsr()
    together.sort_indices()

    def of(one: LongArray, other: LongArray) -> DoubleArray:
        if not len(one):
            # scipy would answer a question about no pair with a matrix.
            return np.zeros(0)
        left, right = place[one], place[other]
        both = np.asarray(together[left, right], dtype=np.float64).ravel()
        alike: DoubleArray = both / np.sqrt(counts[left] * counts[right])
        return alike

    return of


def _orders_by_items(histories: Histories, place: LongArray, *, items: int) -> sparse.csr_matrix:
    """1 where an order holds an item, orders x places; without the largest orders."""
    known = histories.item != MISSING
    orders, number = np.unique(histories.order[known], return_inverse=True)
    own = place[histories.item[known]]
    keys = np.unique((number * max(items, 1) + own)[own != MISSING])
    row, column = keys // max(items, 1), keys % max(items, 1)
    small = (np.bincount(row, minlength=len(orders)) <= LARGEST_ORDER)[row]
    return sparse.csr_matrix(
        (np.ones(int(small.sum()), dtype=np.float32), (row[small], column[small])),
        shape=(len(orders), items),
    )
