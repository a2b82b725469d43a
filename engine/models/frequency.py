"""Personal frequency: what a customer buys again and again, recent orders counting more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from engine.domain.arrays import AnyArray, FloatArray
from engine.domain.histories import Histories
from engine.models.interactions import interactions


class PersonalFrequency:
    """Scores only what the customer bought before."""

    name: ClassVar[str] = "frequency"

    def __init__(self, *, items: int, half_life_days: float) -> None:
        self._items = items
        self._half_life_days = half_life_days

    def score(self, histories: Histories) -> FloatArray:
        """Decayed number of orders with the item; NaN for items never bought."""
        weights = interactions(histories, items=self._items, half_life_days=self._half_life_days)
        scores = np.full(weights.shape, np.nan, dtype=np.float32)
        rows = np.repeat(np.arange(len(histories)), np.diff(weights.indptr))
        scores[rows, weights.indices] = weights.data
        return scores

    def arrays(self) -> dict[str, AnyArray]:
        """Nothing: all it needs is the customer's own history."""
        return {}

    def params(self) -> dict[str, Any]:
        """The number of items and the half-life in days."""
        return {"items": self._items, "half_life_days": self._half_life_days}

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""
        return cls(**params)
