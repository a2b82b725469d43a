"""Every feature there is, and all of them at once: one function for a customer and a million."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from engine.domain.arrays import LongArray
from engine.domain.features import Value
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column, Feature
from engine.loyalty.features import (
    attitude,
    core,
    engagement,
    lifecycle,
    orders,
    preferences,
    promotion,
    rfm_features,
    value,
    voice,
)
from engine.loyalty.features.context import Columns, Context
from engine.loyalty.states import States


class Group(Protocol):
    """A module of features: what they are, and their values.

    SCALED and STANDARDISED, when it has them, name features that the cuts must hold scales and
    moments of.
    """

    @property
    def FEATURES(self) -> tuple[Feature, ...]:  # noqa: N802 - a module's constant
        """The features, in the order of their columns."""

    def compute(self, context: Context, known: Columns) -> Columns:
        """A column for each feature; `known` are the columns of the groups before."""


# A group may look at the columns of those before it.
GROUPS: tuple[Group, ...] = (
    orders,
    rfm_features,
    value,
    promotion,
    engagement,
    voice,
    preferences,
    lifecycle,
    attitude,
    core,
)
# Features by whose values customers are compared: with percentile ranks, and with mean and
# standard deviation. A training fits both, and freezes them in the cuts.
SCALED = frozenset(name for group in GROUPS for name in getattr(group, "SCALED", ()))
STANDARDISED = frozenset(name for group in GROUPS for name in getattr(group, "STANDARDISED", ()))


def _named(groups: tuple[Group, ...]) -> Mapping[str, Feature]:
    named = {each.name: each for group in groups for each in group.FEATURES}
    if len(named) != sum(len(group.FEATURES) for group in groups):
        raise ValueError("two features have one name")
    return MappingProxyType(named)


FEATURES: Mapping[str, Feature] = _named(GROUPS)


@dataclass(frozen=True)
class Features:
    """Every feature of n customers as of `now_ms`, a column each."""

    customers: tuple[str, ...]
    now_ms: int
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.customers)

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def row(self, position: int) -> dict[str, Value]:
        """One customer's values by name: numbers, words of choices and texts, None for unknown."""
        return {name: value_at(column, position) for name, column in self.columns.items()}

    def take(self, customers: LongArray) -> Features:
        """The customers at the given positions, in that order."""
        return Features(
            tuple(self.customers[each] for each in customers.tolist()),
            self.now_ms,
            {name: column.take(customers) for name, column in self.columns.items()},
        )


def value_at(column: Column, position: int) -> Value:
    """A column's value for one customer: a number, the word of a label, None for unknown."""
    value = float(column.values[position])
    if np.isnan(value):
        return None
    return column.labels[int(value)] if column.labels else value


def features(states: States, cuts: Cuts, *, now_ms: int) -> Features:
    """Every feature of every customer in the states as of `now_ms`.

    A customer's values do not depend on who else is there: what they are compared with is frozen
    in the cuts. Nothing that happened after `now_ms` should be in the states; purchases that are
    count as not having happened yet.
    """
    context = Context.of(states, cuts, now_ms=now_ms)
    columns: Columns = {}
    for group in GROUPS:
        columns.update(group.compute(context, columns))
    return Features(states.customers, now_ms, columns)
