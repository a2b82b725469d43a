"""What customers bought of groups of items: of a category, of a kind, of a brand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray, IntArray, LongArray
from engine.domain.runs import changes
from engine.models.ordering import ascending
from engine.recommend.features.asked import Asked
from engine.recommend.features.held import spread

# Half-life of a purchase in a group, as a multiple of the horizon.
FADING = 2.0
COUNTS = ("faded", "lines", "orders", "distinct")
DATED = ("days_since", "overdue")
# Of the last lines in the group, so many are looked through for the item.
LAST_LINES = 5


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
    none, and `overdue`, those over the mean days between orders of the group. `since_item` lines
    of it in orders after the last one with the item, NaN for items never bought, and `of_last`,
    how many of its last `LAST_LINES` are of the item.
    """
    found = _visited(asked, group)
    position = _find(found.keys, group.keys(asked.row, asked.pairs.item))
    out = dict(zip(COUNTS, spread(found.counts, position, missing=0.0), strict=True))
    out |= dict(zip(DATED, spread(found.dated, position, missing=np.nan), strict=True))
    # Whoever went on to another brand or size buys in the group, and no longer this.
    since = found.newer[asked.lines.ends()]
    last = asked.lines.total((found.newer < LAST_LINES).astype(np.float64))
    out["since_item"] = spread(since, asked.position, missing=np.nan)
    return out | {"of_last": spread(last, asked.position, missing=0.0)}


def share_of_faded(asked: Asked, faded: FloatArray) -> FloatArray:
    """Faded lines over all of the customer's; 0 for a customer without any."""
    weights = np.exp2(-asked.lines.age / (FADING * asked.horizon_days))
    row = asked.query.bought.row
    whole = np.bincount(row, weights=weights, minlength=len(asked.query)).astype(np.float32)
    of_customer = whole[asked.row]
    share: FloatArray = np.zeros_like(faded)
    np.divide(faded, of_customer, out=share, where=of_customer > 0)
    return share


@dataclass(frozen=True)
class _Visited:
    """Every group a customer bought of, by its key, ascending: its counts and its times.

    `newer` (lines,): how many lines of the same group are in later orders than each line's.
    """

    keys: LongArray
    counts: DoubleArray
    dated: DoubleArray
    newer: DoubleArray


def _visited(asked: Asked, group: Group) -> _Visited:
    lines, bought = asked.lines, asked.query.bought
    key = group.keys(bought.row, bought.pairs.item.repeat(bought.times))
    # By group, then the last order first: lines of one visit stand together.
    span = int(lines.back.max(initial=0)) + 1
    visit = key * span + lines.back
    order = ascending(visit, below=len(asked.query) * (group.count + 1) * span)
    key, visit, age = key[order], visit[order], lines.age[order]
    starts = np.flatnonzero(changes(key))
    if not len(starts):
        none = np.zeros((len(COUNTS), 0))
        return _Visited(starts, none, np.zeros((len(DATED), 0)), np.zeros(0))
    faded = np.exp2(-age / (FADING * asked.horizon_days))
    trips = changes(visit)
    # Each line is its part of one item: they add up to how many items there are.
    part = (1 / bought.times).repeat(bought.times)[order]
    counts = np.add.reduceat(np.vstack([faded, np.ones(len(key)), trips, part]), starts, axis=-1)
    last, first = np.minimum.reduceat(age, starts), np.maximum.reduceat(age, starts)
    gap, overdue = np.full((2, len(starts)), np.nan)
    np.divide(first - last, counts[2] - 1, out=gap, where=counts[2] > 1)
    np.divide(last, gap, out=overdue, where=gap > 0)
    np.rint(counts, out=counts, where=_WHOLE)
    newer = _newer(trips, starts, order)
    return _Visited(key[starts], counts, np.stack([last, overdue]), newer)


def _newer(trips: BoolArray, starts: LongArray, order: LongArray) -> DoubleArray:
    """How many lines stand before each one's trip in its group, as the lines themselves stand."""
    place = np.arange(len(order))
    trip = np.maximum.accumulate(np.where(trips, place, 0))
    within = trip - starts.repeat(np.diff(starts, append=len(order)))
    newer = np.empty(len(order))
    newer[order] = within
    return newer


# Which of the counts are whole numbers; of fractions they are only nearly so.
_WHOLE = np.asarray([[False], [True], [True], [True]])


def _find(sorted_keys: LongArray, wanted: LongArray) -> LongArray:
    if not len(sorted_keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    found = sorted_keys.searchsorted(wanted)
    found[sorted_keys.take(found, mode="clip") != wanted] = -1
    return found
