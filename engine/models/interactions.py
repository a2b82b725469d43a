"""Purchases as weights: how much one customer's past says about each item."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from engine.domain.arrays import FloatArray, IntArray
from engine.domain.histories import DAY_MS, Histories


def decayed(histories: Histories, *, half_life_days: float) -> FloatArray:
    """Weight of every line: 1 for the customer's last, halved for each half-life before it.

    Ages count from the customer's own last line, so that a shop's quiet years, or data from long
    ago, shrink no weight to nothing. One order counts once an item, whatever the units: a
    wholesaler's thousands must not drown everything else.
    """
    ages = (histories.last_at()[histories.row()] - histories.at) / DAY_MS
    weights: FloatArray = np.exp2(-ages / half_life_days).astype(np.float32)
    return weights


def interactions(histories: Histories, *, items: int, half_life_days: float) -> sparse.csr_matrix:
    """Summed decayed weights, customers x items, float32, columns sorted."""
    known = histories.item >= 0
    matrix = sparse.csr_matrix(
        (
            decayed(histories, half_life_days=half_life_days)[known],
            (histories.row()[known], histories.item[known]),
        ),
        shape=(len(histories), items),
        dtype=np.float32,
    )
    matrix.sum_duplicates()
    matrix.sort_indices()
    return matrix


def bought(histories: Histories) -> IntArray:
    """The distinct known items of a single customer, sorted."""
    return np.unique(histories.item[histories.item >= 0]).astype(np.int32)
