"""What sells now: orders an item was in, the recent ones counting more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from engine.domain.arrays import AnyArray, FloatArray
from engine.domain.histories import DAY_MS, Histories


class Popularity:
    """The same preference for every customer."""

    name: ClassVar[str] = "popularity"

    def __init__(self, weights: FloatArray, *, half_life_days: float) -> None:
        self._weights = weights
        self._half_life_days = half_life_days

    @classmethod
    def fit(
        cls, parts: Sequence[Histories], *, items: int, until_ms: int, half_life_days: float
    ) -> Self:
        """Decayed order counts as of `until_ms`; guests' orders count like anyone's."""
        total = np.zeros(items, dtype=np.float64)
        for histories in parts:
            known = histories.item >= 0
            ages = (until_ms - histories.at[known]) / DAY_MS
            weights = np.exp2(-ages / half_life_days)
            total += np.bincount(histories.item[known], weights=weights, minlength=items)
        return cls(total.astype(np.float32), half_life_days=half_life_days)

    def score(self, histories: Histories) -> FloatArray:
        """Decayed order counts, the same row for each customer, shape (customers, items)."""
        return np.broadcast_to(self._weights, (len(histories), self._weights.shape[0]))

    def arrays(self) -> dict[str, AnyArray]:
        """The decayed order counts, shape (items,)."""
        return {"weights": self._weights}

    def params(self) -> dict[str, Any]:
        """The half-life in days."""
        return {"half_life_days": self._half_life_days}

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""
        return cls(np.asarray(arrays["weights"], dtype=np.float32), **params)
