"""How customers move between lifecycle stages from month to month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import DoubleArray, LongArray
from engine.loyalty.shop.months import month_of, month_start_ms
from engine.loyalty.states import ByteArray


@dataclass(frozen=True)
class Flows:
    """Moves between s stages over m months; the last row and column stand for "not there yet".

    `moves` (s + 1, s + 1) counts customers by the stage at a month's start (rows) and at its end
    (columns), summed over the months; `stock` (m + 1, s) those in each stage at each `times`
    (m + 1,), in ms.
    """

    stages: tuple[str, ...]
    times: LongArray
    moves: LongArray
    stock: LongArray

    @property
    def entered(self) -> LongArray:
        """New entries into each stage over all months, shape (s,)."""
        return self.moves[-1, :-1]

    def shares(self) -> DoubleArray:
        """The share of those who began a month in a stage by where they ended it, (s, s + 1).

        NaN for a stage nobody was in.
        """
        before = self.moves[:-1]
        total = before.sum(axis=1, keepdims=True)
        return np.where(total > 0, before / np.maximum(total, 1), np.nan)


def month_ends(now_ms: int, *, months: int) -> LongArray:
    """The bounds of the last months that are over, oldest first, in ms, shape (months + 1,)."""
    last = month_of(now_ms)
    return np.asarray([month_start_ms(each) for each in range(last - months, last + 1)], np.int64)


def flows(stages: ByteArray, times: LongArray, *, names: Sequence[str]) -> Flows:
    """Moves between the given times from each customer's stages, shape (n, len(times)).

    A stage is a position in `names`, negative for a customer who is not there yet.
    """
    size = len(names)
    known = np.where(stages < 0, size, stages).astype(np.int64)
    pairs = known[:, :-1] * (size + 1) + known[:, 1:]
    moves = np.bincount(pairs.ravel(), minlength=(size + 1) ** 2).reshape(size + 1, size + 1)
    stock = np.stack([np.bincount(each, minlength=size + 1)[:-1] for each in known.T])
    # Who stays away is in nobody's count.
    moves[-1, -1] = 0
    return Flows(tuple(names), times, moves, stock)
