"""What a scorer says: of some pairs, or of the best items; worked out only as far as asked."""

from __future__ import annotations

from typing import Protocol, Self

import numpy as np
from scipy import sparse

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray
from engine.domain.kept import kept
from engine.models.pairs import Pairs, Weighed


class Scores(Protocol):
    """Scores of a block of customers for all items; NaN: the scorer cannot say."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many customers and items there are."""

    def at(self, pairs: Pairs) -> FloatArray:
        """The score of each pair, shape (pairs,); NaN where there is none."""

    def best(
        self, most: int, *, allowed: BoolArray | None = None, without: Pairs | None = None
    ) -> Pairs:
        """At most so many items a customer, those with the highest scores, ties by position.

        Of items that have a score; of the `allowed` ones, shape (items,), if given; and none of
        the pairs in `without`.
        """

    def dense(self) -> FloatArray:
        """All scores, shape (customers, items), NaN where there is none; for small blocks."""


class SparseScores:
    """Scores of which most are missing; an entry is a score, also a zero, unless it is NaN."""

    def __init__(self, matrix: sparse.csr_matrix) -> None:
        """`matrix`: customers x items, float32, indices distinct and sorted within a row."""
        self._own = Pairs(
            matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False)
        )
        self._values: FloatArray = matrix.data
        self._items = int(matrix.shape[1])

    @classmethod
    def of(cls, pairs: Pairs, values: FloatArray, *, items: int) -> Self:
        """A score for each of the pairs, shape (pairs,), and for nothing else."""
        scores = cls.__new__(cls)
        scores._own, scores._values, scores._items = pairs, values, items
        return scores

    @classmethod
    def by_weight(cls, weighed: Weighed, *, items: int) -> Self:
        """The weight of each pair as its score."""
        return cls.of(weighed.pairs, weighed.weight, items=items)

    @property
    def shape(self) -> tuple[int, int]:
        """How many customers and items there are."""
        return self._own.customers, self._items

    def at(self, pairs: Pairs) -> FloatArray:
        """The score of each pair, shape (pairs,); NaN where there is none."""
        found: FloatArray = np.empty(len(pairs), dtype=np.float32)
        found.fill(np.nan)
        place, asked = self._places(pairs)
        found[asked] = self._values[place]
        return found

    def best(
        self, most: int, *, allowed: BoolArray | None = None, without: Pairs | None = None
    ) -> Pairs:
        """At most so many items a customer, those with the highest scores, ties by position."""
        if not len(self._values):
            return Pairs.empty(self._own.customers)
        scored = self._scored(allowed, without)
        own, values = self._own, self._values
        if scored is None:
            return own.where(best_of_rows(values, own.indptr, most=most))
        if own.customers == 1 or not np.isfinite(values.min()):
            own, values = own.where(scored), values[scored]
            return own.where(best_of_rows(values, own.indptr, most=most))
        # Below all others rather than left out, which would mean to copy everything.
        below = np.where(scored, values, np.float32(-np.inf))
        return own.where(best_of_rows(below, own.indptr, most=most) & scored)

    def dense(self) -> FloatArray:
        """All scores, shape (customers, items), NaN where there is none; for small blocks."""
        everything: FloatArray = np.full(self.shape, np.nan, dtype=np.float32)
        everything[self._own.row(), self._own.item] = self._values
        return everything

    def _scored(self, allowed: BoolArray | None, without: Pairs | None) -> BoolArray | None:
        """Which entries may be chosen, shape (entries,); None: every one."""
        scored: BoolArray | None = None
        # The least of numbers with a NaN among them is NaN: one pass and no array for the rule.
        if len(self._values) and np.isnan(self._values.min()):
            scored = ~np.isnan(self._values)
        if allowed is not None and not allowed.all():
            offered = allowed[self._own.item]
            scored = offered if scored is None else scored & offered
        if without is not None and len(without):
            scored = np.ones(len(self._values), np.bool_) if scored is None else scored
            scored[self._places(without)[0]] = False
        return scored

    def _places(self, pairs: Pairs) -> tuple[LongArray, BoolArray]:
        """Where the pairs with an entry have it, and which pairs have one, shape (pairs,)."""
        if not len(self._values):
            return np.zeros(0, np.int64), np.zeros(len(pairs), np.bool_)
        wanted = _keys(pairs, items=self._items)
        place = self._ordered.searchsorted(wanted)
        asked: BoolArray = self._ordered.take(place, mode="clip") == wanted
        return place[asked], asked

    @kept
    def _ordered(self) -> LongArray | IntArray:
        return _keys(self._own, items=self._items)


def _keys(pairs: Pairs, *, items: int) -> LongArray | IntArray:
    """As `Pairs.keys` has them; of a lone customer the items themselves, which cost nothing."""
    return pairs.item if pairs.customers == 1 else pairs.keys(items=items)


class SameScores:
    """The same scores for every customer."""

    def __init__(
        self, scores: FloatArray, *, customers: int, order: LongArray | None = None
    ) -> None:
        """`scores`: shape (items,), NaN where there is none; `order`: what `ranked` says of them.

        Whoever gives the same scores again and again keeps their order and spares the sorting.
        """
        self._scores = scores
        self._customers = customers
        self._order = ranked(scores) if order is None else order

    @property
    def shape(self) -> tuple[int, int]:
        """How many customers and items there are."""
        return self._customers, int(self._scores.shape[0])

    def at(self, pairs: Pairs) -> FloatArray:
        """The score of each pair, shape (pairs,); NaN where there is none."""
        return self._scores[pairs.item]

    def best(
        self, most: int, *, allowed: BoolArray | None = None, without: Pairs | None = None
    ) -> Pairs:
        """At most so many items a customer, those with the highest scores, ties by position."""
        if without is None or not len(without):
            same = np.sort(self._head(most, allowed)).astype(np.int32)
            bounds = np.arange(self._customers + 1, dtype=np.int64) * len(same)
            return Pairs(bounds, np.tile(same, self._customers))
        width = 2 * most
        while True:
            head = self._head(width, allowed)
            free = self._free(head, without)
            enough = free.sum(axis=1) >= most
            if len(head) < width or enough.all():
                row, place = np.nonzero(free & (free.cumsum(axis=1) <= most))
                return Pairs.of(row, head[place], customers=self._customers)
            width *= 2

    def dense(self) -> FloatArray:
        """All scores, shape (customers, items), NaN where there is none; for small blocks."""
        return np.tile(self._scores, (self._customers, 1))

    def _head(self, most: int, allowed: BoolArray | None) -> LongArray:
        """The best allowed items of all, at most so many, best first."""
        if allowed is None:
            return self._order[:most]
        # Among the first few there are mostly enough; looking at all costs more than to look again.
        seen = 2 * most
        while True:
            begun = self._order[:seen]
            offered = begun[allowed[begun]]
            if len(offered) >= most or len(begun) < seen:
                return offered[:most]
            seen *= 4

    def _free(self, head: LongArray, without: Pairs) -> BoolArray:
        """Which of the items are left to each customer, shape (customers, len(head))."""
        if self._customers == 1:
            nearest = without.item.take(without.item.searchsorted(head), mode="clip")
            left: BoolArray = nearest != head
            return left[None]
        place = np.full(self._scores.shape[0], -1, dtype=np.int64)
        place[head] = np.arange(len(head))
        taken = place[without.item]
        free = np.ones((self._customers, len(head)), dtype=np.bool_)
        free[without.row()[taken >= 0], taken[taken >= 0]] = False
        return free


def ranked(scores: FloatArray) -> LongArray:
    """Positions of the scores that are not NaN, highest first, ties by position."""
    order: LongArray = np.argsort(-scores, kind="stable")
    # Sorting puts NaN last.
    return order[: len(order) - int(np.isnan(scores).sum())]


def best_of_rows(values: FloatArray, bounds: LongArray | IntArray, *, most: int) -> BoolArray:
    """Which values are among the highest `most` of their row, ties by position, shape (values,).

    `bounds` (rows + 1,) bounds each row's part of `values`; no value is NaN.
    """
    if len(values) <= most:
        return np.ones(len(values), dtype=np.bool_)
    length = bounds[1:] - bounds[:-1]
    if length.max() <= most:
        return np.ones(len(values), dtype=np.bool_)
    if most <= 0:
        return np.zeros(len(values), dtype=np.bool_)
    if len(length) == 1:
        return _best_of_all(values, most=most)
    edge = _edges(values, bounds, most=most).repeat(length)
    chosen: BoolArray = values >= edge
    tied = (values == edge).nonzero()[0]
    row = bounds.searchsorted(tied, side="right") - 1
    kept = chosen.nonzero()[0].searchsorted(bounds)
    ties = np.bincount(row, minlength=len(length))
    # How many of a row's ties are one too many, and how many ties come after this one.
    spare = kept[1:] - kept[:-1] - most
    after = ties.cumsum()[row] - 1 - np.arange(len(tied))
    chosen[tied[after < spare[row]]] = False
    return chosen


def _best_of_all(values: FloatArray, *, most: int) -> BoolArray:
    """As `best_of_rows` for a lone row of more values: that of a single request."""
    edge = np.partition(values, len(values) - most)[len(values) - most]
    chosen: BoolArray = values > edge
    tied = (values == edge).nonzero()[0]
    chosen[tied[: most - np.count_nonzero(chosen)]] = True
    return chosen


def _edges(values: FloatArray, bounds: LongArray | IntArray, *, most: int) -> FloatArray:
    """The `most`-th highest value of each row; -inf where the row holds no more than that."""
    length = np.diff(bounds)
    edges: FloatArray = np.full(len(length), -np.inf, dtype=values.dtype)
    # Rows of like length side by side: at most half of the padding is nobody's.
    size = np.ceil(np.log2(np.maximum(length, 1))).astype(np.int64)
    for each in np.unique(size[length > most]):
        rows = (size == each) & (length > most)
        own = length[rows]
        width = int(own.max())
        padded: FloatArray = np.full((len(own), width), -np.inf, dtype=values.dtype)
        padded[np.arange(width) < own[:, None]] = values[rows.repeat(length)]
        padded.partition(width - most, axis=1)
        edges[rows] = padded[:, width - most]
    return edges
