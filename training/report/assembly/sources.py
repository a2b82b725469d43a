"""What a report is made from, and how its columns are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray
from engine.domain.ids import MISSING
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.context import Context, Orders
from engine.loyalty.features.registry import Features
from engine.loyalty.states import States
from engine.segments.segment import Segment
from training.report.data import Calibrated, Group


@dataclass(frozen=True)
class Sources:
    """Customers as of a moment: their states, features, segments (n members each) and cuts.

    `segments_left_out` counts those that ask for more than features and are not shown.
    `members` has a mask, shape (n,), for each segment's name, `members_before` the ids of those who
    belonged a month ago, as far as known; `calibration` is what a backtest
    said of the chance to order, if there was one.
    """

    states: States
    features: Features
    cuts: Cuts
    currency: str | None = None
    segments: tuple[Segment, ...] = ()
    members: Mapping[str, BoolArray] = field(default_factory=dict)
    segments_left_out: int = 0
    members_before: Mapping[str, frozenset[str]] = field(default_factory=dict)
    calibration: tuple[Calibrated, ...] = ()

    @property
    def now_ms(self) -> int:
        """The moment the report is of."""
        return self.features.now_ms

    def orders(self) -> Orders:
        """The customers' orders up to now, those of a day merged."""
        return Context.of(self.states, self.cuts, now_ms=self.now_ms).orders

    def values(self, name: str) -> DoubleArray:
        """A feature's values, shape (n,), NaN where unknown."""
        return self.features[name].values

    def choices(self, name: str) -> tuple[LongArray, tuple[str, ...]]:
        """The position of each customer's choice, shape (n,), MISSING where unknown; the labels."""
        column = self.features[name]
        positions = np.where(column.known, np.nan_to_num(column.values), MISSING)
        return positions.astype(np.int64), column.labels

    def flag(self, name: str) -> BoolArray:
        """Of whom a flag is known to be set, shape (n,)."""
        flag: BoolArray = self.values(name) == 1
        return flag

    def revenue(self) -> LongArray:
        """Revenue of 12 months in minor units, shape (n,); 0 for who has none."""
        return np.nan_to_num(self.values("revenue_12m")).astype(np.int64)

    def group(self, name: str, members: BoolArray) -> Group:
        """The customers of the mask as one group."""
        return Group(
            name=name,
            customers=int(members.sum()),
            revenue=int(self.revenue()[members].sum()),
            again=1 - mean(self.values("churn_risk")[members]),
            value=mean(self.values("clv_predicted")[members]),
        )

    def grouped(self, name: str) -> list[Group]:
        """The customers by the values of a choice, in order of its labels, empty ones left out."""
        positions, labels = self.choices(name)
        groups = [self.group(label, positions == at) for at, label in enumerate(labels)]
        return [each for each in groups if each.customers]


def mean(values: DoubleArray) -> float:
    """The mean of the known values, NaN when none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
