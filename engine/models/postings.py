"""An inverted index: for each item who holds it, so that like holders are found without looking
at all pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import (
    AnyArray,
    BoolArray,
    DoubleArray,
    FloatArray,
    IntArray,
    LongArray,
)
from engine.models.pairs import Pairs, Weighed, joined, spans
from engine.models.scores import best_of_rows

# As many sums, or products to be summed, are held at a time: some tens of megabytes.
CELLS = 2_000_000
# Holders a group: groups must be several times those wanted, and few beside all holders.
GROUP = 16
# Nothing between this and zero: what reaches it has an item in common.
LEAST = np.finfo(np.float32).smallest_subnormal


@dataclass(frozen=True)
class Postings:
    """Who holds each of n items, and with which weight.

    `indptr` (n + 1,) bounds each item's part of `holder`, numbers below `holders` that ascend
    within an item, and of `weight`, above zero.
    """

    indptr: LongArray
    holder: IntArray
    weight: FloatArray
    holders: int

    @property
    def items(self) -> int:
        """How many items there are, those nobody holds among them."""
        return int(self.indptr.shape[0]) - 1

    def nearest(self, held: Weighed, *, most: int, apart: LongArray | None = None) -> Weighed:
        """The holders most like each row, and how much: rows and numbers of holders.

        `held`: rows with items, weights above zero. Likeness is the sum of products of weights
        over the items in common; at most so many a row, ties by number, and none without a
        common item. `apart` (rows,) names a holder whom the row must not find, or MISSING.
        """
        rows = held.pairs.customers
        products = int(self._lengths(held.pairs).sum())
        size = max(CELLS * rows // max(rows * self.holders, products, 1), 1)
        if rows <= size:
            return self._nearest(held, most, apart)
        blocks = (slice(row, min(row + size, rows)) for row in range(0, rows, size))
        return joined(
            [
                self._nearest(held.rows(own), most, None if apart is None else apart[own])
                for own in blocks
            ]
        )

    def likeness(self, held: Weighed) -> DoubleArray:
        """How much each holder is like a row that is alone, shape (holders,), 0 for not at all."""
        likeness: DoubleArray = self._sums(held)[0]
        return likeness

    def nearest_without(
        self, held: Weighed, whole: DoubleArray, gone: LongArray, *, most: int
    ) -> tuple[Weighed, LongArray]:
        """As `nearest` of one row that lacks an item, a row for each place among `held` in `gone`.

        `whole` (holders,) is the likeness with all that the row holds, and with what it holds in
        the stead of the item gone. Holders are places among those given beside.
        """
        item = held.pairs.item[gone]
        length = self.indptr[item + 1] - self.indptr[item]
        place = spans(self.indptr[item], length)
        holder, row = self.holder[place], np.arange(len(gone)).repeat(length)
        product = held.weight[gone].astype(np.float64).repeat(length) * self.weight[place]
        likely = _likely(whole, most=most, falling=int(length.max(initial=0)))
        column = np.full(self.holders, len(likely), dtype=np.int64)
        column[likely] = np.arange(len(likely))
        # One column more, for those who are not likely.
        left = np.zeros((len(gone), len(likely) + 1))
        left[:, :-1] = whole[likely]
        left[row, column[holder]] -= product
        return highest(left[:, :-1].astype(np.float32), most=most), likely

    def without(self, gone: BoolArray) -> Postings:
        """The index without the holders of the mask, shape (holders,); the others close up."""
        kept = ~gone[self.holder]
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])
        number = np.cumsum(~gone, dtype=np.int64) - 1
        return Postings(
            indptr=before[self.indptr],
            holder=number[self.holder[kept]].astype(np.int32),
            weight=self.weight[kept],
            holders=int((~gone).sum()),
        )

    def arrays(self) -> dict[str, AnyArray]:
        """Bounds, holders and weights; how many holders there are must be kept beside them."""
        return {
            "postings_indptr": self.indptr,
            "postings_holder": self.holder,
            "postings_weight": self.weight,
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], *, holders: int) -> Self:
        """The index that `arrays` came from."""
        return cls(
            indptr=np.asarray(arrays["postings_indptr"], dtype=np.int64),
            holder=np.asarray(arrays["postings_holder"], dtype=np.int32),
            weight=np.asarray(arrays["postings_weight"], dtype=np.float32),
            holders=holders,
        )

    @classmethod
    def of(cls, held: sparse.csr_matrix, *, most: int) -> Self:
        """The index of holders x items, weights above zero; at most so many holders an item.

        The holders with the highest weight stay, ties by number: an item everyone has tells
        nobody apart, and would cost a request most of its time.
        """
        by_item = held.tocsc()
        kept = best_of_rows(by_item.data, by_item.indptr, most=most)
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])
        return cls(
            indptr=before[by_item.indptr],
            holder=by_item.indices[kept].astype(np.int32, copy=False),
            weight=by_item.data[kept].astype(np.float32, copy=False),
            holders=int(held.shape[0]),
        )

    def _nearest(self, held: Weighed, most: int, apart: LongArray | None) -> Weighed:
        total = self._sums(held).astype(np.float32)
        if apart is not None:
            own = np.flatnonzero(apart >= 0)
            total[own, apart[own]] = 0
        return highest(total, most=most)

    def _sums(self, held: Weighed) -> DoubleArray:
        """Sums of products over the items in common, shape (rows, holders).

        Each is added up in the order of the row's own items, and as float64, such that neither
        who else is asked about nor where items stand in their table changes a likeness.
        """
        pairs, rows = held.pairs, held.pairs.customers
        length = self._lengths(pairs)
        place = spans(self.indptr[pairs.item], length)
        cell = self.holder[place].astype(np.int64)
        if rows > 1:
            cell += (pairs.row() * self.holders).repeat(length)
        product = held.weight.astype(np.float64).repeat(length) * self.weight[place]
        total = np.bincount(cell, weights=product, minlength=rows * self.holders)
        return total.astype(np.float64, copy=False).reshape(rows, self.holders)

    def _lengths(self, pairs: Pairs) -> LongArray:
        """How many hold the item of each pair, shape (pairs,)."""
        lengths: LongArray = self.indptr[pairs.item + 1] - self.indptr[pairs.item]
        return lengths


def _likely(whole: DoubleArray, *, most: int, falling: int) -> LongArray:
    """Who can be among the `most` highest once so many have fallen, and no one has risen."""
    some = whole.nonzero()[0]
    enough = most + falling
    if len(some) <= enough:
        return some
    values = whole[some]
    edge = np.partition(values, len(values) - enough)[len(values) - enough]
    likely: LongArray = some[values >= edge]
    return likely


def highest(likeness: FloatArray, *, most: int) -> Weighed:
    """The highest of each row of rows x holders that are above zero, at most so many."""
    rows, holders = likeness.shape
    flat = likeness.ravel()
    place = (likeness >= _floor(likeness, most=most)[:, None]).ravel().nonzero()[0]
    found = flat[place]
    bounds = place.searchsorted(np.arange(rows + 1) * holders)
    holder = place
    if rows > 1:
        holder = place - np.arange(rows).repeat(bounds[1:] - bounds[:-1]) * holders
    every = Weighed(Pairs(bounds, holder.astype(np.int32)), found)
    return heaviest(every, most=most)


def heaviest(weighed: Weighed, *, most: int) -> Weighed:
    """The heaviest pairs of each row, at most so many, ties by position."""
    chosen = best_of_rows(weighed.weight, weighed.pairs.indptr, most=most)
    return weighed if chosen.all() else weighed.where(chosen)


def strongest(matrix: sparse.csr_matrix, *, most: int) -> sparse.csr_matrix:
    """The highest entries of each row, at most so many, ties by position."""
    chosen = best_of_rows(matrix.data, matrix.indptr, most=most)
    if chosen.all():
        return matrix
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(chosen, dtype=np.int64)])
    parts = (matrix.data[chosen], matrix.indices[chosen], before[matrix.indptr])
    return sparse.csr_matrix(parts, shape=matrix.shape, copy=False)


def shares(weighed: Weighed, *, power: float = 1.0) -> Weighed:
    """Weights above zero, raised to a power and over the sum of their row, as float32."""
    row = weighed.pairs.row()
    # As float64: the power of a faint likeness is fainter than a float32 can be.
    raised = weighed.weight.astype(np.float64) ** power
    total = np.bincount(row, weights=raised, minlength=weighed.pairs.customers)
    return Weighed(weighed.pairs, (raised / total[row]).astype(np.float32))


def _floor(values: FloatArray, *, most: int) -> FloatArray:
    """What the `most` highest values of each row reach and few others do; above zero.

    Out of so many groups each has a value as high as the lowest of the groups' own highest. To
    look for the best among the few that are left is far cheaper than among all.
    """
    groups = values.shape[1] // GROUP
    floor: FloatArray = np.zeros(len(values), dtype=np.float32)
    if groups > most:
        grouped = values[:, : groups * GROUP].reshape(len(values), GROUP, groups)
        highest = grouped.max(axis=1)
        highest.partition(groups - most, axis=1)
        floor = highest[:, groups - most]
    return np.maximum(floor, LEAST)
