"""Pairs of customers and items: what is asked about, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, IntArray, LongArray


@dataclass(frozen=True)
class Pairs:
    """Some items for each of n customers.

    `indptr` (n + 1,) bounds each customer's part of `item`, positions in the item table, distinct
    and ascending within a customer.
    """

    indptr: LongArray
    item: IntArray

    def __len__(self) -> int:
        return int(self.item.shape[0])

    @property
    def customers(self) -> int:
        """How many customers there are, those without an item among them."""
        return int(self.indptr.shape[0]) - 1

    def row(self) -> LongArray:
        """The customer's row of every pair, shape (pairs,)."""
        return np.arange(self.customers, dtype=np.int64).repeat(self.indptr[1:] - self.indptr[:-1])

    def keys(self, *, items: int) -> LongArray:
        """One ascending number a pair, equal exactly for equal pairs, shape (pairs,)."""
        return self.row() * items + self.item

    def where(self, mask: BoolArray) -> Pairs:
        """The pairs of the mask, shape (pairs,), for the same customers."""
        kept = np.flatnonzero(mask)
        return Pairs(kept.searchsorted(self.indptr), self.item[kept])

    @classmethod
    def empty(cls, customers: int) -> Pairs:
        """No item for any of the customers."""
        return cls(np.zeros(customers + 1, dtype=np.int64), np.zeros(0, dtype=np.int32))

    @classmethod
    def of(cls, row: LongArray | IntArray, item: LongArray | IntArray, *, customers: int) -> Pairs:
        """Pairs from a row and an item each, in any order and repeated as they may be."""
        span = int(item.max()) + 1 if len(item) else 1
        # A sort and a look at each neighbour: several times faster than np.unique here.
        keys = np.sort(row.astype(np.int64) * span + item)
        keys = keys[np.diff(keys, prepend=-1) != 0]
        counts = np.bincount(keys // span, minlength=customers)
        return cls(_bounds(counts), (keys % span).astype(np.int32))


def _bounds(counts: LongArray) -> LongArray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
