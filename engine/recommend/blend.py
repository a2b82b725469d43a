"""One score out of many: each scorer's scores brought to one scale, weighted and summed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import FloatArray
from engine.domain.histories import Histories
from engine.models.model import Model
from engine.models.scorer import Scorer


@dataclass(frozen=True)
class Blended:
    """Scores of a block of customers.

    `total` (customers, items) is the sum of `parts`, each scorer's weighted share of it, of the
    same shape; `scales` (customers,) is what each scorer's raw scores were multiplied by.
    """

    total: FloatArray
    parts: Mapping[str, FloatArray]
    scales: Mapping[str, FloatArray]


def blend(model: Model, histories: Histories) -> Blended:
    """The weighted sum of all scorers for each customer and item.

    A scorer's scores are divided by the customer's largest, so that a weight means the same for
    someone with two orders and someone with two hundred. What a scorer cannot say counts 0.
    """
    parts: dict[str, FloatArray] = {}
    scales: dict[str, FloatArray] = {}
    total = np.zeros((len(histories), len(model.items)), dtype=np.float32)
    for name, weight in model.weights.items():
        if weight > 0:
            parts[name], scales[name] = weighted(model.scorers[name], histories, weight=weight)
            total += parts[name]
    return Blended(total, parts, scales)


def weighted(
    scorer: Scorer, histories: Histories, *, weight: float
) -> tuple[FloatArray, FloatArray]:
    """A scorer's scores on the common scale times its weight, and the factor of each row."""
    scores = scorer.score(histories)
    known = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
    highest = known.max(axis=1, initial=0.0)
    scale = np.zeros_like(highest)
    np.divide(np.float32(weight), highest, out=scale, where=highest > 0)
    return known * scale[:, None], scale
