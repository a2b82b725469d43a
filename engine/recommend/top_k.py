"""The best k of many, with ties broken the same way every time."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray


def top_k(scores: FloatArray, allowed: BoolArray, *, k: int) -> LongArray:
    """Positions of the k highest allowed scores, highest first, shape (min(k, allowed),).

    `scores` and `allowed` have shape (items,). Equal scores go by position.
    """
    candidates = np.flatnonzero(allowed)
    values = scores[candidates]
    if candidates.size > k > 0:
        # Everything at least as good as the k-th: ties at the edge are settled by position below.
        edge = np.partition(values, candidates.size - k)[candidates.size - k]
        kept = values >= edge
        candidates, values = candidates[kept], values[kept]
    return candidates[np.lexsort((candidates, -values))][:k]
