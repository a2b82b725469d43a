"""Orders and the rhythm of them: how many, how much, how often, how late the next one is."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column, Feature, Kind
from engine.loyalty.features.accounts import ACCOUNTS, account_type
from engine.loyalty.features.columns import columns_of
from engine.loyalty.features.context import Columns, Context, column, sums
from engine.loyalty.states import NEVER

CUSTOMER_TYPES = ("potential", "actual")
NEW_STATUSES = ("not_new", "new_first", "new_reactivated")
_NEW_FIRST, _NEW_REACTIVATED = 1, 2
_ORDERS = "purchases"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "orders",
        Kind.COUNT,
        "Orders so far, those of one UTC day counted once and refunded ones left out.",
        _ORDERS,
        "{orders:count} orders since {first_order_at:date}.",
    ),
    Feature(
        "orders_12m",
        Kind.COUNT,
        "Orders of the last 12 months.",
        _ORDERS,
        "{orders_12m:count} of {orders:count} orders in the last 12 months.",
    ),
    Feature(
        "revenue",
        Kind.MONEY,
        "What all orders brought, net of discounts and refunds.",
        _ORDERS,
        "Spent {revenue:money} in {orders:count} orders.",
    ),
    Feature(
        "revenue_12m",
        Kind.MONEY,
        "What the orders of the last 12 months brought, net of discounts and refunds.",
        _ORDERS,
        "Spent {revenue_12m:money} in the last 12 months, {revenue:money} altogether.",
    ),
    Feature(
        "average_order_value",
        Kind.MONEY,
        "Net revenue an order.",
        _ORDERS,
        "Spends {average_order_value:money} an order, over {orders:count} orders.",
    ),
    Feature(
        "first_order_at",
        Kind.MOMENT,
        "When the first order was placed.",
        _ORDERS,
        "First order on {first_order_at:date}.",
    ),
    Feature(
        "last_order_at",
        Kind.MOMENT,
        "When the last order was placed.",
        _ORDERS,
        "Last order on {last_order_at:date}.",
    ),
    Feature(
        "days_since_last",
        Kind.DAYS,
        "Whole UTC days since the last order.",
        _ORDERS,
        "Last order {days_since_last:days} ago; usually orders every {cycle_days:days}.",
    ),
    Feature(
        "tenure_days",
        Kind.DAYS,
        "Whole UTC days since the first order.",
        _ORDERS,
        "A customer for {tenure_days:days}, since {first_order_at:date}.",
    ),
    Feature(
        "cycle_days",
        Kind.DAYS,
        "Days the customer usually lets pass between orders, drawn towards the shop's median while "
        "the orders are few.",
        _ORDERS,
        "Orders about every {cycle_days:days}, told from {orders:count} orders.",
    ),
    Feature(
        "overdue",
        Kind.NUMBER,
        "Days since the last order as a multiple of the customer's own cycle.",
        _ORDERS,
        "Last order {days_since_last:days} ago, {overdue:number} times the usual "
        "{cycle_days:days}.",
    ),
    Feature(
        "turning",
        Kind.FLAG,
        "Whether the customer is late by the own cycle, and not yet so late as to be gone.",
        _ORDERS,
        sentences={
            "yes": "Late: last order {days_since_last:days} ago, {overdue:number} times the usual "
            "{cycle_days:days}.",
            "no": "Not on the turn: last order {days_since_last:days} ago, {overdue:number} times "
            "the usual {cycle_days:days}.",
        },
    ),
    Feature(
        "return_rate",
        Kind.SHARE,
        "Share of bought lines that are sent back, drawn towards the usual share while few.",
        "purchases, and refunds when something comes back",
        "Sends back {return_rate:share} of what is bought, allowing for chance.",
    ),
    Feature(
        "all_refunded",
        Kind.FLAG,
        "Whether orders were placed and every one of them was refunded in full.",
        "purchases and refunds",
        sentences={
            "yes": "Placed orders, and every one was refunded in full.",
            "no": "Keeps what is ordered: {orders:count} orders were not refunded in full.",
        },
    ),
    Feature(
        "customer_type",
        Kind.CHOICE,
        "Actual with an order, potential with a sign of interest in the last 12 months only.",
        "purchases or events of an identified customer",
        choices=CUSTOMER_TYPES,
        sentences={
            "potential": "Known, interested within a year, and has no order yet.",
            "actual": "Has ordered; the last time on {last_order_at:date}.",
        },
    ),
    Feature(
        "new_status",
        Kind.CHOICE,
        "New by a first order, new by an order after a long silence, or not new.",
        _ORDERS,
        choices=NEW_STATUSES,
        sentences={
            "not_new": "A customer since {first_order_at:date}, without a long silence of late.",
            "new_first": "First order on {first_order_at:date}.",
            "new_reactivated": "Back after a long silence; {orders:count} orders altogether.",
        },
    ),
    Feature(
        "account_type",
        Kind.CHOICE,
        "Business or consumer: as the customer says, else as the customer buys.",
        "purchases, or the trait account_type, company or vat_id",
        choices=ACCOUNTS,
        sentences={
            "consumer": "Buys as a household does, or says so.",
            "business": "Says to be a business, or buys in large numbers or office hours.",
        },
    ),
)


def compute(context: Context, known: Columns) -> Columns:
    """Columns of orders; the moments are of a line of the order, the days whole UTC days."""
    n, config, people = context.n, context.cuts.config, context.states.people
    cycle, overdue = context.once(cycle_days), context.once(overdue_ratio)
    about_orders = {
        **_totals(context),
        **_moments(context),
        "cycle_days": cycle,
        "overdue": overdue,
        "turning": (overdue > config.turning_overdue) & (overdue <= config.separation_overdue),
        "new_status": _new_status(context),
    }
    return {
        **columns_of(n, about_orders, labels={"new_status": NEW_STATUSES}),
        "return_rate": column(
            shrunken(people.returned, people.bought, config.return_prior), people.bought
        ),
        "all_refunded": _all_refunded(context),
        "customer_type": column(*_customer_type(context), CUSTOMER_TYPES),
        "account_type": account_type(context),
    }


def _all_refunded(context: Context) -> Column:
    """Whether nothing is left of what was ordered; unknown while an order lies ahead of now."""
    placed = context.states.people.placed
    ahead = np.diff(context.states.goods.indptr) > np.diff(context.goods.indptr)
    gone = (placed > 0) & (context.n == 0)
    return column(gone.astype(np.float64), np.where(ahead, 0, placed))


def cycle_of(cuts: Cuts, span: DoubleArray | LongArray, gaps: LongArray) -> DoubleArray:
    """Days between orders that span so many days in so many gaps, drawn towards the shop's median.

    The median counts as `cycle_prior_gaps` gaps of the customer's own.
    """
    prior = cuts.config.cycle_prior_gaps
    cycle: DoubleArray = (prior * cuts.cycle + span) / (prior + gaps)
    return cycle


def cycle_days(context: Context) -> DoubleArray:
    """Each customer's own days between orders (m_c), shape (n,); NaN without an order."""
    return cycle_of(context.cuts, context.recency, context.n - 1)


def overdue_ratio(context: Context) -> DoubleArray:
    """Days since the last order by the customer's cycle (rho), shape (n,); NaN without one."""
    ratio: DoubleArray = context.since / context.once(cycle_days)
    return ratio


def shrunken(hits: LongArray, trials: LongArray, prior: tuple[float, float]) -> DoubleArray:
    """The mean of a Beta prior after so many hits in so many trials, shape (n,)."""
    share: DoubleArray = (hits + prior[0]) / (trials + prior[0] + prior[1])
    return share


def _totals(context: Context) -> dict[str, DoubleArray | LongArray]:
    n, orders = context.n, context.orders
    recent = orders.day > context.today - context.cuts.config.year
    revenue = context.revenue
    return {
        "orders": n,
        "orders_12m": sums(recent, orders.indptr),
        "revenue": revenue,
        "revenue_12m": sums(orders.value * recent, orders.indptr),
        "average_order_value": revenue / np.maximum(n, 1),
    }


def _moments(context: Context) -> dict[str, DoubleArray | LongArray]:
    goods = context.goods
    # A customer without lines borrows somebody's: such a value is unknown in the end.
    at = np.zeros(goods.lines + 1, np.int64)
    at[:-1] = goods.at
    return {
        "first_order_at": at[goods.indptr[:-1]],
        "last_order_at": at[goods.indptr[1:] - 1],
        "days_since_last": context.since,
        "tenure_days": context.age,
    }


def _customer_type(context: Context) -> tuple[DoubleArray, LongArray]:
    """Positions in CUSTOMER_TYPES; an actual customer's evidence is orders, a potential one's 1."""
    actual = context.n > 0
    people, since = context.states.people, context.now_ms - context.cuts.config.year * DAY_MS
    seen = (people.seen_first != NEVER) & (people.seen_first <= context.now_ms)
    lately = seen & (people.seen_last > since)
    return actual.astype(np.float64), np.where(actual, context.n, lately)


def _new_status(context: Context) -> LongArray:
    config, orders = context.cuts.config, context.orders
    (back,) = (orders.day >= context.today - config.new_for).nonzero()
    status = np.zeros(len(context), np.int64)
    if back.shape[0]:
        status[context.order_row[back[reactivating(context, back)]]] = _NEW_REACTIVATED
    status[context.age <= config.new_for] = _NEW_FIRST
    return status


def reactivating(context: Context, chosen: LongArray) -> BoolArray:
    """Which of the chosen orders ended a silence, shape (chosen,).

    A silence is longer than a year and than `reactivated_cycles` cycles. The cycle is that of the
    orders before it: the silence itself would lengthen it and hide.
    """
    orders, config = context.orders, context.cuts.config
    first = orders.indptr[context.order_row[chosen]]
    number = chosen - first
    before = orders.day[np.maximum(chosen - 1, first)]
    cycle = cycle_of(context.cuts, before - orders.day[first], np.maximum(number - 1, 0))
    silence = np.maximum(config.reactivated_after, config.reactivated_cycles * cycle)
    ended: BoolArray = orders.day[chosen] - before > silence
    return ended
