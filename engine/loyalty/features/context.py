"""What every group of features starts from: states as of a moment, and their orders by day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, IntArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column
from engine.loyalty.states import Rows, States

Columns: TypeAlias = dict[str, Column]
T = TypeVar("T")


@dataclass(frozen=True)
class Orders(Rows):
    """Valid orders, those of one UTC day merged into one, oldest first; sums in minor units.

    `day` counts from 1970, `value` is what was paid and is left after refunds, `discount` what was
    taken off, `first_line` the position of the order's first line in the goods.
    """

    day: LongArray
    value: LongArray
    discount: LongArray
    first_line: LongArray


@dataclass(frozen=True)
class Context:
    """States, cuts, and the moment that features are of; per customer, shape (n,).

    `n` counts orders (days with one). `first_day` and `last_day` are UTC days since 1970, NaN
    without an order; `age` (T), `recency` (tx, from first to last) and `since` (days since the
    last) are whole days, NaN too. `goods` are the states' purchase lines up to now.
    """

    states: States
    cuts: Cuts
    now_ms: int
    goods: Histories
    orders: Orders
    n: LongArray
    first_day: DoubleArray
    last_day: DoubleArray
    _made: dict[Callable[[Context], Any], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, states: States, cuts: Cuts, *, now_ms: int) -> Context:
        """The context as of `now_ms`: purchases that came later do not exist yet."""
        goods = states.goods
        if goods.lines and int(goods.at.max()) > now_ms:
            goods = goods.where(goods.at <= now_ms)
        orders = orders_by_day(goods)
        begin, end = orders.indptr[:-1], orders.indptr[1:]
        n = end - begin
        filled = n > 0
        first, last = np.full(n.shape, np.nan), np.full(n.shape, np.nan)
        first[filled] = orders.day[begin[filled]]
        last[filled] = orders.day[end[filled] - 1]
        return cls(states, cuts, now_ms, goods, orders, n, first, last)

    def __len__(self) -> int:
        return int(self.n.shape[0])

    def once(self, make: Callable[[Context], T]) -> T:
        """What the function makes of this context: made when first asked for, the same ever after.

        Groups of features share what they rest on this way. Nobody may change it.
        """
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    @cached_property
    def today(self) -> int:
        """The UTC day of `now`, counted from 1970."""
        return self.now_ms // DAY_MS

    @cached_property
    def age(self) -> DoubleArray:
        """Whole days from the first order to now (T), shape (n,)."""
        age: DoubleArray = self.today - self.first_day
        return age

    @cached_property
    def recency(self) -> DoubleArray:
        """Whole days from the first to the last order (tx), shape (n,)."""
        recency: DoubleArray = self.last_day - self.first_day
        return recency

    @cached_property
    def since(self) -> DoubleArray:
        """Whole days since the last order (R), shape (n,)."""
        since: DoubleArray = self.today - self.last_day
        return since

    @cached_property
    def order_row(self) -> LongArray:
        """The customer's position for every order, shape (orders,)."""
        return np.arange(len(self)).repeat(self.n)

    @cached_property
    def line_row(self) -> LongArray:
        """The customer's position for every line of the goods, shape (lines,)."""
        return self.goods.row()

    @cached_property
    def line_day(self) -> LongArray:
        """The UTC day of every line of the goods, counted from 1970, shape (lines,)."""
        return self.goods.at // DAY_MS

    @cached_property
    def revenue(self) -> LongArray:
        """What all orders brought in minor units, shape (n,)."""
        return sums(self.orders.value, self.orders.indptr)

    @cached_property
    def unknown(self) -> tuple[DoubleArray, LongArray]:
        """Values and evidence of a feature that nobody's state says anything of, to read only."""
        values, evidence = np.full(len(self), np.nan), np.zeros(len(self), np.int64)
        values.flags.writeable = evidence.flags.writeable = False
        return values, evidence

    def within(self, at: LongArray, days: float) -> BoolArray:
        """Which of the times in ms lie in the last so many days, up to and with now."""
        return (at <= self.now_ms) & (at > self.now_ms - days * DAY_MS)


def column(
    values: DoubleArray, evidence: IntArray | LongArray, labels: tuple[str, ...] = ()
) -> Column:
    """A column of float64 values with int32 evidence; where evidence is 0 the value is unknown."""
    told = evidence > 0
    # Counting is the cheapest way to ask an array whether all of it holds.
    if np.count_nonzero(told) < told.shape[0]:
        values = np.where(told, values, np.nan)
    return Column(values, evidence.astype(np.int32), labels)


def orders_by_day(goods: Histories) -> Orders:
    """The goods' orders, merged by UTC day: a basket paid in two parts is no repeat."""
    row, day = goods.row(), goods.at // DAY_MS
    fresh = np.ones(goods.lines, dtype=np.bool_)
    fresh[1:] = (row[1:] != row[:-1]) | (day[1:] != day[:-1])
    (starts,) = fresh.nonzero()
    counts = np.zeros(goods.lines + 1, np.int64)
    fresh.cumsum(out=counts[1:])
    return Orders(
        indptr=counts[goods.indptr],
        day=day[starts],
        value=_summed(goods.value, starts),
        discount=_summed(goods.discount, starts),
        first_line=starts,
    )


def sums(values: LongArray | BoolArray, indptr: LongArray) -> LongArray:
    """Exact sums of whole numbers over each customer's rows, shape (n,)."""
    if not values.shape[0]:
        return np.zeros(indptr.shape[0] - 1, np.int64)
    running = np.zeros(values.shape[0] + 1, np.int64)
    # Written in place: this is asked for dozens of times with every event.
    values.cumsum(out=running[1:])
    bounds = running[indptr]
    total: LongArray = bounds[1:] - bounds[:-1]
    return total


def counts(indptr: LongArray) -> LongArray:
    """How many rows each customer has, shape (n,)."""
    rows: LongArray = indptr[1:] - indptr[:-1]
    return rows


def float_sums(values: DoubleArray, row: LongArray, *, customers: int) -> DoubleArray:
    """Sums of fractions over each customer's rows, shape (n,).

    Added one after another, so that a customer's sum does not depend on who else is there.
    """
    total: DoubleArray = np.bincount(row, weights=values, minlength=customers).astype(np.float64)
    return total


def _summed(values: LongArray, starts: LongArray) -> LongArray:
    if not len(starts):
        return np.zeros(0, np.int64)
    total: LongArray = np.add.reduceat(values, starts)
    return total
