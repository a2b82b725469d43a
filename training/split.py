"""Splitting by global time: what was known, what to tune on, what to report on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.histories import DAY_MS, Histories
from engine.errors import DataRefused

# Four weeks even out the days of a month; a shop with less history gives a sixth of it.
USUAL_DAYS = 28
SHARE_OF_SPAN = 6
FEWEST_DAYS = 4
WINDOWS = (USUAL_DAYS, 14, 7, 4, 2, 1)
KNOWN_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Split:
    """Cuts in ms since 1970 UTC: training data < validation_from <= tuning window < test_from
    <= test window < until.

    Without any time in the data `held_out` is the share of each customer's items that was held
    out at random, and all cuts are the end.
    """

    validation_from: int
    test_from: int
    until: int
    held_out: float | None = None

    @property
    def label(self) -> str:
        """How customers' purchases were kept apart, in words."""
        return "split by time" if self.held_out is None else "random split, no time in the data"

    @property
    def validation_days(self) -> float:
        """Length of the tuning window."""
        return (self.test_from - self.validation_from) / DAY_MS

    @property
    def test_days(self) -> float:
        """Length of the test window."""
        return (self.until - self.test_from) / DAY_MS


def split_time(
    first_ms: int,
    until_ms: int,
    *,
    validation_days: int | None,
    test_days: int | None,
    most_days: int = USUAL_DAYS,
) -> Split:
    """The cuts for data from `first_ms` to before `until_ms`.

    Windows that are not given are `most_days`, or a sixth of the span where that is shorter.
    Raises DataRefused when no training data would be left.
    """
    span_days = (until_ms - first_ms) / DAY_MS
    if span_days < FEWEST_DAYS:
        raise DataRefused(
            f"the purchases span {span_days:.1f} days; training needs at least {FEWEST_DAYS}"
        )
    usual = min(most_days, max(1, int(span_days / SHARE_OF_SPAN)))
    test_from = until_ms - (usual if test_days is None else test_days) * DAY_MS
    validation_from = test_from - (usual if validation_days is None else validation_days) * DAY_MS
    if validation_from <= first_ms:
        raise DataRefused(
            f"validation_days and test_days leave no purchase to learn from: "
            f"the data span {span_days:.0f} days; set shorter windows"
        )
    return Split(validation_from, test_from, until_ms)


def usual_days(histories: Histories, *, until_ms: int) -> int:
    """The longest window, up to four weeks, before two of which most customers were there already.

    Of the customers who bought in the window at least `KNOWN_SHARE` had bought before the window
    that precedes it; a shop whose customers order every day is not asked about a month.
    """
    first = np.full(len(histories), np.iinfo(np.int64).max)
    filled = histories.indptr[1:] > histories.indptr[:-1]
    first[filled] = histories.at[histories.indptr[:-1][filled]]
    last = histories.last_at()
    for days in WINDOWS:
        lately = filled & (last >= until_ms - days * DAY_MS)
        known = lately & (first < until_ms - 2 * days * DAY_MS)
        if known.sum() >= KNOWN_SHARE * max(lately.sum(), 1):
            return days
    return WINDOWS[-1]


def day_after(at_ms: int) -> int:
    """The midnight (UTC) after a moment: windows are whole days."""
    return (at_ms // DAY_MS + 1) * DAY_MS
