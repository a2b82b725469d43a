"""How sure a mean is, and a difference of means: the paired bootstrap over customers.

Efron (1979), with percentile intervals (Efron & Tibshirani 1993, chapter 13). Customers are drawn
with replacement, each with all their numbers: whatever two models share, an easy customer or a
hard one, cancels in their difference (Sakai 2006 for retrieval metrics).
"""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray

# How many drawn customers are held in memory at once.
DRAWN_AT_ONCE = 4_000_000


def resampled_means(
    values: DoubleArray, *, resamples: int, rng: np.random.Generator
) -> DoubleArray:
    """The mean of every column in each of the resamples, shape (resamples, columns).

    `values` is customers x columns; NaN is a customer who does not count in that column. One
    resample holds the same customers in all columns. NaN where nobody of a column was drawn.
    """
    customers, columns = values.shape
    if not customers:
        return np.full((resamples, columns), np.nan)
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    # Many columns count the same customers: their numbers are summed once.
    masks, which = np.unique(known, axis=1, return_inverse=True)
    means = np.empty((resamples, columns))
    step = max(1, DRAWN_AT_ONCE // customers)
    for start in range(0, resamples, step):
        block = min(step, resamples - start)
        times = _times_drawn(block, customers, rng)
        counts = (times @ masks.astype(np.float64))[:, which.ravel()]
        sums = times @ filled
        np.divide(sums, counts, out=sums, where=counts > 0)
        means[start : start + block] = np.where(counts > 0, sums, np.nan)
    return means


def interval(means: DoubleArray, *, confidence: float) -> tuple[float, float]:
    """The bounds between which the middle `confidence` of resampled means lies; NaN for none."""
    known = means[~np.isnan(means)]
    if not known.size:
        return float("nan"), float("nan")
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def _times_drawn(resamples: int, customers: int, rng: np.random.Generator) -> DoubleArray:
    """How often each customer was drawn in each resample, shape (resamples, customers)."""
    drawn = rng.integers(0, customers, size=(resamples, customers), dtype=np.int64)
    drawn += np.arange(resamples)[:, None] * customers
    counts = np.bincount(drawn.ravel(), minlength=resamples * customers)
    return counts.reshape(resamples, customers).astype(np.float64)
