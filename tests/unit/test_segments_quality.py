"""Checks of a segment against the rest. Expected values by hand or from published tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.segments.quality import (
    Advice,
    Check,
    Costs,
    Outcome,
    all_of,
    any_of,
    category_check,
    cramers_v,
    eta_squared,
    items_check,
    profit,
    reachable_check,
    response_check,
    response_p_value,
    share_check,
    size_check,
    stability_check,
    value_check,
)

PASSED, FAILED, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN
# Snee (1974): hair by eye colour of 592 students; chi-square 138.29, Cramer's V .279.
HAIR_EYES = np.array([[68, 20, 15, 5], [119, 84, 54, 29], [26, 17, 14, 14], [7, 94, 10, 16]])


def test_cramers_v_of_a_published_table():
    assert cramers_v(HAIR_EYES) == pytest.approx(math.sqrt(138.29 / (592 * 3)), abs=1e-5)
    assert cramers_v(HAIR_EYES) == pytest.approx(0.279, abs=5e-4)


def test_cramers_v_by_hand():
    # chi2 = 100 (40 * 40 - 10 * 10)^2 / 50^4 = 36, V = sqrt(36 / 100).
    assert cramers_v(np.array([[40, 10], [10, 40]])) == pytest.approx(0.6)
    assert cramers_v(np.array([[5, 0], [0, 7]])) == pytest.approx(1.0)
    assert cramers_v(np.array([[5, 10], [1, 2]])) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("counts", [[[0, 0], [0, 0]], [[3, 0], [4, 0]], [[3, 4], [0, 0]]])
def test_cramers_v_needs_two_rows_and_columns(counts):
    assert math.isnan(cramers_v(np.array(counts)))


@given(st.lists(st.tuples(*[st.integers(0, 50)] * 2), min_size=1, max_size=6))
def test_cramers_v_lies_in_0_to_1_and_ignores_the_order_of_categories(columns):
    counts = np.array(columns).T

    value = cramers_v(counts)

    assert math.isnan(value) or -1e-9 <= value <= 1 + 1e-9
    assert cramers_v(counts[:, ::-1]) == pytest.approx(value, nan_ok=True)


def test_eta_squared_by_hand():
    # Total 4 + 1 + 0 + 0 + 1 + 4 = 10, between 3 * 1 + 3 * 1 = 6.
    groups = [np.array([1.0, 2, 3]), np.array([3.0, 4, 5])]

    assert eta_squared(groups) == pytest.approx(0.6)
    assert math.isnan(eta_squared([np.ones(3), np.ones(3)]))
    assert math.isnan(eta_squared([np.empty(0), np.empty(0)]))


def test_a_segment_that_buys_other_things_differs():
    check = category_check(np.array([[40, 10], [10, 40]]))

    assert (check.outcome, check.value, check.threshold) == (PASSED, pytest.approx(0.6), 0.1)
    assert check.sentence == (
        "Cramér's V of the favourite category, segment against others, is 0.60; "
        "0.10 makes a difference"
    )
    assert category_check(np.array([[50, 50], [500, 510]])).outcome is FAILED


@pytest.mark.parametrize("counts", [[[10, 10], [500, 400]], [[50, 0], [50, 0]]])
def test_too_few_customers_or_categories_say_nothing(counts):
    check = category_check(np.array(counts))

    assert check.outcome is UNKNOWN
    assert math.isnan(check.value)
    assert check.sentence.startswith("not known: needs 30 customers")


def test_a_segment_worth_more_differs():
    # In logarithms -1 and 1 beside 0 and 2: total 30 * (2.25 + .25 + .25 + 2.25) = 150, between
    # 120 * .25 = 30.
    segment, others = np.exp([0.0, 2.0] * 30), np.exp([-1.0, 1.0] * 30)

    check = value_check(segment, others)

    assert (check.outcome, check.value) == (PASSED, pytest.approx(0.2))
    assert "explains 20.0%" in check.sentence


def test_customers_without_a_margin_have_no_logarithm():
    margins = np.concatenate([np.full(29, 5.0), [0.0, -3.0, np.nan]])

    assert value_check(margins, np.linspace(1, 9, 40)).outcome is UNKNOWN


def test_a_segment_that_answers_differently():
    # Chi-square 36 with one degree of freedom: p = erfc(sqrt(36 / 2)).
    p_value = response_p_value((40, 10), (50, 50))

    assert p_value == pytest.approx(math.erfc(math.sqrt(18)))
    assert response_check(p_value).outcome is PASSED
    assert response_check(response_p_value((25, 24), (50, 50))).outcome is FAILED


@pytest.mark.parametrize(("answered", "asked"), [((1, 2), (50, 50)), ((0, 0), (0, 9))])
def test_few_responses_say_nothing(answered, asked):
    assert response_check(response_p_value(answered, asked)).outcome is UNKNOWN


def test_a_segment_that_pays():
    found = profit(np.array([500.0, 300.0, np.nan]), Costs(400, 200, 100))

    assert (found.check.value, found.advice) == (100.0, Advice.OK)
    assert found.check.sentence.startswith("2 of 3 customers are expected to leave 100 minor")


def test_a_segment_that_does_not_pay_is_merged():
    found = profit(np.array([700.0]), Costs(400, 200, 100))

    assert (found.check.value, found.advice) == (0.0, Advice.MERGE)


@pytest.mark.parametrize(
    ("margins", "costs"),
    [([1.0], Costs(400, 200)), ([np.nan], Costs(1, 1, 1)), ([], Costs(1, 1, 1))],
)
def test_profit_needs_margins_and_all_costs(margins, costs):
    assert profit(np.array(margins, dtype=float), costs).advice is Advice.UNKNOWN


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        (size_check(100), PASSED),
        (size_check(99), FAILED),
        (share_check(10, 1_000), PASSED),
        (share_check(10, 1_001), FAILED),
        (share_check(0, 0), UNKNOWN),
        (reachable_check(20, 100), PASSED),
        (reachable_check(19, 100), FAILED),
        (reachable_check(None, 100), UNKNOWN),
        (reachable_check(0, 0), UNKNOWN),
        (stability_check(["a", "b", "c", "d", "e"], ["a", "b", "c", "x"]), PASSED),
        (stability_check(["a", "b", "c", "d", "e"], ["a", "b"]), FAILED),
        (stability_check(None, ["a"]), UNKNOWN),
        (stability_check([], ["a"]), UNKNOWN),
        (items_check(6), PASSED),
        (items_check(5), FAILED),
        (items_check(None), UNKNOWN),
    ],
)
def test_what_makes_a_segment_feasible(check: Check, outcome: Outcome):
    assert check.outcome is outcome
    assert check.sentence


def test_one_difference_is_enough_and_one_obstacle_too_many():
    passed, failed, unknown = size_check(100), size_check(1), share_check(0, 0)

    assert any_of([failed, passed, unknown]) is PASSED
    assert any_of([failed, unknown]) is FAILED
    assert any_of([unknown]) is UNKNOWN
    assert all_of([passed, passed]) is PASSED
    assert all_of([passed, unknown]) is UNKNOWN
    assert all_of([passed, unknown, failed]) is FAILED
    assert all_of([]) is UNKNOWN
