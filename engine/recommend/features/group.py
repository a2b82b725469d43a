"""What customers bought of groups of items: of a category, of a kind, of a brand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import DoubleArray, FloatArray, IntArray, LongArray
from engine.models.ordering import ascending
from engine.recommend.features.asked import Asked
from engine.recommend.features.held import spread

# Half-life of a purchase in a group, as a multiple of the horizon.
FADING = 2.0
COUNTS = ("faded", "lines", "orders", "distinct")
DATED = ("days_since", "overdue")


@dataclass(frozen=True)
class Group:
    """Groups of items: `of` (items,) the group of each, -1 for none, and how many there are."""

    of: IntArray
    count: int

    def keys(self, row: LongArray, item: IntArray) -> LongArray:
        """A number for each customer and group; items without one are a group of their own."""
        keys: LongArray = row * (self.count + 1) + (self.of[item] + 1)
        return keys


def visits_of_group(asked: Asked, group: Group) -> dict[str, FloatArray]:
    """What the customer of each pair bought of its item's group, shape (pairs,) each.

    `faded` lines, `lines`, `orders`, `distinct` items; `days_since` the last of them, NaN for
    none, and `overdue`, those over the mean days between orders of the group.
    """
    keys, counts, dated = _visited(asked, group)
    position = _find(keys, group.keys(asked.row, asked.pairs.item))
    out = dict(zip(COUNTS, spread(counts, position, missing=0.0), strict=True))
    return out | dict(zip(DATED, spread(dated, position, missing=np.nan), strict=True))


def share_of_faded(asked: Asked, faded: FloatArray) -> FloatArray:
    """Faded lines over all of the customer's; 0 for a customer without any."""
    weights = np.exp2(-asked.lines.age / (FADING * asked.horizon_days))
    row = asked.query.bought.row
    whole = np.bincount(row, weights=weights, minlength=len(asked.query)).astype(np.float32)
    of_customer = whole[asked.row]
    share: FloatArray = np.zeros_like(faded)
    np.divide(faded, of_customer, out=share, where=of_customer > 0)
    return share


def _visited(asked: Asked, group: Group) -> tuple[LongArray, DoubleArray, DoubleArray]:
    """Every group a customer bought of by its key, ascending, its counts and its times."""
    lines, bought = asked.lines, asked.query.bought
    key = group.keys(bought.row, bought.pairs.item.repeat(bought.times))
    # By group, then the last order first: lines of one visit stand together.
    span = int(lines.back.max(initial=0)) + 1
    visit = key * span + lines.back
    order = ascending(visit, below=len(asked.query) * (group.count + 1) * span)
    key, visit, age = key[order], visit[order], lines.age[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1) != 0)
    if not len(starts):
        return starts, np.zeros((len(COUNTS), 0)), np.zeros((len(DATED), 0))
    faded = np.exp2(-age / (FADING * asked.horizon_days))
    trips = np.diff(visit, prepend=-1) != 0
    # Each line is its part of one item: they add up to how many items there are.
    part = (1 / bought.times).repeat(bought.times)[order]
    counts = np.add.reduceat(np.vstack([faded, np.ones(len(key)), trips, part]), starts, axis=-1)
    last, first = np.minimum.reduceat(age, starts), np.maximum.reduceat(age, starts)
    gap, overdue = np.full((2, len(starts)), np.nan)
    np.divide(first - last, counts[2] - 1, out=gap, where=counts[2] > 1)
    np.divide(last, gap, out=overdue, where=gap > 0)
    return key[starts], np.rint(counts, out=counts, where=_WHOLE), np.stack([last, overdue])


# Which of the counts are whole numbers; of fractions they are only nearly so.
_WHOLE = np.asarray([[False], [True], [True], [True]])


def _find(sorted_keys: LongArray, wanted: LongArray) -> LongArray:
    if not len(sorted_keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    found = sorted_keys.searchsorted(wanted)
    found[sorted_keys.take(found, mode="clip") != wanted] = -1
    return found
