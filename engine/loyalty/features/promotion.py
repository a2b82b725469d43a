"""What price has to do with it: how much is bought with a discount, and who needs none."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray
from engine.loyalty.feature import Column, Feature, Kind
from engine.loyalty.features.columns import unknown_columns
from engine.loyalty.features.context import Columns, Context, column, counts, float_sums, sums
from engine.loyalty.features.evidence import flag, shown, tells

_NEEDS = "purchases with their discounts; some customer must have had one"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "discount_rate",
        Kind.SHARE,
        "Share of the full price that discounts took off, over everything bought.",
        _NEEDS,
        "Discounts took {discount_rate:share} off the price of {orders:count} orders.",
    ),
    Feature(
        "promo_dependency",
        Kind.SHARE,
        "Share of orders with a tenth or more off the price, from the third order on.",
        _NEEDS,
        "{promo_dependency:share} of {orders:count} orders had a tenth or more off.",
    ),
    Feature(
        "full_price_share",
        Kind.SHARE,
        "Share of units bought without any discount, from the third unit on.",
        _NEEDS,
        "{full_price_share:share} of the units were bought at full price.",
    ),
    Feature(
        "promo_immune",
        Kind.FLAG,
        "Whether the customer keeps ordering without offers: few orders are discounted, the "
        "customer is not late, and the orders since the last discounted one (since the first when "
        "none was) already span two of the customer's own cycles.",
        _NEEDS,
        sentences={
            "yes": "Needs no offers: {promo_dependency:share} of {orders:count} orders were "
            "discounted, and the last ones came without, about every {cycle_days:days}.",
            "no": "May wait for offers or is late: {promo_dependency:share} of {orders:count} "
            "orders were discounted, the last one was {days_since_last:days} ago.",
        },
    ),
)
SCALED: tuple[str, ...] = ("discount_rate",)


def compute(context: Context, known: Columns) -> Columns:
    """Columns of discounts: unknown where nobody ever had one, as the shop may not send them."""
    config, orders, n = context.cuts.config, context.orders, context.n
    paid, off = context.revenue, sums(orders.discount, orders.indptr)
    told = n * (tells(context.cuts, "discount_rate") | (off > 0))
    if not np.count_nonzero(told):
        return unknown_columns(FEATURES, context)
    full = orders.value + orders.discount
    discounted = (orders.discount > 0) & (orders.discount >= config.discounted_order * full)
    dependency = sums(discounted, orders.indptr) / np.maximum(n, 1)
    enough = np.where(n >= config.promotion_orders, told, 0)
    immune = flag(
        (dependency <= config.immune_dependency) & _kept_ordering(context, known, discounted),
        known["overdue"].values,
        known["cycle_days"].values,
    )
    return {
        "discount_rate": column(off / np.maximum(paid + off, 1), told),
        "promo_dependency": column(dependency, enough),
        "full_price_share": _full_price(context, told > 0),
        "promo_immune": shown(immune, enough),
    }


def _kept_ordering(context: Context, known: Columns, discounted: BoolArray) -> BoolArray:
    """Who is not late and has ordered for long enough without a discount, shape (n,).

    Orders alone prove it: days of silence after the last order are no repurchase without an offer.
    """
    config, orders = context.cuts.config, context.orders
    offer_day: DoubleArray = context.first_day.copy()
    # Days rise within a customer, and the last assignment stays.
    offer_day[context.order_row[discounted]] = orders.day[discounted]
    without_offer = context.last_day - offer_day
    kept: BoolArray = (known["overdue"].values <= config.turning_overdue) & (
        without_offer >= config.immune_periods * known["cycle_days"].values
    )
    return kept


def _full_price(context: Context, told: BoolArray) -> Column:
    goods, least = context.goods, context.cuts.config.full_price_units
    row, units = context.line_row, goods.units.astype(np.float64)
    bought = float_sums(units, row, customers=len(context))
    full = float_sums(np.where(goods.discount > 0, 0.0, units), row, customers=len(context))
    enough = told & (bought >= least)
    share = np.minimum(full / np.where(enough, bought, 1.0), 1.0)
    return column(share, np.where(enough, counts(goods.indptr), 0))
