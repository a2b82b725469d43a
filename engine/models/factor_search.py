"""The items with the largest dot products, exactly, without working out every product.

Items stand by falling norm. Once a customer has as many products as were asked for, the length
of their own vector bounds what later items can reach (Cauchy-Schwarz), and those that cannot
reach the least of these products are passed over: Teflioudi, Gemulla & Mykytiuk (2015), "LEMP:
fast retrieval of large entries in a matrix product". BLAS rounds a product differently alone and
in a block; so BLAS only finds, and what its rounding leaves open is settled by `dots`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.models.item_factors import ItemFactors, norms

# Products worked out at once: one mebibyte, so that they are compared while still in the cache.
CELLS = 2**18
# Items of the first tile, before anything is passed over, and the fewest of a later one.
FIRST = 4_096
LEAST = 1_024
# A product of rank n errs by at most n x eps / 2 of both lengths (Higham 2002, section 3.1), so
# those of BLAS and `dots` lie within n x eps of each other. Four times that leaves room for the
# roundings of norms and floors; the smallest normal number is for what underflows.
SAFETY = 4.0
ROUNDING = float(np.finfo(np.float32).eps)
SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Wanted:
    """What is asked of a search: how many items a customer, and which may not be among them.

    `allowed` (items,) or None. `barred_row` and `barred_place` are pairs that are left out, by
    ascending place.
    """

    most: int
    allowed: BoolArray | None
    barred_row: LongArray
    barred_place: LongArray


def dots(own: FloatArray, factors: FloatArray) -> FloatArray:
    """Row by row products, shape (n,); the same to the bit whichever rows are beside."""
    products: FloatArray = np.einsum("nd,nd->n", own, factors)
    return products


def search(own: FloatArray, table: ItemFactors, wanted: Wanted) -> tuple[LongArray, LongArray]:
    """Row and place of the best items of each customer, in no particular order.

    `own` (customers, rank), none of them all zero. Items without factors are never among them.
    """
    walk = _Walk(own, table, wanted)
    walk.through()
    return walk.settled()


class _Walk:
    """One block of customers going through the items place by place."""

    def __init__(self, own: FloatArray, table: ItemFactors, wanted: Wanted) -> None:
        customers = own.shape[0]
        self._own = own
        self._table = table
        self._wanted = wanted
        self._most = min(wanted.most, table.known)
        self._norm = norms(own)
        # How far apart BLAS and `dots` may be.
        steps = SAFETY * (table.rank + 2)
        self._slack: FloatArray = self._norm * np.float32(
            steps * ROUNDING * table.norm[0]
        ) + np.float32(steps * SMALLEST)
        # The largest products so far; the least of them is the floor.
        self._heads = np.full((customers, self._most), -np.inf, dtype=np.float32)
        self._floor = np.full(customers, -np.inf, dtype=np.float32)
        self._kept: list[tuple[LongArray, LongArray, FloatArray]] = []

    def through(self) -> None:
        """Look at tiles of items until no customer can gain from going on."""
        start, reach = 0, np.full(self._floor.shape[0], self._table.known)
        while (rows := np.flatnonzero(reach > start)).size:
            width = max(CELLS // rows.size, LEAST, 2 * self._most)
            first = max(min(width, FIRST), 2 * self._most)
            stop = min(start + width if start else first, int(reach.max()))
            self._look(rows, start, stop)
            start, reach = stop, self._reach()

    def settled(self) -> tuple[LongArray, LongArray]:
        """Row and place of the best; where rounding could decide, `dots` does, then the item."""
        row, place, product = (np.concatenate(parts) for parts in zip(*self._kept, strict=True))
        margin = 2 * self._slack[row]
        near = product > self._floor[row] - margin
        row, place, product, margin = row[near], place[near], product[near], margin[near]
        sure = product > self._floor[row] + margin
        customers = self._floor.shape[0]
        left = self._most - np.bincount(row[sure], minlength=customers)
        contested = ~sure & (np.bincount(row[~sure], minlength=customers) > left)[row]
        chosen = ~contested
        chosen[self._winners(np.flatnonzero(contested), row, place, left)] = True
        return row[chosen], place[chosen]

    def _look(self, rows: LongArray, start: int, stop: int) -> None:
        products: FloatArray = self._own[rows] @ self._table.factors[start:stop].T
        self._bar(products, rows, start, stop)
        if start == 0:
            self._start(products)
        floor = self._floor[rows] - 2 * self._slack[rows]
        hits = np.flatnonzero(products > floor[:, None])
        found, column = np.divmod(hits, stop - start)
        product = products.ravel()[hits]
        if self._wanted.allowed is not None:
            may = self._wanted.allowed[self._table.item[start + column]]
            found, column, product = found[may], column[may], product[may]
        if start and found.size:
            self._raise(rows, found, product)
        self._kept.append((rows[found], start + column, product))

    def _start(self, products: FloatArray) -> None:
        """Heads from the first tile, of all customers."""
        if self._wanted.allowed is not None:
            closed = ~self._wanted.allowed[self._table.item[: products.shape[1]]]
            products[:, closed] = -np.inf
        beyond = products.shape[1] - self._most
        self._heads[:] = np.partition(products, beyond, axis=1)[:, beyond:]
        self._floor[:] = self._heads[:, 0]

    def _raise(self, rows: LongArray, found: LongArray, product: FloatArray) -> None:
        """Take products in among the heads; `found` are ascending positions in `rows`."""
        counts = np.bincount(found, minlength=rows.size)
        touched = np.flatnonzero(counts)
        more = np.full((touched.size, int(counts.max())), -np.inf, dtype=np.float32)
        counts = counts[touched]
        line = np.arange(touched.size).repeat(counts)
        more[line, np.arange(found.size) - (np.cumsum(counts) - counts)[line]] = product
        rows = rows[touched]
        both = np.concatenate([self._heads[rows], more], axis=1)
        both.partition(more.shape[1], axis=1)
        self._heads[rows] = both[:, more.shape[1] :]
        self._floor[rows] = both[:, more.shape[1]]

    def _bar(self, products: FloatArray, rows: LongArray, start: int, stop: int) -> None:
        first, last = np.searchsorted(self._wanted.barred_place, [start, stop])
        if first == last:
            return
        row, column = self._wanted.barred_row[first:last], self._wanted.barred_place[first:last]
        if rows.size < self._floor.shape[0]:
            slot = np.full(self._floor.shape[0], -1)
            slot[rows] = np.arange(rows.size)
            there = slot[row] >= 0
            row, column = slot[row][there], column[there]
        products[row, column - start] = -np.inf

    def _reach(self) -> LongArray:
        """How many places each customer has to look at."""
        least = (self._floor - 3 * self._slack) / self._norm
        return np.searchsorted(self._table.falling, -least, side="right")

    def _winners(
        self, contested: LongArray, row: LongArray, place: LongArray, left: LongArray
    ) -> LongArray:
        """Of contested finds, as many a customer as are left, by `dots` and then by item."""
        row, place = row[contested], place[contested]
        exact = dots(self._own[row], self._table.factors[place])
        order = np.lexsort((self._table.item[place], -exact, row))
        counts = np.bincount(row, minlength=left.shape[0])
        ahead = np.arange(order.size) - (np.cumsum(counts) - counts)[row[order]]
        return contested[order[ahead < left[row[order]]]]
