"""Features of what the customer bought of the item: how often, how lately, and is it due?"""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray
from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.held import Lines, spread

# Half-lives as multiples of the horizon.
FADING = (0.5, 1.0, 2.0, 4.0, 8.0)
# What an order counts for each order placed after it.
FADING_ORDERS = (0.8, 0.95)
LAST_ORDERS = (3, 5, 10)


def own_columns(asked: Asked) -> Columns:
    """Columns of pairs, 0 or NaN for items the customer never bought."""
    lines, visits = asked.lines, asked.visits
    row = lines.pairs.row()
    orders = lines.total(np.ones(len(lines.age)))
    ends = lines.ends()
    since, first = lines.age[ends], lines.age[lines.starts]
    known = {
        **_counts(lines, orders, asked.horizon_days),
        "share_since_first": orders / (lines.back[lines.starts] + 1),
    }
    dated = {
        "days_since": since,
        "days_before_last_order": since - visits.last[row],
        "orders_since": lines.back[ends].astype(np.float64),
        "days_since_first": first,
        "gap_days": _gap(first - since, orders),
        "units_an_order": lines.total(lines.units.astype(np.float64)) / orders,
    }
    out = {name: spread(values, asked.position, missing=0.0) for name, values in known.items()}
    out |= {name: spread(values, asked.position, missing=np.nan) for name, values in dated.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        out["overdue"] = out["days_since"] / out["gap_days"]
        placed = visits.orders[asked.row].astype(np.float32)
        out["share_of_orders"] = out["orders"] / placed
    return out


def _counts(lines: Lines, orders: DoubleArray, horizon_days: float) -> dict[str, DoubleArray]:
    counts = {"orders": orders}
    for times in FADING:
        weights = np.exp2(-lines.age / (times * horizon_days))
        counts[f"faded_{times:g}"] = lines.total(weights)
    for base in FADING_ORDERS:
        weights = np.power(base, lines.back.astype(np.float64))
        counts[f"faded_by_order_{base:g}"] = lines.total(weights)
    for last in LAST_ORDERS:
        counts[f"in_last_{last}"] = lines.total((lines.back < last).astype(np.float64))
    return counts


def _gap(span: DoubleArray, orders: DoubleArray) -> DoubleArray:
    gap = np.full(len(span), np.nan)
    np.divide(span, orders - 1, out=gap, where=orders > 1)
    return gap
