"""Features of what the customer took and paid: a full larder, and a price that was a bargain."""

from __future__ import annotations

from dataclasses import dataclass

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
    paid = _Paid.of(lines, asked)
    out: Columns = {}
    if asked.wanted(FADED):
        fading = np.exp2(-lines.age / (FADING * asked.horizon_days))
        faded = lines.total(np.stack([paid.units, paid.value]) * fading)
        out |= zip(FADED, spread(faded, asked.position, missing=0.0), strict=True)
    if asked.wanted(KNOWN):
        known = spread(_known(lines, paid), asked.position, missing=np.nan)
        out |= zip(KNOWN, known, strict=True)
    return out


@dataclass(frozen=True)
class _Paid:
    """Units, and minor units of money paid and taken off, shape (lines,) each."""

    units: DoubleArray
    value: DoubleArray
    discount: DoubleArray

    @classmethod
    def of(cls, lines: Lines, asked: Asked) -> _Paid:
        histories, order = asked.query.histories, lines.bought.order
        taken = lines.units, histories.value[order], histories.discount[order]
        return cls(*(each.astype(np.float64) for each in taken))


def _known(lines: Lines, paid: _Paid) -> DoubleArray:
    """What is known of each pair by `KNOWN`, shape (KNOWN, pairs)."""
    units, value, discount = paid.units, paid.value, paid.discount
    price = ratio(value, units)
    sums = lines.total(np.stack([units, price, discount, value + discount]))
    ends, times = lines.ends(), lines.bought.times
    return np.stack(
        [
            units[ends],
            ratio(units[ends], sums[0] / times),
            ratio(discount[ends], (value + discount)[ends]),
            ratio(sums[2], sums[3]),
            ratio(price[ends], sums[1] / times),
        ]
    )
