"""Features of the item, whoever looks at it."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import FloatArray
from engine.domain.histories import DAY_MS
from engine.recommend.features.asked import Asked, Columns

# A popularity of one line in ten million keeps the trend of what never sold finite.
_HARDLY_ANY = 1e-3
# Of a share in first purchases as small as this nothing can be said.
_HARDLY_NEW = 0.05


def item_columns(asked: Asked) -> Columns:
    """Columns of pairs that depend on the item alone."""
    item, known = asked.pairs.item, asked.statistics
    now = asked.query.now_ms
    shares: FloatArray = known.popularity[item]
    out = {f"popularity_{at}": shares[:, at] for at in range(shares.shape[1])}
    found: FloatArray = known.discovered[item]
    out |= {f"discovered_{at}": found[:, at] for at in range(found.shape[1])}
    taken_off: FloatArray = known.discount[item]
    out |= {f"item_discount_{at}": taken_off[:, at] for at in range(taken_off.shape[1])}
    out["discovered_share"] = (found[:, 1] + _HARDLY_NEW) / (shares[:, 1] + _HARDLY_NEW)
    out["trend"] = np.log((shares[:, 0] + _HARDLY_ANY) / (shares[:, -1] + _HARDLY_ANY))
    out["item_buyers"] = known.buyers[item]
    out["item_repeat_rate"] = known.repeat_rate[item]
    out["item_orders_per_buyer"] = known.orders_per_buyer[item]
    out["item_gap_days"] = known.gap_days[item]
    out["item_price"] = known.price[item]
    out["item_age_days"] = ((now - known.first_at[item]) / DAY_MS).astype(np.float32)
    out["item_unsold_days"] = ((now - known.last_at[item]) / DAY_MS).astype(np.float32)
    out["item_margin"] = _margin(asked)
    return out


def _margin(asked: Asked) -> FloatArray:
    """The share of the price that is left after the cost; NaN where either is unknown."""
    price = asked.assortment.price[asked.pairs.item].astype(np.float32)
    cost = asked.assortment.cost[asked.pairs.item].astype(np.float32)
    margin = np.full(len(price), np.nan, dtype=np.float32)
    np.divide(price - cost, price, out=margin, where=(price > 0) & (cost >= 0))
    return margin
