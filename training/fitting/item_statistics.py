"""Counting what every item sold, to whom, and how often again."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray, FloatArray, IntArray, LongArray
from engine.domain.assortment import Assortment
from engine.domain.histories import DAY_MS, Histories
from engine.models.item_statistics import ItemStatistics
from engine.models.query import Query
from engine.recommend.features.held import Lines, lines_of, ratio
from training.history import Purchases

# Half-lives of popularity as multiples of the horizon; the last one hardly fades.
FADING = (0.25, 1.0, 3.0, 30.0)
# First purchases and discounts go by so many of the half-lives: hardly fading, the first ones are
# the buyers, and the second say nothing of now.
LATELY = 3
# As many buyers of the shop's average stand beside an item's own.
PRIOR_BUYERS = 5.0
_PER = 10_000.0


def fit_item_statistics(
    purchases: Purchases, assortment: Assortment, *, horizon_days: float
) -> ItemStatistics:
    """The statistics of everything before `until_ms`; guests count for popularity only."""
    items = len(purchases.items)
    half_lives = tuple(times * horizon_days for times in FADING)
    item, at = _sold(purchases.customers, purchases.guests)
    shares = [
        _share(item, (purchases.until_ms - at) / DAY_MS, half_life, items=items)
        for half_life in half_lives
    ]
    lines = lines_of(Query(purchases.customers, purchases.until_ms))
    orders = lines.total(np.ones(len(lines.age)))
    buyers = np.bincount(lines.pairs.item, minlength=items)
    again = np.bincount(lines.pairs.item[orders > 1], minlength=items)
    first_ages = lines.age[lines.starts]
    discovered = [
        _share(lines.pairs.item, first_ages, half_life, items=items)
        for half_life in half_lives[:LATELY]
    ]
    first, last = _span(item, at, items=items, until_ms=purchases.until_ms)
    return ItemStatistics(
        half_lives=half_lives,
        popularity=np.stack(shares, axis=1).astype(np.float32),
        buyers=buyers.astype(np.float32),
        repeat_rate=_rate(again, buyers).astype(np.float32),
        orders_per_buyer=_mean(lines.pairs.item, orders, items=items, empty=0.0),
        gap_days=_gaps(lines, orders, items=items),
        price=_price(purchases.customers, items=items),
        first_at=first,
        last_at=last,
        category_share=_part(shares[1], assortment.category),
        category_repeat_rate=_category_rate(again, buyers, assortment),
        kind_share=_part(shares[1], assortment.kind),
        discovered=np.stack(discovered, axis=1).astype(np.float32),
        discount=np.stack(
            [_discount(purchases, days, items=items) for days in half_lives[:LATELY]], axis=1
        ),
    )


def _sold(*parts: Histories) -> tuple[IntArray, LongArray]:
    item = np.concatenate([each.item for each in parts])
    at = np.concatenate([each.at for each in parts])
    return item[item >= 0], at[item >= 0]


def _share(item: IntArray, age: DoubleArray, half_life: float, *, items: int) -> DoubleArray:
    sold = np.bincount(item, weights=np.exp2(-age / half_life), minlength=items)
    share: DoubleArray = sold / max(sold.sum(), 1e-300) * _PER
    return share


def _span(
    item: IntArray, at: LongArray, *, items: int, until_ms: int
) -> tuple[LongArray, LongArray]:
    first = np.full(items, until_ms, dtype=np.int64)
    last = np.full(items, np.iinfo(np.int64).min, dtype=np.int64)
    np.minimum.at(first, item, at)
    np.maximum.at(last, item, at)
    return first, np.maximum(last, first)


def _rate(again: LongArray, buyers: LongArray) -> DoubleArray:
    usual = again.sum() / max(buyers.sum(), 1)
    rate: DoubleArray = (again + PRIOR_BUYERS * usual) / (buyers + PRIOR_BUYERS)
    return rate


def _mean(
    group: IntArray | LongArray, values: DoubleArray, *, items: int, empty: float
) -> FloatArray:
    count = np.bincount(group, minlength=items)
    total = np.bincount(group, weights=values, minlength=items)
    mean = np.full(items, empty)
    np.divide(total, count, out=mean, where=count > 0)
    return mean.astype(np.float32)


def _gaps(lines: Lines, orders: DoubleArray, *, items: int) -> FloatArray:
    ends, again = lines.ends(), orders > 1
    gap = (lines.age[lines.starts] - lines.age[ends])[again] / (orders[again] - 1)
    return _mean(lines.pairs.item[again], gap, items=items, empty=np.nan)


def _price(histories: Histories, *, items: int) -> FloatArray:
    paid = (histories.item >= 0) & (histories.value > 0) & (histories.units > 0)
    item = histories.item[paid]
    value = np.bincount(item, weights=histories.value[paid], minlength=items)
    units = np.bincount(item, weights=histories.units[paid], minlength=items)
    price = np.full(items, np.nan)
    np.divide(value, units, out=price, where=units > 0)
    return price.astype(np.float32)


def _discount(purchases: Purchases, days: float, *, items: int) -> FloatArray:
    """The share taken off each item's price in its sales of the last days to known customers."""
    histories = purchases.customers
    sold = histories.item >= 0
    sold &= histories.at > purchases.until_ms - days * DAY_MS
    item, off = histories.item[sold], histories.discount[sold].astype(np.float64)
    taken, whole = (
        np.bincount(item, weights=each, minlength=items).astype(np.float64)
        for each in (off, off + histories.value[sold])
    )
    return ratio(taken, whole).astype(np.float32)


def _part(share: DoubleArray, group: IntArray) -> FloatArray:
    """The part of each item in its group; those without one make a group of their own."""
    number = group.astype(np.int64) + 1
    whole = np.bincount(number, weights=share)[number]
    part = np.zeros(len(share))
    np.divide(share, whole, out=part, where=whole > 0)
    return part.astype(np.float32)


def _category_rate(again: LongArray, buyers: LongArray, assortment: Assortment) -> FloatArray:
    group = assortment.category.astype(np.int64) + 1
    rate = np.bincount(group, weights=again) / np.maximum(np.bincount(group, weights=buyers), 1)
    return rate[group].astype(np.float32)
