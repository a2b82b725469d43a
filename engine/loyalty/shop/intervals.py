"""How sure a share is, and whether two shares differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from scipy.stats import norm

from engine.domain.arrays import DoubleArray


@dataclass(frozen=True)
class Share:
    """`hits` of `trials`, the share, and the bounds it lies between; NaN when nothing was tried.

    Doubtful observations may count in part.
    """

    hits: float
    trials: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A share less another: the difference, its z and two-sided p; NaN when it cannot be said."""

    value: float
    z: float
    p: float


def wilson(hits: float, trials: float, *, confidence: float) -> Share:
    """A share with its score interval, which stays within 0 and 1 and is sound for few trials.

    Wilson (1927); Newcombe (1998), method 3.
    """
    if trials == 0:
        return Share(hits, trials, nan, nan, nan)
    z = float(norm.ppf((1 + confidence) / 2))
    share = hits / trials
    centre = share + z * z / (2 * trials)
    half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low, high = (centre - half) / scale, (centre + half) / scale
    # Rounding must not push a bound past what it bounds.
    return Share(hits, trials, share, max(0.0, min(low, share)), min(1.0, max(high, share)))


def difference(one: Share, other: Share) -> Difference:
    """Whether two independent shares differ, by the pooled two-proportion z test.

    Its square is Pearson's chi-squared of the two-by-two table (Agresti 2013, section 3.2).
    """
    if not one.trials or not other.trials:
        return Difference(nan, nan, nan)
    pooled = (one.hits + other.hits) / (one.trials + other.trials)
    error = sqrt(pooled * (1 - pooled) * (1 / one.trials + 1 / other.trials))
    apart = one.value - other.value
    if error == 0:
        return Difference(apart, nan, nan)
    z = apart / error
    return Difference(apart, z, float(2 * norm.sf(abs(z))))


def holm(p_values: Sequence[float]) -> DoubleArray:
    """The p values adjusted for being several, shape (len(p_values),); NaN ones are not counted.

    Holm (1979): the smallest is multiplied by how many there are, the next by one fewer.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return adjusted
