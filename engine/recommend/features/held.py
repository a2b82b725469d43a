"""What each customer bought of each item, and when: the columns behind the features of a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.models.interactions import Bought
from engine.models.pairs import Pairs
from engine.models.query import Query


@dataclass(frozen=True)
class Lines:
    """The lines of known items, sorted by customer, item and time.

    `bought` says which they are; per line `age`, days before now, `back`, how many orders the
    customer placed after it, and `units`.
    """

    bought: Bought
    age: DoubleArray
    back: LongArray
    units: FloatArray

    @property
    def pairs(self) -> Pairs:
        """The customers with what they bought."""
        return self.bought.pairs

    @property
    def starts(self) -> LongArray:
        """The positions where a new pair begins, shape (pairs,)."""
        return self.bought.starts

    def total(self, values: DoubleArray) -> DoubleArray:
        """The sum of a value a line, shape (..., lines), for each pair, shape (..., pairs)."""
        return self.bought.total(values)

    def ends(self) -> LongArray:
        """The position of each pair's last line, shape (pairs,)."""
        return self.starts + self.bought.times - 1


@dataclass(frozen=True)
class Visits:
    """Per customer, shape (n,): orders, and days before now of the first and the last, else NaN."""

    orders: LongArray
    first: DoubleArray
    last: DoubleArray
    lines: LongArray


def lines_of(query: Query) -> Lines:
    """The lines of a block of customers, by pair."""
    histories, order = query.histories, query.bought.order
    return Lines(
        bought=query.bought,
        age=(query.now_ms - histories.at[order]) / DAY_MS,
        back=query.once(orders_after)[order],
        units=histories.units[order],
    )


def orders_after(query: Query) -> LongArray:
    """How many orders the same customer placed after that of each line, shape (lines,)."""
    histories, number = query.histories, query.once(_orders_begun)
    if not histories.lines:
        return number
    # The number of a customer without lines is nobody's.
    last: LongArray = number[histories.indptr[1:] - 1]
    return last.repeat(histories.indptr[1:] - histories.indptr[:-1]) - number


def _orders_begun(query: Query) -> LongArray:
    """How many orders of all customers begin up to each line, shape (lines,)."""
    begun: LongArray = _new_orders(query.histories).cumsum()
    return begun


def _new_orders(histories: Histories) -> BoolArray:
    """Whether a line is the first of its order, shape (lines,)."""
    first = np.ones(histories.lines, dtype=np.bool_)
    np.not_equal(histories.order[1:], histories.order[:-1], out=first[1:])
    # Orders of two customers may have one number: those of a customer who stands here twice.
    starts = histories.indptr[:-1]
    first[starts[starts < len(first)]] = True
    return first


def visits_of(query: Query) -> Visits:
    """Orders and their ages, a customer each."""
    histories, number = query.histories, query.once(_orders_begun)
    bounds, lines = histories.indptr, histories.indptr[1:] - histories.indptr[:-1]
    ages, orders = np.full((2, len(query)), np.nan), np.zeros(len(query), np.int64)
    filled = lines.nonzero()[0]
    start, end = bounds[filled], bounds[filled + 1] - 1
    ages[:, filled] = (query.now_ms - histories.at[np.stack([start, end])]) / DAY_MS
    orders[filled] = number[end] - number[start] + 1
    return Visits(orders=orders, first=ages[0], last=ages[1], lines=lines)


def position_in(known: Pairs, asked: Pairs, *, items: int) -> LongArray:
    """Where in `known` each asked pair is, shape (asked,); -1 for those it lacks."""
    # Of a lone customer the items are keys enough.
    alone = asked.customers == 1
    own, keys = (each.item if alone else each.keys(items=items) for each in (known, asked))
    if not len(own):
        return np.full(len(keys), -1, dtype=np.int64)
    found = own.searchsorted(keys)
    found[own.take(found, mode="clip") != keys] = -1
    return found


def spread(values: DoubleArray, position: LongArray, *, missing: float) -> FloatArray:
    """Values of each known pair, shape (..., known), laid out on the asked ones, (..., asked).

    What is not there is `missing`.
    """
    # At position -1, which is that of what is not there, stands one value more.
    longer = np.empty((*values.shape[:-1], values.shape[-1] + 1), dtype=np.float32)
    longer[..., :-1] = values
    longer[..., -1] = missing
    return longer.take(position, axis=-1)


def ratio(above: DoubleArray | FloatArray, below: DoubleArray | FloatArray) -> DoubleArray:
    """The one over the other, NaN where there is nothing to divide by."""
    out = np.empty(len(above))
    out.fill(np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out
