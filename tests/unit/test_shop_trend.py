"""Where demand is going."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.domain.histories import Histories
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.shop.trend import WEEK_MS, Direction, theil_sen, trends, weekly_units
from tests.shop_states import at, some_goods

NOW = at("2026-06-30T12:00")
CONFIG = LoyaltyConfig()


def sold(weekly: list[float], *, item: int = 0) -> Histories:
    """One line a week with so many units, the last in the week that ends today."""
    goods = some_goods([["2026-01-01"] * len(weekly)])
    end = at("2026-06-30")
    times = [end - WEEK_MS * (len(weekly) - number) for number in range(len(weekly))]
    return replace(
        goods,
        at=np.asarray(times, dtype=np.int64),
        units=np.asarray(weekly, dtype=np.float32),
        item=np.full(len(weekly), item, dtype=np.int32),
    )


def only_trend(weekly: list[float]):
    category = np.zeros(1, dtype=np.int32)
    return trends(sold(weekly), category, names=["tea"], now_ms=NOW, config=CONFIG)[0]


def test_the_slope_and_its_bounds_are_those_worked_by_hand():
    # Cloud seeding, Hollander & Wolfe (1999), table 9.1. The ten slopes in order: -.15 -.13 -.08
    # -.07 -.0575 -.055 -.045 -.0333 .01 .04; 1.645 x sqrt(5 x 4 x 15 / 18) = 6.71, and
    # (10 -+ 6.71) / 2 rounds to the 2nd and the 9th.
    slope, low, high = theil_sen(np.asarray([1.26, 1.27, 1.12, 1.16, 1.03]), confidence=0.90)

    assert slope == pytest.approx(-0.05625)
    assert (low, high) == (pytest.approx(-0.13), pytest.approx(0.01))


def test_weeks_end_at_the_start_of_today():
    goods = some_goods([["2026-06-22T23:59:59", "2026-06-23", "2026-06-29T23:59", "2026-06-30"]])

    units = weekly_units(goods, np.zeros(1, np.int32), categories=1, now_ms=NOW, weeks=2)

    assert units.tolist() == [[1.0], [2.0]]


def test_an_item_without_a_category_is_in_none():
    goods = some_goods([["2026-06-25", "2026-06-25"]], items=[0, -1])

    units = weekly_units(goods, np.asarray([-1], np.int32), categories=1, now_ms=NOW, weeks=1)

    assert units.tolist() == [[0.0]]


def test_a_steady_rise_is_rising_by_its_slope():
    trend = only_trend([10.0 + 2 * week for week in range(20)])

    assert trend.direction is Direction.RISING
    assert trend.slope == pytest.approx(2)
    assert not trend.seasonal
    # The last 13 weeks go from 24 to 48, at 36 in the middle.
    assert trend.change() == pytest.approx(24 / 36)


def test_a_rise_that_was_there_a_year_ago_too_is_a_season():
    year = [100.0] * 39 + [100.0 + 10 * week for week in range(13)]

    trend = only_trend([*year, *year])

    assert trend.seasonal
    assert trend.direction is Direction.FLAT
    assert trend.slope == pytest.approx(0)


def test_a_fall_against_last_year_is_falling_in_spite_of_the_season():
    year = [100.0] * 39 + [100.0 + 10 * week for week in range(13)]
    fewer = [100.0] * 39 + [100.0 + 5 * week for week in range(13)]

    trend = only_trend([*year, *fewer])

    assert trend.direction is Direction.FALLING
    assert trend.slope == pytest.approx(-5)


@pytest.mark.parametrize("weekly", [[4.0] * 20, [50.0] * 12, []])
def test_few_units_or_few_weeks_say_nothing(weekly):
    trend = only_trend(weekly)

    assert trend.direction is Direction.TOO_THIN
    assert np.isnan(trend.slope)
