"""Integrals over time of functions that fall like powers of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from engine.domain.arrays import DoubleArray, LongArray

# Takes rows (m,) and points in time (m, nodes); gives values (m, nodes).
Integrand: TypeAlias = Callable[[LongArray, DoubleArray], DoubleArray]

# exp(-40) is below the last bit of anything it is added to.
NEGLIGIBLE = 40.0
# Up to this width in log time the few nodes already give 1e-11.
_NARROW = 4.0
_FEW, _MANY = (
    (1 + nodes, weights)
    for nodes, weights in (np.polynomial.legendre.leggauss(count) for count in (16, 48))
)
# Rows at a time: what is in flight stays within the processor's cache.
_ROWS = 4_096
# Step and lower end of the endless rule: exp(-exp(3.7)) is negligible, and a step of 0.15 gives
# 1e-11 for functions analytic off the negative axis.
_STEP = 0.15
_LOWEST = -3.7


def integrals(integrand: Integrand, *, reach: DoubleArray, scale: DoubleArray) -> DoubleArray:
    """The integral of each row from 0 to its reach, shape (n,); NaN where the reach is."""
    sums = np.full(reach.shape, np.nan)
    for rows, points, weights in log_time_nodes(reach=reach, scale=scale):
        sums[rows] = (integrand(rows, points) * weights).sum(axis=1)
    return sums


def log_time_nodes(
    *, reach: DoubleArray, scale: DoubleArray
) -> Iterator[tuple[LongArray, DoubleArray, DoubleArray]]:
    """Rows (m,), their points and weights (m, nodes) for integrals from 0 to the reach.

    Gauss-Legendre in v = log(1 + u / scale). A product of powers (c + u)^-k with every c >= scale
    is analytic in v within pi of the real line, so that a few nodes suffice. Which nodes a row
    gets depends on its own reach and scale alone.
    """
    width = np.log1p(reach / scale)
    for (steps, weights), chosen in ((_FEW, width <= _NARROW), (_MANY, width > _NARROW)):
        (picked,) = chosen.nonzero()
        for start in range(0, picked.size, _ROWS):
            rows = picked[start : start + _ROWS]
            half, base = width[rows, None] / 2, scale[rows, None]
            points = base * np.expm1(half * steps)
            yield rows, points, half * weights * (points + base)


def reach_of_power(base: DoubleArray, power: DoubleArray) -> DoubleArray:
    """Where ((base + u) / base)^-power has fallen to nothing, shape (n,)."""
    # Beyond exp(600) no data and no horizon reach anyway.
    reach: DoubleArray = base * np.expm1(np.minimum(NEGLIGIBLE / power, 600.0))
    return reach


# One or two account types of a shop have models of their own, and one rate.
@lru_cache(maxsize=64)
def endless_nodes(last: float) -> tuple[DoubleArray, DoubleArray]:
    """Points and weights (nodes,) for integrals from 0 on of what is nothing beyond `last`.

    The double exponential rule u = exp(w - exp(-w)) (Takahasi & Mori 1974): its points fit any
    discount, so that they need not differ between customers.
    """
    w = np.arange(_LOWEST, np.log(max(last, 1.0)) + 1.0, _STEP)
    points = np.exp(w - np.exp(-w))
    return points, _STEP * points * (1 + np.exp(-w))


def discounted_sums(
    weighted: DoubleArray, position: LongArray, *, points: DoubleArray, rates: DoubleArray
) -> DoubleArray:
    """sum_j weighted[position, j] * exp(-rates * points[j]) for each row, shape (n,)."""
    sums = np.empty(position.shape)
    for start in range(0, position.size, _ROWS):
        rows = slice(start, start + _ROWS)
        discount = np.exp(-rates[rows, None] * points)
        sums[rows] = (weighted[position[rows]] * discount).sum(axis=1)
    return sums
