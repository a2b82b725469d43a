"""What the features of a block of pairs are worked out from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from engine.domain.arrays import FloatArray, LongArray
from engine.domain.assortment import Assortment
from engine.domain.kept import kept
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

    `said` holds what each scorer says of the pairs, by its name, NaN where it says nothing, and
    `shares` what `of_best` makes of it, where that is known already; `heard` are all features of
    it, where more pairs than these have a part in them. `horizon_days` is the length of the window
    that the shop's models are made for. With `names` no other feature is asked for.
    """

    query: Query
    pairs: Pairs
    said: Mapping[str, FloatArray]
    statistics: ItemStatistics
    assortment: Assortment
    horizon_days: float
    cuts: Cuts | None = None
    facts: ItemFacts | None = None
    shares: Mapping[str, FloatArray] | None = None
    heard: Mapping[str, FloatArray] | None = None
    names: frozenset[str] | None = None

    def wanted(self, names: Iterable[str]) -> list[str]:
        """Those of the features that are asked for."""
        return [name for name in names if self.names is None or name in self.names]

    @property
    def items(self) -> int:
        """How many items the model knows."""
        return len(self.assortment)

    @property
    def row(self) -> LongArray:
        """The customer of each pair."""
        return self.pairs.row()

    @kept
    def lines(self) -> Lines:
        """What the customers bought, by pair."""
        return lines_of(self.query)

    @kept
    def visits(self) -> Visits:
        """When the customers ordered."""
        return visits_of(self.query)

    @kept
    def position(self) -> LongArray:
        """Where each pair is among those bought, -1 for those new to the customer."""
        return position_in(self.query.bought.pairs, self.pairs, items=self.items)
