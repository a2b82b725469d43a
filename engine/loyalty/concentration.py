"""How unequally value is spread over customers: the curve, its Gini coefficient, the top share."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray


def concentration_curve(values: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Cumulative shares of customers and of value, best customers first, each (known + 1,).

    Both rise from 0 to 1. Unknown values (NaN) are left out, values below zero count as zero:
    nobody holds less than nothing of the whole. Without any value the second one is NaN.
    """
    held = np.sort(np.maximum(values[~np.isnan(values)], 0.0))[::-1]
    customers = np.linspace(0.0, 1.0, held.shape[0] + 1)
    total = np.concatenate([np.zeros(1), np.cumsum(held)])
    if not total[-1] > 0:
        return customers, np.full(customers.shape, np.nan)
    return customers, total / total[-1]


def gini(values: DoubleArray) -> float:
    """The Gini coefficient: 0 when all hold the same, 1 - 1/n when one of n holds everything.

    NaN without any value; unknown and negative values as in `concentration_curve`. Twice the area
    between the curve and the diagonal (Gastwirth 1972).
    """
    _, held = concentration_curve(values)
    if np.isnan(held[-1]):
        return float("nan")
    # Trapezoids of equal width.
    area = float(np.mean((held[1:] + held[:-1]) / 2))
    return max(2.0 * area - 1.0, 0.0)


def top_share(values: DoubleArray, share: float) -> float:
    """The share of all value that the best `share` of customers holds; NaN without any value.

    A share that is no whole number of customers takes the fitting part of the last one.
    """
    customers, held = concentration_curve(values)
    if np.isnan(held[-1]):
        return float("nan")
    return float(np.interp(share, customers, held))
