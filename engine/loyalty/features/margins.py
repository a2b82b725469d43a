"""What orders leave after the costs that can be told, in whole minor units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.features.context import Context, float_sums, sums

MONTHS = 12


# More money than any line leaves or costs, in minor units; thousands of such lines still add up.
_MOST = 1e15


@dataclass(frozen=True)
class Margins:
    """Margins before contacts and returns: an order's, shape (orders,), a customer's, shape (n,).

    `order` and `total` are minor units; `assumed` marks customers who bought an item whose cost
    nobody told, for which the shop's default margin stands in.
    """

    order: LongArray
    total: LongArray
    assumed: BoolArray

    @classmethod
    def of(cls, context: Context) -> Margins:
        """Margins of all orders: paid less the items' cost, where it is known."""
        goods, orders = context.goods, context.orders
        # Position -1, an item nobody knows, finds the NaN at the end.
        facts = context.states.facts
        costs = np.full(len(facts.items) + 1, np.nan)
        costs[:-1] = facts.cost
        cost = costs[goods.item]
        told = ~np.isnan(cost)
        default = context.cuts.config.default_margin * goods.value
        # Whole numbers, so that sums are exact and depend on nobody else.
        margin = np.rint(np.where(told, goods.value - cost * goods.units, default))
        # A cost in the wrong unit times a quantity in another must not overflow.
        lines = np.clip(margin, -_MOST, _MOST).astype(np.int64)
        starts = orders.first_line
        order = np.add.reduceat(lines, starts) if starts.shape[0] else np.zeros(0, np.int64)
        return cls(order, sums(order, orders.indptr), sums(~told, goods.indptr) > 0)

    def share(self, context: Context) -> DoubleArray:
        """What part of their revenue customers leave, shape (n,); the default without revenue."""
        revenue = context.revenue
        share: DoubleArray = np.where(
            revenue > 0,
            self.total / np.maximum(revenue, 1),
            context.cuts.config.default_margin,
        )
        return share

    def of_year(self, context: Context, *, until: LongArray) -> DoubleArray:
        """The margin of the 12 months up to each customer's UTC day `until`, shape (n,).

        Net of what contacts in that time cost, and returns, taken as spread evenly over orders.
        """
        config, orders, states = context.cuts.config, context.orders, context.states
        last = until[context.order_row]
        recent = (orders.day > last - config.year) & (orders.day <= last)
        margin = sums(np.where(recent, self.order, 0), orders.indptr).astype(np.float64)
        if config.contact_cost:
            at_day = states.contacts.at // DAY_MS
            ends = until[states.contacts.row()]
            inside = (at_day > ends - config.year) & (at_day <= ends)
            margin -= config.contact_cost * sums(inside, states.contacts.indptr)
        if config.return_cost:
            part = sums(recent, orders.indptr) / np.maximum(context.n, 1)
            margin -= config.return_cost * states.people.returned * part
        return margin

    def present_value(self, context: Context) -> DoubleArray:
        """All margins discounted to the month of the first order, shape (n,).

        sum of margin_t / (1 + i)^t over months t, the yearly interest turned into a monthly one.
        """
        monthly = (1 + context.cuts.config.yearly_interest) ** (1 / MONTHS)
        discounted = self.order / monthly ** months_after_first(context)
        return float_sums(discounted, context.order_row, customers=len(context))

    def break_even(self, context: Context, *, acquisition_cost: int) -> DoubleArray:
        """The first month in which margins add up to the cost, 1 the first; NaN for not yet."""
        orders = context.orders
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.order)])
        row = context.order_row
        covered = np.flatnonzero(before[1:] - before[orders.indptr[row]] >= acquisition_cost)
        month = np.full(len(context), np.nan)
        # Written last to first, so that the first order that covers it stays.
        latest_first = covered[::-1]
        month[row[latest_first]] = months_after_first(context)[latest_first] + 1
        return month


def months_after_first(context: Context) -> LongArray:
    """Whole months (twelfths of a year) from the first order to each, shape (orders,)."""
    orders = context.orders
    days = orders.day - orders.day[orders.indptr[context.order_row]]
    months: LongArray = (days * MONTHS // context.cuts.config.year).astype(np.int64)
    return months
