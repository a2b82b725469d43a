"""Scores that are dot products of customers' and items' factors."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.models.factor_search import Wanted, dots, search
from engine.models.item_factors import ItemFactors
from engine.models.pairs import Pairs

# Customers searched for together: enough for a matrix product, few enough for the cache.
BLOCK = 256
# Items kept for the customers of a block while it is searched.
KEPT = 2**22
# Fewer customers than this are not worth a second thread.
LEAST_BLOCK = 32
# Pairs multiplied together: their factors stay in the cache.
CHUNK = 4_096
# Below this share of allowed items they are gathered first, instead of left out on the way.
FEW = 0.25


class FactorScores:
    """Dot products of customers' and items' factors, worked out as far as asked.

    NaN for a customer or an item without factors: all zero says nothing.
    """

    def __init__(self, own: FloatArray, items: ItemFactors) -> None:
        """`own`: factors of the customers, shape (customers, rank)."""
        self._own = own
        self._items = items
        self._known: BoolArray = np.any(own, axis=1)

    @property
    def shape(self) -> tuple[int, int]:
        """How many customers and items there are."""
        return self._own.shape[0], len(self._items)

    def at(self, pairs: Pairs) -> FloatArray:
        """The score of each pair, shape (pairs,); NaN where there is none."""
        row, place = pairs.row(), self._items.place[pairs.item]
        scores = np.empty(len(pairs), dtype=np.float32)
        for start in range(0, len(pairs), CHUNK):
            part = slice(start, start + CHUNK)
            scores[part] = dots(self._own[row[part]], self._items.factors[place[part]])
        scores[~self._known[row] | (place >= self._items.known)] = np.nan
        return scores

    def dense(self) -> FloatArray:
        """All scores, shape (customers, items), NaN where there is none; for small blocks."""
        customers, items = self.shape
        everything = np.tile(np.arange(items, dtype=np.int32), customers)
        bounds = np.arange(customers + 1, dtype=np.int64) * items
        return self.at(Pairs(bounds, everything)).reshape(customers, items)

    def best(
        self, most: int, *, allowed: BoolArray | None = None, without: Pairs | None = None
    ) -> Pairs:
        """At most so many items a customer, those with the highest scores, ties by position.

        Exact, and the same for a customer alone as in a block. Large blocks are shared out
        among the machine's cores; the caller sees to it that BLAS does not do so as well.
        """
        customers, items = self.shape
        rows = np.flatnonzero(self._known)
        ask = _ask(self._items, most=most, allowed=allowed, without=without)
        if most < 1 or not ask.table.known or not rows.size:
            return Pairs.empty(customers)
        blocks = _blocks(rows, most=min(most, ask.table.known))
        found = _shared_out(blocks, lambda block: self._best_of(block, ask))
        keys = np.concatenate([row * items + ask.table.item[place] for row, place in found])
        keys.sort()
        bounds = np.searchsorted(keys, np.arange(customers + 1, dtype=np.int64) * items)
        return Pairs(bounds, (keys % items).astype(np.int32))

    def _best_of(self, rows: LongArray, ask: _Ask) -> _Found:
        barred_row, barred_place = ask.barred_row, ask.barred_place
        if rows.size < self._own.shape[0]:
            slot = np.full(self._own.shape[0], -1)
            slot[rows] = np.arange(rows.size)
            barred_row = slot[barred_row]
            inside = barred_row >= 0
            barred_row, barred_place = barred_row[inside], barred_place[inside]
        wanted = Wanted(ask.most, ask.allowed, barred_row, barred_place)
        row, place = search(self._own[rows], ask.table, wanted)
        return rows[row], place


_Found: TypeAlias = tuple[LongArray, LongArray]


@dataclass(frozen=True)
class _Ask:
    """What is searched for, of all customers; `barred` pairs are left out, by ascending place."""

    table: ItemFactors
    most: int
    allowed: BoolArray | None
    barred_row: LongArray
    barred_place: LongArray


def _ask(
    items: ItemFactors, *, most: int, allowed: BoolArray | None, without: Pairs | None
) -> _Ask:
    table, place = items, items.place
    if allowed is not None and np.count_nonzero(allowed) < FEW * len(items):
        table, allowed = items.at_places(np.flatnonzero(allowed[items.item])), None
        place = np.full(len(items), len(items), dtype=np.int32)
        place[table.item] = np.arange(len(table), dtype=np.int32)
    if without is None:
        nothing = np.zeros(0, dtype=np.int64)
        return _Ask(table, most, allowed, nothing, nothing)
    barred = place[without.item].astype(np.int64)
    order = np.argsort(barred, kind="stable")
    order = order[: np.searchsorted(barred[order], table.known)]
    return _Ask(table, most, allowed, without.row()[order], barred[order])


def _blocks(rows: LongArray, *, most: int) -> list[LongArray]:
    """Rows to search for together, as many parts as there are cores where it pays."""
    together = max(1, min(BLOCK, KEPT // most))
    parts = -(-rows.size // together)
    # Asking the machine costs a lone customer more than it is worth.
    if rows.size >= 2 * LEAST_BLOCK:
        parts = max(parts, min(_cores(), rows.size // LEAST_BLOCK))
    return np.array_split(rows, parts) if parts > 1 else [rows]


def _cores() -> int:
    return os.cpu_count() or 1


def _shared_out(blocks: list[LongArray], work: Callable[[LongArray], _Found]) -> list[_Found]:
    """The work done on each block, on as many cores as there are."""
    if len(blocks) == 1:
        return [work(blocks[0])]
    with ThreadPoolExecutor(min(_cores(), len(blocks))) as pool:
        return list(pool.map(work, blocks))
