"""What the features of a block of pairs are worked out from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from engine.domain.arrays import FloatArray, LongArray
from engine.domain.assortment import Assortment
from engine.loyalty.cuts import Cuts
from engine.loyalty.states import ItemFacts
from engine.models.item_statistics import ItemStatistics
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.features.held import Lines, Visits, lines_of, position_in, visits_of

Columns: TypeAlias = dict[str, FloatArray]


@dataclass(frozen=True)
class Asked:
    """Pairs, the customers they belong to, and what is known of the items.

    `said` holds what each scorer says of the pairs, by its name, NaN where it says nothing;
    `horizon_days` is the length of the window that the shop's models are made for.
    """

    query: Query
    pairs: Pairs
    said: Mapping[str, FloatArray]
    statistics: ItemStatistics
    assortment: Assortment
    horizon_days: float
    cuts: Cuts | None = None
    facts: ItemFacts | None = None

    @property
    def items(self) -> int:
        """How many items the model knows."""
        return len(self.assortment)

    @cached_property
    def row(self) -> LongArray:
        """The customer of each pair."""
        return self.pairs.row()

    @cached_property
    def lines(self) -> Lines:
        """What the customers bought, by pair."""
        return lines_of(self.query, items=self.items)

    @cached_property
    def visits(self) -> Visits:
        """When the customers ordered."""
        return visits_of(self.query)

    @cached_property
    def position(self) -> LongArray:
        """Where each pair is among those bought, -1 for those new to the customer."""
        return position_in(self.lines.pairs, self.pairs, items=self.items)
