"""What trying a surface found: plain numbers, fit for JSON; None is not known."""

from __future__ import annotations

import msgspec

from training.evaluation.results import Difference


class Row(msgspec.Struct, frozen=True):
    """One contender: a mean over the cases for each column."""

    name: str
    values: list[float | None]


class Surface(msgspec.Struct, frozen=True):
    """Contenders for one purpose, tried on the same cases; the first one is on trial.

    `cases` counts the `unit`s that were tried, of all that there were (`drawn_from`). The first of
    the `columns` decides; `differences` are the first contender's against every other in it.
    """

    name: str
    question: str
    unit: str
    cases: int
    drawn_from: int
    columns: list[str]
    rows: list[Row]
    differences: list[Difference]
    notes: list[str]

    @property
    def first(self) -> Row:
        """The contender on trial."""
        return self.rows[0]

    @property
    def strongest(self) -> Row | None:
        """The best of the others by the column that decides; None without others."""
        return max(self.rows[1:], key=lambda each: each.values[0] or 0.0, default=None)

    def difference(self, against: str) -> Difference | None:
        """The first contender's difference from another one."""
        return next((each for each in self.differences if each.against == against), None)


class Setting(msgspec.Struct, frozen=True):
    """Lists under one setting of the control, beside the lists as they are scored.

    `values` are by the names of `training.evaluation.surfaces.control.TRAITS`; `cost` is the
    difference in nDCG from the lists as they are scored, None for those themselves.
    """

    lever: str
    strength: str
    aim: str
    values: dict[str, float | None]
    cost: Difference | None


class Price(msgspec.Struct, frozen=True):
    """What each lever of the control costs in accuracy, and what it gives.

    The first of the settings has all levers off. `margins` says where margins come from, "" when
    none is known.
    """

    limit: int
    customers: int
    settings: list[Setting]
    margins: str
    notes: list[str]

    @property
    def plain(self) -> Setting:
        """The lists as they are scored."""
        return self.settings[0]


class Surfaces(msgspec.Struct, frozen=True):
    """All surfaces, the price of control, and how sure the intervals are."""

    tried: list[Surface]
    price: Price | None
    confidence: float
