"""Weighted sums of the rows of a sparse matrix: what all that a customer holds says together."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from engine.domain.arrays import FloatArray, IntArray, LongArray
from engine.models.pairs import Pairs, Weighed, joined, spans

# Sums held at a time, of as many customers as that makes: two mebibytes stay in the cache.
CELLS = 2**19


def weighted_sums(held: Weighed, matrix: sparse.csr_matrix) -> Weighed:
    """The sum over what each customer holds of its weight times its row of the matrix.

    `matrix` (things, items) is float32. There is no sum where nothing adds to it, nor where its
    parts cancel to exactly zero. Parts are added up in the order of the things, one customer at
    a time: who else is asked about changes no sum.
    """
    customers, items = held.pairs.customers, int(matrix.shape[1])
    together = max(CELLS // max(items, 1), 1)
    if customers <= together:
        return _sums(held, matrix)
    starts = range(0, customers, together)
    blocks = (slice(row, min(row + together, customers)) for row in starts)
    return joined([_sums(held.rows(block), matrix) for block in blocks])


def _sums(held: Weighed, matrix: sparse.csr_matrix) -> Weighed:
    customers, items = held.pairs.customers, int(matrix.shape[1])
    if not len(held.pairs):
        return Weighed(Pairs.empty(customers), np.zeros(0, dtype=np.float32))
    bounds, place = _entries(matrix, held.pairs.item)
    cell = matrix.indices.take(place)
    if customers > 1:
        times = np.diff(bounds[held.pairs.indptr])
        cell += np.arange(0, customers * items, items, dtype=cell.dtype).repeat(times)
    # One after the other, as they stand, and as float32: several times faster than to multiply
    # sparse matrices.
    sums: FloatArray = np.zeros(customers * items, dtype=np.float32)
    np.add.at(sums, cell, matrix.data.take(place) * held.weight.repeat(bounds[1:] - bounds[:-1]))
    place = (sums != 0).nonzero()[0]
    bounds = place.searchsorted(np.arange(customers + 1) * items)
    item = place
    if customers > 1:
        item = place - np.arange(0, customers * items, items).repeat(np.diff(bounds))
    return Weighed(Pairs(bounds, item.astype(np.int32)), sums[place])


def part_of(matrix: sparse.csr_matrix, rows: IntArray | LongArray, columns: IntArray) -> FloatArray:
    """Some rows and columns of the matrix, dense, shape (len(rows), len(columns)).

    The columns are distinct.
    """
    part: FloatArray = np.zeros((len(rows), len(columns)), dtype=np.float32)
    place = np.full(matrix.shape[1], -1, dtype=np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    bounds, entry = _entries(matrix, rows)
    column = place.take(matrix.indices.take(entry))
    inside = (column >= 0).nonzero()[0]
    row = bounds.searchsorted(inside, side="right") - 1
    part[row, column[inside]] = matrix.data[entry[inside]]
    return part


def _entries(matrix: sparse.csr_matrix, rows: IntArray | LongArray) -> tuple[LongArray, LongArray]:
    """The bounds of some rows of the matrix, one after the other, and their entries' places.

    Several times faster than to take rows from a matrix of scipy's, which checks them at length.
    """
    first = matrix.indptr[rows].astype(np.int64)
    length = matrix.indptr[rows + 1] - first
    bounds = np.zeros(len(rows) + 1, dtype=np.int64)
    length.cumsum(out=bounds[1:])
    return bounds, spans(first, length)
