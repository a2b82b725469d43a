"""One score out of many: each scorer's scores brought to one scale, weighted and summed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import FloatArray
from engine.models.pairs import Pairs


@dataclass(frozen=True)
class Blended:
    """`total` (pairs,) is the sum of `parts`, each scorer's weighted share of it."""

    total: FloatArray
    parts: Mapping[str, FloatArray]


def blend(
    shares: Mapping[str, FloatArray], pairs: Pairs, *, weights: Mapping[str, float]
) -> Blended:
    """The weighted sum of what the scorers say of each pair.

    `shares` are their scores over the customer's largest (`of_best`), so that a weight means the
    same for someone with two orders and someone with two hundred. What a scorer cannot say
    counts 0.
    """
    parts = {
        name: shares[name] * np.float32(weight)
        for name, weight in weights.items()
        if weight > 0 and name in shares
    }
    return Blended(summed(parts, count=len(pairs)), parts)


def summed(parts: Mapping[str, FloatArray], *, count: int) -> FloatArray:
    """The sum of the parts, each of shape (count,)."""
    # In a fixed order: a sum of floats depends on it.
    total = np.zeros(count, dtype=np.float32)
    for name in sorted(parts):
        total += parts[name]
    return total
