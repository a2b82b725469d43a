"""Features of what the customer bought of the item: how often, how lately, and is it due?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.domain.arrays import DoubleArray
from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.held import Lines, spread

# Half-lives as multiples of the horizon.
FADING = (0.5, 1.0, 2.0, 4.0, 8.0)
# What an order counts for each order placed after it.
FADING_ORDERS = (0.8, 0.95)
LAST_ORDERS = (3, 5, 10)
COUNTS = (
    "orders",
    *(f"faded_{times:g}" for times in FADING),
    *(f"faded_by_order_{base:g}" for base in FADING_ORDERS),
    *(f"in_last_{last}" for last in LAST_ORDERS),
)
DATED = (
    "days_since",
    "days_before_last_order",
    "orders_since",
    "days_since_first",
    "gap_days",
    "units_an_order",
)
SHARE_OF_ORDERS = "share_of_orders"
NAMES = (*COUNTS, "share_since_first", *DATED, "overdue", SHARE_OF_ORDERS)


def own_columns(asked: Asked) -> Columns:
    """Columns of pairs, 0 or NaN for items the customer never bought."""
    if not asked.wanted(NAMES):
        return {}
    if not (asked.position >= 0).any():
        return _of_strangers(asked)
    lines, visits = asked.lines, asked.visits
    counts = _counts(lines, asked.horizon_days)
    orders = counts[0]
    ends = lines.ends()
    since, first = lines.age[ends], lines.age[lines.starts]
    since_first = orders / (lines.back[lines.starts] + 1)
    before = since - visits.last[lines.pairs.row()]
    gap, units = _gap(first - since, orders), counts[-1] / orders
    dated = [since, before, lines.back[ends], first, gap, units]
    known = spread(np.vstack([counts[:-1], since_first]), asked.position, missing=0.0)
    out = _named((*COUNTS, "share_since_first"), known)
    out |= _named(DATED, spread(np.stack(dated), asked.position, missing=np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        out["overdue"] = out["days_since"] / out["gap_days"]
        placed = visits.orders.astype(np.float32)[asked.row]
        out[SHARE_OF_ORDERS] = out["orders"] / placed
    return out


def stranger_columns(asked: Asked) -> Columns:
    """Of the columns of items that nobody bought before, the only one that is not always the same.

    A share of no orders at all is no number.
    """
    if not asked.wanted([SHARE_OF_ORDERS]):
        return {}
    share = np.where(asked.visits.orders > 0, np.float32(0), np.float32(np.nan))
    return {SHARE_OF_ORDERS: share[asked.row]}


def _of_strangers(asked: Asked) -> Columns:
    """The columns where none of the items was bought before."""
    never, unknown = np.zeros((2, len(asked.pairs)), dtype=np.float32)
    unknown[:] = np.nan
    out = dict.fromkeys((*COUNTS, "share_since_first"), never) | dict.fromkeys(
        (*DATED, "overdue"), unknown
    )
    return out | stranger_columns(asked)


def _named(names: Sequence[str], values: np.typing.NDArray[np.float32]) -> Columns:
    return dict(zip(names, values, strict=True))


def _counts(lines: Lines, horizon_days: float) -> DoubleArray:
    """Of each pair the counts by name and at last its units, shape (counts + 1, pairs)."""
    half_lives = np.asarray(FADING)[:, None] * horizon_days
    faded = np.exp2(-lines.age / half_lives)
    by_order = np.power(np.asarray(FADING_ORDERS)[:, None], lines.back.astype(np.float64))
    lately = lines.back < np.asarray(LAST_ORDERS)[:, None]
    every = np.ones(len(lines.age))
    return lines.total(np.vstack([every, faded, by_order, lately, lines.units]))


def _gap(span: DoubleArray, orders: DoubleArray) -> DoubleArray:
    gap = np.full(len(span), np.nan)
    np.divide(span, orders - 1, out=gap, where=orders > 1)
    return gap
