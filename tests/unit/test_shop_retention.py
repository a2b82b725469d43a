"""Cohorts, retention and the second order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loyalty.shop.months import first_of, month_of, month_start_ms
from engine.loyalty.shop.retention import (
    cohorts,
    kaplan_meier,
    kept_at_half_life,
    repurchase_rate,
    retention,
    second_order,
)
from tests.shop_states import at, some_orders

JANUARY = month_of(at("2026-01-01"))


def test_a_cohort_table_counts_who_ordered_in_each_month_after_the_first():
    orders = some_orders(
        [
            ["2026-01-05", "2026-01-20", "2026-03-01"],
            ["2026-01-31", "2026-02-01"],
            ["2026-02-10", "2026-03-10"],
            [],
        ]
    )

    found = cohorts(orders, now_ms=at("2026-04-15"))

    assert found.month.tolist() == [JANUARY, JANUARY + 1]
    assert found.size.tolist() == [2, 1]
    assert found.active.tolist() == [[2, 1, 1], [1, 1, -1]]
    assert found.shares()[0].tolist() == [1.0, 0.5, 0.5]


def test_the_month_that_is_not_over_is_not_counted():
    orders = some_orders([["2026-01-05", "2026-02-03"], ["2026-02-05"]])

    found = cohorts(orders, now_ms=at("2026-02-20"))

    assert found.active.tolist() == [[1]]


def test_a_month_without_any_order_is_a_month_all_the_same():
    found = cohorts(some_orders([["2026-01-05"]]), now_ms=at("2026-04-01"))

    assert found.active.tolist() == [[1, 0, 0]]


def test_without_a_month_that_is_over_there_are_no_cohorts():
    assert cohorts(some_orders([["2026-01-05"], []]), now_ms=at("2026-01-20")) is None
    assert cohorts(some_orders([]), now_ms=at("2026-01-20")) is None


def test_retention_is_the_share_of_last_periods_customers_who_came_again():
    orders = some_orders(
        [["2026-01-05", "2026-02-05"], ["2026-01-06", "2026-03-06"], ["2026-02-07", "2026-03-07"]]
    )

    found = retention(orders, now_ms=at("2026-04-02"), months=1, confidence=0.95)

    assert [(each.month, each.share.hits, each.share.trials) for each in found] == [
        (JANUARY + 1, 1, 2),
        (JANUARY + 2, 1, 2),
    ]


def test_quarters_end_with_the_last_month_that_is_over():
    orders = some_orders([["2025-09-15", "2025-11-15", "2026-02-01"], ["2025-12-01"]])

    found = retention(orders, now_ms=at("2026-03-10"), months=3, confidence=0.95)

    # September to November, then December to February.
    assert [(first_of(each.month).isoformat(), each.share.value) for each in found] == [
        ("2025-12-01", 1.0)
    ]


def test_half_lost_in_five_years_keeps_87_percent_a_year_and_99_a_month():
    assert kept_at_half_life(5, months=12) == pytest.approx(0.8706, abs=5e-5)
    assert kept_at_half_life(5, months=1) == pytest.approx(0.9885, abs=5e-5)


def test_only_customers_of_a_year_are_asked_whether_they_bought_again():
    orders = some_orders([["2025-01-01", "2025-02-01"], ["2025-03-01"], ["2026-04-01"], []])

    rate = repurchase_rate(orders, now_ms=at("2026-05-01"), mature_days=365, confidence=0.95)

    assert (rate.hits, rate.trials) == (1, 2)


def test_kaplan_meier_gives_the_remission_times_of_freireich_1963():
    # 6-MP arm, weeks; as in Cox & Oakes (1984) and Klein & Moeschberger (2003), table 4.1.
    relapsed = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    weeks = np.asarray([*relapsed, *censored], dtype=np.float64)
    happened = np.asarray([True] * len(relapsed) + [False] * len(censored))

    found = kaplan_meier(weeks, happened)

    assert found.days.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert found.without == pytest.approx(
        [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], abs=5e-4
    )
    assert found.median() == 23
    assert found.by(9) == pytest.approx(0.193, abs=5e-4)


def test_who_has_not_ordered_again_yet_still_waits():
    orders = some_orders([["2026-01-01", "2026-01-11"], ["2026-01-01"], ["2026-01-26"], []])

    found = second_order(orders, now_ms=at("2026-01-31"))

    assert found.days.tolist() == [10]
    # One of the two who were still waiting on day 10.
    assert found.without.tolist() == [0.5]


def test_nobody_gives_an_empty_curve():
    found = second_order(some_orders([]), now_ms=at("2026-01-31"))

    assert len(found.days) == 0
    assert found.by(90) == 0
    assert np.isnan(found.median())


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=60))
def test_without_censoring_the_curve_is_the_share_that_waited_longer(waits):
    days = np.asarray([each for each, _ in waits], dtype=np.float64)

    found = kaplan_meier(days, np.ones(len(days), dtype=bool))

    assert found.without == pytest.approx([(days > each).mean() for each in found.days])


def test_months_start_on_their_first_day():
    assert month_start_ms(month_of(at("2026-02-28T23:59:59"))) == at("2026-02-01")
