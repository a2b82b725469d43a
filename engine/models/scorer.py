"""The contract of every model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self

from engine.domain.arrays import AnyArray
from engine.models.query import Query
from engine.models.scores import Scores


class Scorer(Protocol):
    """A model that says how much each customer would like each item."""

    name: ClassVar[str]

    def score(self, query: Query) -> Scores:
        """Preference of each customer of the query for each item, unitless.

        Items are positions in the model's item table; lines of MISSING items are passed over.
        The input is left as it is, and an equal query gets equal scores: a customer's scores do
        not depend on who else is in the query.
        """

    def arrays(self) -> dict[str, AnyArray]:
        """The arrays that make the model, by name; no float64 among them."""

    def params(self) -> dict[str, Any]:
        """The numbers beside the arrays, fit for JSON."""

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from; the arrays may be memory-mapped."""
