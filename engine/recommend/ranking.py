"""From scored candidates to lists: filtered, sorted, arranged as the shop wants them, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.models import ordering
from engine.models.pairs import Pairs
from engine.recommend.answer import Dropped
from engine.recommend.control.shortlist import Shortlist


@dataclass(frozen=True)
class Sorted:
    """Candidates sorted by customer, then the best first, ties by item.

    `order` (pairs,) are positions in `pairs`; `start` (n + 1,) bounds the customers in it.
    """

    order: LongArray
    start: LongArray


def best_first(pairs: Pairs, total: FloatArray, *, kept: BoolArray) -> Sorted:
    """The kept candidates in the order of their scores."""
    where = kept.nonzero()[0]
    row = pairs.row()[where]
    # Pairs stand by item within a customer, and equal scores stay as they stand.
    order = where[ordering.best_first(row, total[where], rows=pairs.customers)]
    return Sorted(order, row.searchsorted(np.arange(pairs.customers + 1)))


def shortlist(
    pairs: Pairs,
    total: FloatArray,
    ranked: Sorted,
    *,
    width: int,
    wanted: BoolArray | None = None,
) -> Shortlist:
    """The first `width` candidates of each customer, and those `wanted` (pairs,), padded."""
    lengths = ranked.start[1:] - ranked.start[:-1]
    rank = np.arange(len(ranked.order)) - ranked.start[:-1].repeat(lengths)
    kept = rank < width
    if wanted is not None:
        kept |= wanted[ranked.order]
    picked = ranked.order[kept]
    row = np.arange(pairs.customers).repeat(lengths)[kept]
    counts = np.bincount(row, minlength=pairs.customers)
    most = int(counts.max(initial=0))
    item = np.full((pairs.customers, most), -1, dtype=np.int32)
    score = np.full((pairs.customers, most), -np.inf, dtype=np.float32)
    column = np.arange(len(row)) - (np.cumsum(counts) - counts).repeat(counts)
    item[row, column] = pairs.item[picked]
    score[row, column] = total[picked]
    return Shortlist(item, score)


def dropped(
    pairs: Pairs, total: FloatArray, barred: Mapping[Dropped, BoolArray], *, last: FloatArray
) -> list[dict[Dropped, int]]:
    """How many candidates each rule kept out of each list: those that score as high as its last.

    `last` (customers,) is the lowest score of each list that is full, -inf of one that is not.
    """
    row = pairs.row()
    reaches = total >= last[row]
    counts = {
        reason: np.bincount(row[reaches & mask], minlength=pairs.customers).tolist()
        for reason, mask in barred.items()
    }
    return [
        {reason: each[at] for reason, each in counts.items() if each[at]}
        for at in range(pairs.customers)
    ]


def missed(
    pairs: Pairs, total: FloatArray, unavailable: BoolArray | None, *, last: FloatArray
) -> list[LongArray]:
    """For each customer the items that only a lack of stock keeps out of the list."""
    if unavailable is None:
        return [np.empty(0, dtype=np.int64)] * pairs.customers
    row = pairs.row()
    found = np.flatnonzero(unavailable & (total >= last[row]))
    starts = np.searchsorted(row[found], np.arange(1, pairs.customers))
    return np.split(pairs.item[found].astype(np.int64), starts)
