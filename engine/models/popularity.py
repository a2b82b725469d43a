"""What sells now: orders an item was in, the recent ones counting more."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from engine.domain.arrays import AnyArray, FloatArray, LongArray
from engine.models.query import Query
from engine.models.scores import SameScores, ranked


class Popularity:
    """The same preference for every customer."""

    name: ClassVar[str] = "popularity"

    def __init__(self, weights: FloatArray, *, half_life_days: float) -> None:
        """`weights`: decayed order counts, shape (items,)."""
        self._weights = weights
        self._half_life_days = half_life_days

    def score(self, query: Query) -> SameScores:
        """Decayed order counts, the same for each customer; an item nobody ordered has 0."""
        return SameScores(self._weights, customers=len(query), order=self._order)

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

    @cached_property
    def _order(self) -> LongArray:
        return ranked(self._weights)
