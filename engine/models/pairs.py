"""Pairs of customers and items: what is asked about, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray
from engine.domain.kept import kept
from engine.domain.runs import changes


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
        """The customer's row of every pair, shape (pairs,); not to be written to."""
        return self._row

    @kept
    def _row(self) -> LongArray:
        return np.arange(self.customers, dtype=np.int64).repeat(self.indptr[1:] - self.indptr[:-1])

    def keys(self, *, items: int) -> LongArray:
        """One ascending number a pair, equal exactly for equal pairs, shape (pairs,)."""
        return self.row() * items + self.item

    def where(self, mask: BoolArray) -> Pairs:
        """The pairs of the mask, shape (pairs,), for the same customers."""
        return self.at(mask.nonzero()[0])

    def at(self, places: LongArray) -> Pairs:
        """The pairs at some places, ascending, for the same customers."""
        return Pairs(places.searchsorted(self.indptr), self.item[places])

    @classmethod
    def empty(cls, customers: int) -> Pairs:
        """No item for any of the customers."""
        return cls(np.zeros(customers + 1, dtype=np.int64), np.zeros(0, dtype=np.int32))

    @classmethod
    def alone(cls, item: LongArray | IntArray) -> Pairs:
        """The items of a lone customer, in any order and repeated as they may be."""
        ordered = np.sort(item)
        distinct = ordered[changes(ordered)].astype(np.int32, copy=False)
        return cls(np.asarray([0, len(distinct)], dtype=np.int64), distinct)

    @classmethod
    def of(cls, row: LongArray | IntArray, item: LongArray | IntArray, *, customers: int) -> Pairs:
        """Pairs from a row and an item each, in any order and repeated as they may be."""
        if customers == 1:
            return cls.alone(item)
        span = int(item.max()) + 1 if len(item) else 1
        # A sort and a look at each neighbour: several times faster than np.unique here.
        keys = np.sort(row.astype(np.int64) * span + item)
        keys = keys[changes(keys)]
        counts = np.bincount(keys // span, minlength=customers)
        return cls(_bounds(counts), (keys % span).astype(np.int32))


@dataclass(frozen=True)
class Weighed:
    """Pairs with a weight each, `weight` (pairs,), float32."""

    pairs: Pairs
    weight: FloatArray

    def matrix(self, *, columns: int) -> sparse.csr_matrix:
        """The weights as rows x columns, columns sorted."""
        parts = (self.weight, self.pairs.item, self.pairs.indptr)
        return sparse.csr_matrix(parts, shape=(self.pairs.customers, columns), copy=False)

    def where(self, mask: BoolArray) -> Weighed:
        """The pairs of the mask, shape (pairs,), with their weights."""
        return Weighed(self.pairs.where(mask), self.weight[mask])

    def rows(self, rows: slice) -> Weighed:
        """Of customers in succession only these."""
        bounds = self.pairs.indptr[rows.start : rows.stop + 1]
        own = slice(int(bounds[0]), int(bounds[-1]))
        return Weighed(Pairs(bounds - own.start, self.pairs.item[own]), self.weight[own])


def joined(parts: list[Weighed]) -> Weighed:
    """Blocks of customers one below the other."""
    if len(parts) == 1:
        return parts[0]
    counts = [np.zeros(0, np.int64), *(np.diff(each.pairs.indptr) for each in parts)]
    item = [np.zeros(0, np.int32), *(each.pairs.item for each in parts)]
    weight = [np.zeros(0, np.float32), *(each.weight for each in parts)]
    pairs = Pairs(_bounds(np.concatenate(counts)), np.concatenate(item))
    return Weighed(pairs, np.concatenate(weight))


def spans(first: LongArray, length: LongArray) -> LongArray:
    """The positions of stretches given by first position and length, one after the other."""
    end = length.cumsum()
    total = int(end[-1]) if len(end) else 0
    positions: LongArray = np.arange(total, dtype=np.int64) + (first - end + length).repeat(length)
    return positions


def _bounds(counts: LongArray) -> LongArray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
