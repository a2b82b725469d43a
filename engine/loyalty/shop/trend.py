"""Where demand is going: the slope of weekly units of each category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import theilslopes

from engine.domain.arrays import DoubleArray, IntArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.domain.ids import MISSING
from engine.loyalty.config import LoyaltyConfig

WEEK_MS = 7 * DAY_MS


class Direction(StrEnum):
    """What the interval of a slope allows to say."""

    RISING = "rising"
    FALLING = "falling"
    FLAT = "flat"
    TOO_THIN = "too thin"


@dataclass(frozen=True)
class Trend:
    """A category's weekly `units`, oldest first, and their slope in units a week with bounds.

    `seasonal`: the slope is that of the differences to the same weeks a year before. `typical` is
    the median of the weeks. Where data are too thin the slope is NaN.
    """

    name: str
    units: tuple[float, ...]
    typical: float
    slope: float
    low: float
    high: float
    seasonal: bool
    direction: Direction

    def change(self) -> float:
        """The slope over all the weeks as a share of an average week; NaN where it is unknown."""
        return self.relative(self.slope)

    def relative(self, slope: float) -> float:
        """A slope in units a week, over all the weeks, as a share of an average week.

        Beyond -1 where most of what was sold was sold at the beginning. NaN without any sale.
        """
        mean = sum(self.units) / len(self.units)
        return slope * (len(self.units) - 1) / mean if mean > 0 else float("nan")


def weekly_units(
    goods: Histories, category: IntArray, *, categories: int, now_ms: int, weeks: int
) -> DoubleArray:
    """Units sold a week and category, shape (weeks, categories), the last whole week last.

    Weeks are 7 days that end at the start of today (UTC). `category` is that of each item, MISSING
    for none.
    """
    end = now_ms // DAY_MS * DAY_MS
    age = (end - 1 - goods.at) // WEEK_MS
    group = np.append(category, MISSING)[goods.item]
    kept = (age >= 0) & (age < weeks) & (group >= 0)
    cell = (weeks - 1 - age[kept]) * categories + group[kept]
    units = np.bincount(cell, weights=goods.units[kept], minlength=weeks * categories)
    return units.astype(np.float64).reshape(weeks, categories)


def trends(
    goods: Histories,
    category: IntArray,
    *,
    names: Sequence[str],
    now_ms: int,
    config: LoyaltyConfig,
) -> list[Trend]:
    """The trend of each category, in order of `names`, seasonal where there is a year before."""
    weeks, season = config.trend_weeks, config.trend_season_weeks
    covered = _weeks_covered(goods.at, now_ms)
    seasonal = covered >= season + weeks
    units = weekly_units(
        goods, category, categories=len(names), now_ms=now_ms, weeks=season + weeks
    )
    recent, before = units[-weeks:], units[:weeks] if seasonal else None
    return [
        _trend(
            name,
            recent[:, each],
            before=None if before is None else before[:, each],
            enough=covered >= weeks,
            config=config,
        )
        for each, name in enumerate(names)
    ]


def theil_sen(values: DoubleArray, *, confidence: float) -> tuple[float, float, float]:
    """The median of all pairwise slopes and its bounds, per step.

    Theil (1950); bounds by Sen (1968), which take the values for independent.
    """
    slope, _, low, high = theilslopes(values, np.arange(len(values)), alpha=confidence)
    return float(slope), float(low), float(high)


def _trend(
    name: str,
    recent: DoubleArray,
    *,
    before: DoubleArray | None,
    enough: bool,
    config: LoyaltyConfig,
) -> Trend:
    typical = float(np.median(recent))
    # A category that was not there a year ago has no season to take out.
    paired = before is not None and float(np.median(before)) >= config.trend_least_units
    values = recent - before if paired and before is not None else recent
    slope, low, high = float("nan"), float("nan"), float("nan")
    direction = Direction.TOO_THIN
    if enough and typical >= config.trend_least_units:
        slope, low, high = theil_sen(values, confidence=config.trend_confidence)
        direction = _direction(low, high)
    return Trend(name, tuple(recent.tolist()), typical, slope, low, high, paired, direction)


def _direction(low: float, high: float) -> Direction:
    if low > 0:
        return Direction.RISING
    return Direction.FALLING if high < 0 else Direction.FLAT


def _weeks_covered(at: LongArray, now_ms: int) -> int:
    if not len(at):
        return 0
    return int((now_ms // DAY_MS * DAY_MS - int(at.min())) // WEEK_MS)
