"""What a feature is: a name, a kind, a sentence; and a column of its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from engine.domain.arrays import DoubleArray, IntArray, LongArray

# A feature's confidence is evidence / (evidence + 3): three observations make it a half.
HALF_CONFIDENCE = 3.0


class Kind(StrEnum):
    """How a value is stored and read."""

    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    MONEY = "money"
    DAYS = "days"
    FLAG = "flag"
    CHOICE = "choice"
    TEXT = "text"
    MOMENT = "moment"


@dataclass(frozen=True)
class Feature:
    """One thing known of a customer.

    `about` says in one sentence what the value is. `needs` says what a shop must send for it to be
    known. `sentence` explains a customer's value: a template whose fields are names of features,
    with `:days`, `:share`, `:money`, `:date`, `:number` or `:count` as formats. A choice may have
    a sentence for each of its `choices` in `sentences` instead.
    """

    name: str
    kind: Kind
    about: str
    needs: str
    sentence: str = ""
    choices: tuple[str, ...] = ()
    sentences: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Column:
    """A feature's values for n customers, shape (n,), float64; NaN is unknown.

    Flags are 0 or 1, money is minor units, moments are ms since 1970 UTC, choices and texts are
    positions in `labels`. `evidence` counts the observations that a value rests on, shape (n,).
    """

    values: DoubleArray
    evidence: IntArray
    labels: tuple[str, ...] = ()

    @property
    def known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which customers the feature is known of, shape (n,)."""
        known: np.ndarray[tuple[int], np.dtype[np.bool_]] = ~np.isnan(self.values)
        return known

    def confidence(self) -> DoubleArray:
        """From 0 (no evidence) towards 1, shape (n,)."""
        return self.evidence / (self.evidence + HALF_CONFIDENCE)

    def take(self, customers: LongArray) -> Column:
        """The customers at the given positions, in that order."""
        return Column(self.values[customers], self.evidence[customers], self.labels)
