"""Whether a customer is a business or a consumer: as the customer says, else as the customer buys.

What tells it the better the more orders there are, as office hours do, describes a customer but
does not choose the value model: a model must not be chosen by how often its customer bought.
"""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray, LongArray
from engine.domain.histories import DAY_MS
from engine.loyalty.feature import Column
from engine.loyalty.features.context import Context, column, sums

ACCOUNTS = ("consumer", "business")
_HOUR_MS = DAY_MS // 24
# 1970 began on a Thursday; Monday is 0.
_FIRST_WEEKDAY = 3


def account_type(context: Context) -> Column:
    """The account type as a choice of ACCOUNTS; unknown for one without order or word."""
    told = context.states.people.business
    begin, end = context.goods.indptr[:-1], context.goods.indptr[1:]
    bulk = _in_bulk(context, begin, end)
    business = np.where(told >= 0, told == 1, bulk | _in_office_hours(context))
    return column(business.astype(np.float64), end - begin + (told >= 0), ACCOUNTS)


def value_type(context: Context) -> LongArray:
    """The position in ACCOUNTS whose value models a customer is measured by, shape (n,).

    Told, or seen in the first order: all that is known of everybody alike, however many follow.
    """
    told = context.states.people.business
    orders, goods = context.orders, context.goods
    # The lines of the first order end where those of the second begin, if there is one.
    starts = np.empty(len(orders) + 1, np.int64)
    starts[:-1], starts[-1] = orders.first_line, goods.lines
    ends = np.minimum(starts[orders.indptr[:-1] + (context.n > 0)], goods.indptr[1:])
    bulk = _in_bulk(context, goods.indptr[:-1], ends)
    return np.where(told >= 0, told == 1, bulk).astype(np.int64)


def _in_bulk(context: Context, begin: LongArray, end: LongArray) -> BoolArray:
    """Whether a quantile of units a line, of the lines from `begin` to `end`, is above a home's.

    The quantile (inverse distribution function) exceeds a number exactly when more than the rest
    of the lines do.
    """
    large = context.once(_large_before)
    share = 1 - context.cuts.config.business_quantile
    bulk: BoolArray = large[end] - large[begin] > share * (end - begin)
    return bulk


def _large_before(context: Context) -> LongArray:
    """How many lines before each, and in all, are of large quantities, shape (lines + 1,)."""
    large = np.zeros(context.goods.lines + 1, np.int64)
    (context.goods.units > context.cuts.config.business_quantity).cumsum(out=large[1:])
    return large


def _in_office_hours(context: Context) -> BoolArray:
    """Whether most orders, of enough, were placed Monday to Friday in office hours (UTC)."""
    config, orders = context.cuts.config, context.orders
    enough = context.n >= config.business_minimum_orders
    if not np.count_nonzero(enough):
        return enough
    hour = context.goods.at[orders.first_line] % DAY_MS // _HOUR_MS
    weekday = (orders.day + _FIRST_WEEKDAY) % 7
    opening, closing = config.office_hours
    office = (weekday < 5) & (hour >= opening) & (hour < closing)
    inside: BoolArray = sums(office, orders.indptr) > config.business_office_share * context.n
    return enough & inside
