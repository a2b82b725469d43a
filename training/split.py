"""Splitting by global time: what was known, what to tune on, what to report on."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.histories import DAY_MS
from engine.errors import DataRefused

# Four weeks even out the days of a month; a shop with less history gives a sixth of it.
USUAL_DAYS = 28
SHARE_OF_SPAN = 6
FEWEST_DAYS = 4


@dataclass(frozen=True, slots=True)
class Split:
    """Cuts in ms since 1970 UTC: training data < validation_from <= tuning window < test_from
    <= test window < until."""

    validation_from: int
    test_from: int
    until: int

    @property
    def validation_days(self) -> float:
        """Length of the tuning window."""
        return (self.test_from - self.validation_from) / DAY_MS

    @property
    def test_days(self) -> float:
        """Length of the test window."""
        return (self.until - self.test_from) / DAY_MS


def split_time(
    first_ms: int, until_ms: int, *, validation_days: int | None, test_days: int | None
) -> Split:
    """The cuts for data from `first_ms` to before `until_ms`.

    Windows that are not given are 28 days, or a sixth of the span where that is shorter. Raises
    DataRefused when no training data would be left.
    """
    span_days = (until_ms - first_ms) / DAY_MS
    if span_days < FEWEST_DAYS:
        raise DataRefused(
            f"the purchases span {span_days:.1f} days; training needs at least {FEWEST_DAYS}"
        )
    usual = min(USUAL_DAYS, max(1, int(span_days / SHARE_OF_SPAN)))
    test_from = until_ms - (usual if test_days is None else test_days) * DAY_MS
    validation_from = test_from - (usual if validation_days is None else validation_days) * DAY_MS
    if validation_from <= first_ms:
        raise DataRefused(
            f"validation_days and test_days leave no purchase to learn from: "
            f"the data span {span_days:.0f} days; set shorter windows"
        )
    return Split(validation_from, test_from, until_ms)
