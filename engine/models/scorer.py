"""The contract of every model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from engine.domain.arrays import AnyArray, FloatArray
from engine.domain.histories import Histories


class Scorer(Protocol):
    """A model that says how much each customer would like each item."""

    name: ClassVar[str]

    def score(self, histories: Histories) -> FloatArray:
        """Preference of each customer for each item, shape (customers, items), unitless.

        NaN: the model cannot say. Items are positions in the model's item table; lines of
        MISSING items are passed over. The input is left as it is.
        """

    def arrays(self) -> dict[str, AnyArray]:
        """The arrays that make the model, by name."""

    def params(self) -> dict[str, Any]:
        """The numbers beside the arrays, fit for JSON."""

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], params: Mapping[str, Any]) -> Self:
        """The model that `arrays` and `params` came from."""


@runtime_checkable
class Explainer(Protocol):
    """A scorer whose score is a sum over the items a customer bought."""

    def contributions(self, histories: Histories, items: AnyArray) -> FloatArray:
        """What each bought item adds to each score, shape (bought items, len(items)).

        For a single customer; the rows follow `bought(histories)`.
        """
