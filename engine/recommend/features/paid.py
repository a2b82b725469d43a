"""Features of what the customer took and paid: a full larder, and a price that was a bargain."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray
from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.held import Lines, ratio, spread

# Half-life of units and money, as a multiple of the horizon.
FADING = 2.0
FADED = ("units_faded", "value_faded")
KNOWN = (
    "last_units",
    "last_units_of_mean",
    "last_discount",
    "discount_share",
    "last_price_of_mean",
)
NAMES = (*FADED, *KNOWN)


def paid_columns(asked: Asked) -> Columns:
    """Columns of pairs.

    Units and minor units of money, faded, 0 for items never bought. Of the last purchase its
    units, these over the mean, the share taken off, and the price over the mean of prices; and
    the share taken off all purchases: NaN for items never bought, or when nothing was to be paid.
    """
    if not asked.wanted(NAMES):
        return {}
    lines = asked.lines
    if not len(lines.pairs):
        never, unknown = np.zeros((2, len(asked.pairs)), dtype=np.float32)
        unknown[:] = np.nan
        return dict.fromkeys(FADED, never) | dict.fromkeys(KNOWN, unknown)
    faded, known = _of_pairs(lines, asked)
    columns = (
        *spread(faded, asked.position, missing=0.0),
        *spread(known, asked.position, missing=np.nan),
    )
    return dict(zip(NAMES, columns, strict=True))


def _of_pairs(lines: Lines, asked: Asked) -> tuple[DoubleArray, DoubleArray]:
    histories, order = asked.query.histories, lines.bought.order
    units = lines.units.astype(np.float64)
    value = histories.value[order].astype(np.float64)
    discount = histories.discount[order].astype(np.float64)
    price = ratio(value, units)
    fading = np.exp2(-lines.age / (FADING * asked.horizon_days))
    sums = lines.total(
        np.stack([units * fading, value * fading, units, price, discount, value + discount])
    )
    ends, times = lines.ends(), lines.bought.times
    known = [
        units[ends],
        ratio(units[ends], sums[2] / times),
        ratio(discount[ends], (value + discount)[ends]),
        ratio(sums[4], sums[5]),
        ratio(price[ends], sums[3] / times),
    ]
    return sums[:2], np.stack(known)
