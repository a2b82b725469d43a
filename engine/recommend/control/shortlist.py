"""Lists before and after control: candidates by score, and places with what put an item there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import FloatArray, IntArray


class Rule(IntEnum):
    """What put an item at its place; NONE: its score did."""

    NONE = 0
    PINNED = 1
    EXPLORED = 2
    CAPPED = 3
    EXPOSURE = 4
    PRICED = 5
    BOOSTED = 6
    MARGIN = 7
    DIVERSIFIED = 8
    CALIBRATED = 9
    # Over a cap, since nothing else was left to fill the list with.
    FILLED = 10


@dataclass(frozen=True)
class Shortlist:
    """Candidates of n customers, best first, padded to w.

    `item` (n, w): positions in the item table, distinct within a row, -1 at the end where there
    are no more. `score` (n, w), never rising along a row; -inf for padding and for an item that
    nothing could score.
    """

    item: IntArray
    score: FloatArray


@dataclass(frozen=True)
class Arranged:
    """Lists of n customers, `width` = min(limit, w) places each.

    `item` and `score` (n, width) are as in the shortlist, but for the order: scores may rise.
    `rule` (n, width) tells by a `Rule` what put the item there. `propensity` (n, width) is the
    chance that just this item came to this place, given those above it: 1 unless exploration is
    on. `relevance_lost` (n,) is the share of discounted relevance given up for margin,
    `margin_gained` (n,) the share by which the expected margin rose; 0 for nothing.
    """

    item: IntArray
    score: FloatArray
    rule: NDArray[np.int8]
    propensity: FloatArray
    relevance_lost: FloatArray
    margin_gained: FloatArray

    @classmethod
    def as_scored(cls, shortlist: Shortlist, *, limit: int) -> Arranged:
        """The first places of the shortlist as they are."""
        item = shortlist.item[:, :limit]
        nothing = np.zeros(item.shape[0], dtype=np.float32)
        return cls(
            item=item,
            score=shortlist.score[:, :limit],
            rule=np.zeros(item.shape, dtype=np.int8),
            propensity=np.ones(item.shape, dtype=np.float32),
            relevance_lost=nothing,
            margin_gained=nothing,
        )
