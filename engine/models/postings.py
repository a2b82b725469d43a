"""An inverted index: for each item who holds it, so that like holders are found without looking
at all pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import AnyArray, BoolArray, FloatArray, IntArray, LongArray
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

    def nearest(
        self, weights: sparse.csr_matrix, *, most: int, apart: LongArray | None = None
    ) -> sparse.csr_matrix:
        """The holders most like each row, and how much, rows x holders, float32.

        `weights`: rows x items, above zero. Likeness is the sum of products of weights over the
        items in common; at most so many a row, ties by number, and none without a common item.
        `apart` (rows,) names a holder whom the row must not find, or MISSING.
        """
        total = self._products(weights)
        if apart is not None:
            own = np.flatnonzero(apart >= 0)
            total[own, apart[own]] = 0
        place = np.flatnonzero(total >= _floor(total, most=most)[:, None])
        likeness = total.ravel()[place]
        row, holder = np.divmod(place, max(self.holders, 1))
        chosen = best_of_rows(likeness, bounds_of(row, rows=len(total)), most=most)
        parts = (likeness[chosen], holder[chosen], bounds_of(row[chosen], rows=len(total)))
        return sparse.csr_matrix(parts, shape=total.shape, copy=False)

    def in_blocks(
        self,
        weights: sparse.csr_matrix,
        score: Callable[[sparse.csr_matrix, slice], sparse.csr_matrix],
    ) -> sparse.csr_matrix:
        """What `score` says of the rows, so many at a time as memory allows, one below another.

        It is given some of the rows, and where they stand among all.
        """
        rows = weights.shape[0]
        products = int(self._lengths(weights).sum())
        size = max(CELLS * rows // max(rows * self.holders, products, 1), 1)
        if rows <= size:
            return score(weights, slice(0, rows))
        blocks = [slice(row, row + size) for row in range(0, rows, size)]
        return sparse.vstack([score(weights[own], own) for own in blocks], format="csr")

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

    def _products(self, weights: sparse.csr_matrix) -> FloatArray:
        """Sums of products over the items in common, shape (rows, holders).

        Each is added up in the order of the row's own items, and as float64, such that neither
        who else is asked about nor where items stand in their table changes a likeness.
        """
        rows = weights.shape[0]
        length = self._lengths(weights)
        place = spans(self.indptr[weights.indices], length)
        row = np.arange(rows, dtype=np.int64).repeat(np.diff(weights.indptr))
        cell = (row * self.holders).repeat(length) + self.holder[place]
        product = weights.data.astype(np.float64).repeat(length) * self.weight[place]
        total = np.bincount(cell, weights=product, minlength=rows * self.holders)
        return total.astype(np.float32).reshape(rows, self.holders)

    def _lengths(self, weights: sparse.csr_matrix) -> LongArray:
        """How many hold the item of each entry, shape (entries,)."""
        lengths: LongArray = self.indptr[weights.indices + 1] - self.indptr[weights.indices]
        return lengths


def in_order(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The matrix with ascending columns in each row."""
    # Sorting in place takes three times longer, either way.
    if matrix.shape[0] != 1:
        return matrix.tocsc().tocsr()
    order = np.argsort(matrix.indices)
    parts = (matrix.data[order], matrix.indices[order], matrix.indptr)
    return sparse.csr_matrix(parts, shape=matrix.shape, copy=False)


def strongest(matrix: sparse.csr_matrix, *, most: int) -> sparse.csr_matrix:
    """The highest entries of each row, at most so many, ties by position."""
    chosen = best_of_rows(matrix.data, matrix.indptr, most=most)
    if chosen.all():
        return matrix
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(chosen, dtype=np.int64)])
    parts = (matrix.data[chosen], matrix.indices[chosen], before[matrix.indptr])
    return sparse.csr_matrix(parts, shape=matrix.shape, copy=False)


def shares(matrix: sparse.csr_matrix, *, power: float = 1.0) -> sparse.csr_matrix:
    """Entries above zero, raised to a power and over the sum of their row, as float32."""
    row = np.arange(matrix.shape[0], dtype=np.int64).repeat(np.diff(matrix.indptr))
    # As float64: the power of a faint likeness is fainter than a float32 can be.
    raised = matrix.data.astype(np.float64) ** power
    total = np.bincount(row, weights=raised, minlength=matrix.shape[0])
    parts = ((raised / total[row]).astype(np.float32), matrix.indices, matrix.indptr)
    return sparse.csr_matrix(parts, shape=matrix.shape, copy=False)


def bounds_of(row: LongArray, *, rows: int) -> LongArray:
    """Where each row begins and ends among ascending row numbers, shape (rows + 1,)."""
    return np.concatenate(
        [np.zeros(1, np.int64), np.cumsum(np.bincount(row, minlength=rows), dtype=np.int64)]
    )


def spans(first: LongArray, length: LongArray) -> LongArray:
    """The positions of stretches given by first position and length, one after the other."""
    end = np.cumsum(length)
    total = int(end[-1]) if len(end) else 0
    positions: LongArray = np.arange(total, dtype=np.int64) + (first - end + length).repeat(length)
    return positions


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
