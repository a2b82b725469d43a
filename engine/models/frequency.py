"""Personal frequency: what a customer buys again and again, recent orders counting more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from engine.domain.arrays import AnyArray
from engine.models.query import Query
from engine.models.scores import SparseScores


class PersonalFrequency:
    """Scores only what the customer bought before."""

    name: ClassVar[str] = "frequency"

    def __init__(self, *, items: int, half_life_days: float) -> None:
        """`items`: how many the item table holds."""
        self._items = items
        self._half_life_days = half_life_days

    def score(self, query: Query) -> SparseScores:
        """Decayed number of orders with the item; no score for items never bought.

        Ages count from the customer's own last order: the order of items does not depend on now.
        """
        weights = query.bought.weights(half_life_days=self._half_life_days)
        return SparseScores.by_weight(weights, items=self._items)

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
