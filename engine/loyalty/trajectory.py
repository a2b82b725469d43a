"""Lifecycle stages as of any day, from orders alone, and since when the last one holds.

Awareness, exploration, expansion (here: familiarity), commitment (loyalty) and dissolution
(separation) are those of Dwyer, Schurr & Oh (1987), told by a customer's own rhythm of ordering.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.accounts import value_type
from engine.loyalty.features.context import Context
from engine.loyalty.features.orders import cycle_of
from engine.loyalty.states import ByteArray, States
from engine.loyalty.value.repeats import Repeats
from engine.loyalty.value_models import Models

STAGES = ("awareness", "exploration", "familiarity", "loyalty", "separation")
AWARENESS, EXPLORATION, FAMILIARITY, LOYALTY, SEPARATION = range(5)
NO_STAGE = -1
# Keeps the days of one customer apart from the next one's in a single sorted array.
_STRIDE = 2**32
# Customers times days looked at in one step: few enough to stay in the processor's cache.
_AT_ONCE = 65_536


@dataclass(frozen=True)
class Look:
    """Orders of customers as of days, one entry a (customer, day), shape (m,).

    `n` counts orders, `span` is the days from the first to the last, `age` those since the first,
    `since` those since the last; the three are meaningless where `n` is 0.
    """

    n: LongArray
    span: LongArray
    age: LongArray
    since: LongArray
    cycle: DoubleArray

    @cached_property
    def overdue(self) -> DoubleArray:
        """Days since the last order as a multiple of the cycle, shape (m,)."""
        overdue: DoubleArray = self.since / self.cycle
        return overdue


@dataclass(frozen=True)
class Course:
    """The orders of n customers, ready to be looked at as of the end of any UTC day."""

    cuts: Cuts
    models: Models
    types: LongArray
    indptr: LongArray
    day: LongArray
    keys: LongArray

    @classmethod
    def of(cls, context: Context) -> Course:
        """The course of the customers of a context."""
        orders = context.orders
        keys = context.order_row * _STRIDE + orders.day
        models = Models.of(context.cuts)
        return cls(context.cuts, models, context.once(value_type), orders.indptr, orders.day, keys)

    def look(self, row: LongArray, day: LongArray) -> Look:
        """The orders of the customers in `row` up to and with each `day`."""
        end = self.ordered_by(row, day)
        start = self.indptr[row]
        n = end - start
        if not self.day.shape[0]:
            return Look(n, n, n, n, np.full(n.shape, self.cuts.cycle))
        held = np.minimum(start, self.day.shape[0] - 1)
        first, last = self.day[held], self.day[np.maximum(end - 1, held)]
        span = last - first
        cycle = cycle_of(self.cuts, span, np.maximum(n - 1, 0))
        return Look(n, span, day - first, day - last, cycle)

    def ordered_by(self, row: LongArray, day: LongArray) -> LongArray:
        """Where in `self.day` each customer's orders up to and with the day end, shape (m,)."""
        return self.keys.searchsorted(row * _STRIDE + day, side="right")

    def stages(self, row: LongArray, day: LongArray) -> ByteArray:
        """Positions in STAGES, shape (m,); NO_STAGE before the first order."""
        look = self.look(row, day)
        stage = np.minimum(look.n, FAMILIARITY).astype(np.int8)
        regular = self._regular(row, day, look)
        stage[regular] = LOYALTY
        stage[self._separated(row, look)] = SEPARATION
        stage[look.n == 0] = NO_STAGE
        return stage

    def on(self, row: LongArray, days: LongArray) -> ByteArray:
        """The stages of each customer in `row` on each of its `days` (m, k), shape (m, k)."""
        found = self.stages(np.repeat(row, days.shape[1]), days.ravel())
        return found.reshape(days.shape)

    def separated(self, row: LongArray, day: LongArray) -> BoolArray:
        """Whether each customer is gone as of each day, shape (m,)."""
        return self._separated(row, self.look(row, day))

    def _separated(self, row: LongArray, look: Look) -> BoolArray:
        """Three cycles late, or half as late and unlikely to order in a horizon of its own."""
        config, overdue = self.cuts.config, look.overdue
        ordered = look.n > 0
        gone: BoolArray = ordered & (overdue > config.separation_overdue)
        (doubted,) = (ordered & ~gone & (overdue > config.turning_overdue)).nonzero()
        if not (doubted.shape[0] and self.models):
            return gone
        history = (look.n - 1, look.span, look.age)
        data = Repeats(*(each[doubted].astype(np.float64) for each in history))
        horizon = own_horizon(self.cuts, look.cycle[doubted])
        chance = self.models.p_order_within(data, self.types[row[doubted]], horizon)
        gone[doubted] = 1 - chance > config.separation_risk
        return gone

    def _regular(self, row: LongArray, day: LongArray, look: Look) -> BoolArray:
        """Who orders regularly, and did so a day before: one order on a lucky day is not enough."""
        regular = self._orders_regularly(row, day, look)
        held_for = self.cuts.config.loyalty_held_for
        (maybe,) = regular.nonzero()
        if held_for > 0 and maybe.shape[0]:
            row, day = row[maybe], day[maybe] - held_for
            regular[maybe] = self._orders_regularly(row, day, self.look(row, day))
        return regular

    def _orders_regularly(self, row: LongArray, day: LongArray, look: Look) -> BoolArray:
        regular = self._eligible(look)
        (maybe,) = regular.nonzero()
        if maybe.shape[0]:
            regular[maybe] = self._spread(row[maybe], day[maybe], look.cycle[maybe])
        return regular

    def _eligible(self, look: Look) -> BoolArray:
        config = self.cuts.config
        eligible: BoolArray = (
            (look.n >= config.loyalty_orders)
            & (look.age >= config.loyalty_tenure_cycles * self.cuts.cycle)
            & (look.overdue <= config.turning_overdue)
        )
        return eligible

    def _spread(self, row: LongArray, day: LongArray, cycle: DoubleArray) -> BoolArray:
        """Whether enough of the last few windows, each about a cycle long, saw an order."""
        config = self.cuts.config
        window = np.maximum(config.loyalty_window_least, cycle)
        # An order just `number` windows ago belongs to the window before it.
        back = np.arange(config.loyalty_windows + 1) * window[:, None]
        edges = self.ordered_by(row[:, None], np.floor(day[:, None] - back).astype(np.int64))
        bought: LongArray = (edges[:, :-1] > edges[:, 1:]).sum(axis=1)
        return bought >= config.loyalty_windows_bought


def own_horizon(cuts: Cuts, cycle: DoubleArray) -> DoubleArray:
    """How far to look for the next order: a quarter, or two cycles of a slow customer, in days."""
    return np.maximum(cuts.config.quarter, 2 * cycle)


def stages(states: States, cuts: Cuts, times: LongArray) -> ByteArray:
    """Lifecycle stages as of the UTC days of `times` (ms), shape (n, len(times)).

    Positions in STAGES by orders alone, NO_STAGE (-1) before the first order; orders of a day
    count from its beginning. The cuts are those of today for every time.
    """
    now_ms = int(times.max()) if len(times) else 0
    course = Course.of(Context.of(states, cuts, now_ms=now_ms))
    days = np.asarray(times, dtype=np.int64) // DAY_MS
    found = np.full((len(states), len(times)), NO_STAGE, dtype=np.int8)
    step = max(1, _AT_ONCE // max(len(times), 1))
    for start in range(0, len(states), step):
        rows = np.arange(start, min(start + step, len(states)))
        found[rows] = course.on(rows, np.tile(days, (len(rows), 1)))
    return found
