"""Features of the item's category: does the customer buy there, and is a visit there due?"""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray, LongArray
from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.held import spread

# Half-life of a purchase in a category, as a multiple of the horizon.
FADING = 2.0


def category_columns(asked: Asked) -> Columns:
    """Columns of pairs; without categories there are none."""
    width = len(asked.assortment.categories)
    if not width:
        return {}
    lines, category = asked.lines, asked.assortment.category
    times = np.diff(np.append(lines.starts, len(lines.age)))
    row, item = lines.pairs.row().repeat(times), lines.pairs.item.repeat(times)
    # Number 0 is that of items without a category.
    keys = row * (width + 1) + category[item] + 1
    found, inverse = np.unique(keys, return_inverse=True)
    position = _find(found, asked.row * (width + 1) + category[asked.pairs.item] + 1)
    weights = np.exp2(-lines.age / (FADING * asked.horizon_days))
    count = np.bincount(inverse, minlength=len(found)).astype(np.float64)
    last, first = _extremes(lines.age, inverse, size=len(found))
    trips = _trips(lines.back, inverse, size=len(found))
    gap = np.full(len(found), np.nan)
    np.divide(first - last, trips - 1, out=gap, where=trips > 1)
    overdue = np.full(len(found), np.nan)
    np.divide(last, gap, out=overdue, where=gap > 0)
    out = {
        "category_faded": spread(
            np.bincount(inverse, weights=weights, minlength=len(found)).astype(np.float64),
            position,
            missing=0.0,
        ),
        "category_lines": spread(count, position, missing=0.0),
        "category_orders": spread(trips, position, missing=0.0),
        "category_days_since": spread(last, position, missing=np.nan),
        "category_overdue": spread(overdue, position, missing=np.nan),
    }
    return out | _shares(asked, out)


def _shares(asked: Asked, own: Columns) -> Columns:
    """How much of the customer is in the category, and of the category in the item."""
    lines = np.maximum(asked.visits.lines[asked.row], 1).astype(np.float32)
    here = np.maximum(own["category_lines"], np.float32(1))
    orders = spread(asked.lines.total(np.ones(len(asked.lines.age))), asked.position, missing=0.0)
    return {
        "category_share": own["category_lines"] / lines,
        "share_in_category": orders / here,
        "item_share_in_category": asked.statistics.category_share[asked.pairs.item],
        "category_repeat_rate": asked.statistics.category_repeat_rate[asked.pairs.item],
    }


def _find(sorted_keys: LongArray, wanted: LongArray) -> LongArray:
    if not len(sorted_keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    found = np.searchsorted(sorted_keys, wanted)
    found[found == len(sorted_keys)] = 0
    return np.where(sorted_keys[found] == wanted, found, -1)


def _extremes(
    age: DoubleArray, inverse: LongArray, *, size: int
) -> tuple[DoubleArray, DoubleArray]:
    last, first = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(last, inverse, age)
    np.maximum.at(first, inverse, age)
    return last, first


def _trips(back: LongArray, inverse: LongArray, *, size: int) -> DoubleArray:
    """In how many orders each customer bought of the category."""
    span = int(back.max(initial=0)) + 1
    distinct = np.unique(inverse * span + back)
    return np.bincount(distinct // span, minlength=size).astype(np.float64)
