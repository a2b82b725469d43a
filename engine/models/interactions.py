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
    return summed(histories, decayed(histories, half_life_days=half_life_days), items=items)


def summed(histories: Histories, weights: FloatArray, *, items: int) -> sparse.csr_matrix:
    """Weights of the lines, shape (lines,), summed by customer and known item, float32.

    The shape is customers x items, columns sorted; there is an entry for every item bought.
    """
    known = histories.item >= 0
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(known)])[histories.indptr]
    # Lines stand by customer already. As float64 the sum does not depend on the order of items.
    matrix = sparse.csr_matrix(
        (weights[known].astype(np.float64), histories.item[known], bounds),
        shape=(len(histories), items),
    )
    matrix.sum_duplicates()
    return matrix.astype(np.float32)


def bought(histories: Histories) -> IntArray:
    """The distinct known items of a single customer, sorted."""
    return np.unique(histories.item[histories.item >= 0]).astype(np.int32)
