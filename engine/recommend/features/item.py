"""Features of the item, whoever looks at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter

import numpy as np

from engine.domain.arrays import FloatArray, LongArray
from engine.domain.histories import DAY_MS
from engine.models.item_statistics import ItemStatistics
from engine.recommend.features.asked import Asked, Columns

# What is known of each item, as it is, and when something was, in ms since 1970 UTC.
OF_ITEM: Mapping[str, Callable[[ItemStatistics], FloatArray]] = {
    "item_buyers": attrgetter("buyers"),
    "item_repeat_rate": attrgetter("repeat_rate"),
    "item_orders_per_buyer": attrgetter("orders_per_buyer"),
    "item_gap_days": attrgetter("gap_days"),
    "item_price": attrgetter("price"),
}
DATED: Mapping[str, Callable[[ItemStatistics], LongArray]] = {
    "item_age_days": attrgetter("first_at"),
    "item_unsold_days": attrgetter("last_at"),
}
MARGIN = "item_margin"
# A popularity of one line in ten million keeps the trend of what never sold finite.
_HARDLY_ANY = 1e-3
# Of a share in first purchases as small as this nothing can be said.
_HARDLY_NEW = 0.05


def item_columns(asked: Asked) -> Columns:
    """Columns of pairs that depend on the item alone."""
    item, known = asked.pairs.item, asked.statistics
    shares: FloatArray = known.popularity[item]
    found: FloatArray = known.discovered[item]
    out = {f"popularity_{at}": shares[:, at] for at in range(shares.shape[1])}
    out |= {f"discovered_{at}": found[:, at] for at in range(found.shape[1])}
    names = [f"item_discount_{at}" for at in range(known.discount.shape[1])]
    if asked.wanted(names):
        out |= zip(names, known.discount[item].T, strict=True)
    out["discovered_share"] = (found[:, 1] + _HARDLY_NEW) / (shares[:, 1] + _HARDLY_NEW)
    out["trend"] = np.log((shares[:, 0] + _HARDLY_ANY) / (shares[:, -1] + _HARDLY_ANY))
    out |= {name: OF_ITEM[name](known)[item] for name in asked.wanted(OF_ITEM)}
    out |= {name: _days(asked, DATED[name](known)[item]) for name in asked.wanted(DATED)}
    if asked.wanted([MARGIN]):
        out[MARGIN] = _margin(asked)
    return out


def _days(asked: Asked, at: LongArray) -> FloatArray:
    """The days since moments, shape (pairs,)."""
    days: FloatArray = ((asked.query.now_ms - at) / DAY_MS).astype(np.float32)
    return days


def _margin(asked: Asked) -> FloatArray:
    """The share of the price that is left after the cost; NaN where either is unknown."""
    price = asked.assortment.price[asked.pairs.item].astype(np.float32)
    cost = asked.assortment.cost[asked.pairs.item].astype(np.float32)
    margin = np.full(len(price), np.nan, dtype=np.float32)
    np.divide(price - cost, price, out=margin, where=(price > 0) & (cost >= 0))
    return margin
