"""What each customer bought of each item, and when: the columns behind the features of a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.models.pairs import Pairs
from engine.models.query import Query


@dataclass(frozen=True)
class Lines:
    """The lines of known items, sorted by customer, item and time.

    `starts` are the positions where a new pair begins; per line `age`, days before now, `back`,
    how many orders the customer placed after it, and `units`.
    """

    pairs: Pairs
    starts: LongArray
    age: DoubleArray
    back: LongArray
    units: FloatArray
    value: LongArray

    def total(self, values: DoubleArray) -> DoubleArray:
        """The sum of a value a line for each pair, shape (pairs,)."""
        if not len(values):
            return np.zeros(0)
        summed: DoubleArray = np.add.reduceat(values, self.starts)
        return summed

    def ends(self) -> LongArray:
        """The position of each pair's last line, shape (pairs,)."""
        return np.append(self.starts, len(self.age))[1:] - 1


@dataclass(frozen=True)
class Visits:
    """Per customer, shape (n,): orders, and days before now of the first and the last, else NaN."""

    orders: LongArray
    first: DoubleArray
    last: DoubleArray
    lines: LongArray


def lines_of(query: Query, *, items: int) -> Lines:
    """The lines of a block of customers, by pair."""
    histories = query.histories
    row, back = histories.row(), orders_after(histories)
    known = np.flatnonzero(histories.item >= 0)
    keys = row[known] * items + histories.item[known]
    # Stable: lines of a pair stay oldest first.
    order = np.argsort(keys, kind="stable")
    sorted_keys, picked = keys[order], known[order]
    starts = np.flatnonzero(np.diff(sorted_keys, prepend=-1))
    distinct = sorted_keys[starts]
    pairs = Pairs.of(distinct // items, distinct % items, customers=len(query))
    age = (query.now_ms - histories.at[picked]) / DAY_MS
    return Lines(pairs, starts, age, back[picked], histories.units[picked], histories.value[picked])


def orders_after(histories: Histories) -> LongArray:
    """How many orders the same customer placed after that of each line, shape (lines,)."""
    changes = new_orders(histories)
    number = np.cumsum(changes)
    filled = histories.indptr[1:] > histories.indptr[:-1]
    last = np.zeros(len(histories), dtype=np.int64)
    last[filled] = number[histories.indptr[1:][filled] - 1]
    return last[histories.row()] - number


def new_orders(histories: Histories) -> BoolArray:
    """Whether a line is the first of its order, shape (lines,)."""
    first = np.ones(histories.lines, dtype=np.bool_)
    first[1:] = histories.order[1:] != histories.order[:-1]
    return first


def visits_of(query: Query) -> Visits:
    """Orders and their ages, a customer each."""
    histories = query.histories
    row, first = histories.row(), new_orders(histories)
    filled = histories.indptr[1:] > histories.indptr[:-1]
    start, end = np.full(len(query), np.nan), np.full(len(query), np.nan)
    start[filled] = (query.now_ms - histories.at[histories.indptr[:-1][filled]]) / DAY_MS
    end[filled] = (query.now_ms - histories.at[histories.indptr[1:][filled] - 1]) / DAY_MS
    return Visits(
        orders=np.bincount(row[first], minlength=len(query)),
        first=start,
        last=end,
        lines=np.diff(histories.indptr),
    )


def position_in(known: Pairs, asked: Pairs, *, items: int) -> LongArray:
    """Where in `known` each asked pair is, shape (asked,); -1 for those it lacks."""
    own, keys = known.keys(items=items), asked.keys(items=items)
    if not len(own):
        return np.full(len(keys), -1, dtype=np.int64)
    found = np.searchsorted(own, keys)
    found[found == len(own)] = 0
    return np.where(own[found] == keys, found, -1)


def spread(values: DoubleArray | LongArray, position: LongArray, *, missing: float) -> FloatArray:
    """A value of each known pair laid out on the asked ones; what is not there is `missing`."""
    out = np.full(len(position), missing, dtype=np.float32)
    there = position >= 0
    out[there] = values[position[there]]
    return out
