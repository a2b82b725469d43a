"""How far visits came, and when two funnels may be compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.shop.funnel import (
    BROWSER,
    BUYER,
    SHOPPER,
    VISITOR,
    Funnel,
    Verdict,
    campaign_of,
    compare,
    funnels,
    levels,
    repeats,
)
from engine.loyalty.states import (
    BOT,
    CHECKOUT,
    CLICKED,
    DIRECT,
    IN_CART,
    OPENED,
    ORDERED,
    VIEWED,
    VIEWED_TWICE,
)
from tests.shop_states import at, some_mails, some_orders, some_visits

CONFIG = LoyaltyConfig()


def only_funnel(customers, *, now="2026-12-31"):
    visits = some_visits(customers)
    orders = some_orders([[when[:10] for when, bits in own if bits & ORDERED] for own in customers])
    again = repeats(visits, orders, now_ms=at(now), days=90)
    group = np.zeros(len(visits), dtype=np.int32)
    return funnels(visits, again, group=group, names=["all"])[0]


@pytest.mark.parametrize(
    ("steps", "level"),
    [
        (0, VISITOR),
        (DIRECT, VISITOR),
        (VIEWED, BROWSER),
        (VIEWED | VIEWED_TWICE, SHOPPER),
        (IN_CART, SHOPPER),
        (CHECKOUT, SHOPPER),
        (ORDERED, BUYER),
        (VIEWED | IN_CART | ORDERED, BUYER),
    ],
)
def test_a_visit_came_as_far_as_its_furthest_step(steps, level):
    assert levels(np.asarray([steps], dtype=np.int32)).tolist() == [level]


def test_counts_are_nested_and_programs_are_left_out():
    funnel = only_funnel(
        [
            [("2026-01-01", 0), ("2026-01-02", VIEWED), ("2026-01-03", VIEWED | BOT)],
            [("2026-01-01", VIEWED | IN_CART), ("2026-01-02", ORDERED)],
        ]
    )

    assert funnel.counts == (4, 3, 2, 1)


@given(st.lists(st.integers(0, 127), max_size=40))
def test_every_later_step_is_no_larger(steps):
    funnel = only_funnel([[("2026-01-01", each) for each in steps]])

    assert list(funnel.counts) == sorted(funnel.counts, reverse=True)


def test_an_order_counts_as_repeated_only_once_its_days_are_over():
    customers = [
        [("2026-01-01", ORDERED), ("2026-02-01", ORDERED)],
        [("2026-01-01", ORDERED)],
        [("2026-01-01", ORDERED), ("2026-06-01", ORDERED)],
    ]

    funnel = only_funnel(customers, now="2026-04-15")

    # 1 January of all three is over; 1 February's 90 days are not, and 1 June has not been.
    assert (funnel.repeated, funnel.matured) == (1, 3)


def test_another_customers_order_is_no_repeat():
    visits = some_visits([[("2026-01-01", ORDERED)], [("2026-01-05", ORDERED)]])
    orders = some_orders([["2026-01-01"], ["2026-01-05"]])

    assert repeats(visits, orders, now_ms=at("2026-12-31"), days=90).tolist() == [0, 0]


def test_a_difference_is_judged_and_marked_as_descriptive():
    one, other = Funnel("one", (1000, 800, 400, 200)), Funnel("other", (1000, 500, 250, 125))

    steps = {each.step: each for each in compare(one, other, config=CONFIG, randomised=False)}

    assert steps["browsed"].verdict is Verdict.HIGHER
    assert steps["shopped"].verdict is Verdict.ALIKE
    assert steps["browsed"].z == pytest.approx(0.3 / np.sqrt(0.65 * 0.35 * 2 / 1000))
    assert all(each.descriptive for each in steps.values())


def test_holm_runs_over_the_steps_that_are_judged():
    one, other = Funnel("one", (1000, 540, 300, 150)), Funnel("other", (1000, 490, 270, 130))

    steps = {each.step: each for each in compare(one, other, config=CONFIG, randomised=True)}

    # Two-sided p of z = .05 / sqrt(.515 x .485 x 2 / 1000) = 2.237 is .0253; four steps are judged.
    assert steps["browsed"].p == pytest.approx(4 * 0.0253, abs=0.0005)
    assert steps["browsed"].verdict is Verdict.ALIKE


def test_a_cell_below_the_least_gets_no_verdict():
    one, other = Funnel("one", (1000, 500, 250, 29)), Funnel("other", (1000, 500, 250, 200))

    steps = {each.step: each for each in compare(one, other, config=CONFIG, randomised=True)}

    assert steps["bought"].verdict is Verdict.TOO_THIN
    assert steps["visit to order"].verdict is Verdict.TOO_THIN
    assert steps["shopped"].verdict is Verdict.ALIKE


def test_a_shop_that_sends_orders_only_gets_no_verdict_at_all():
    funnel = only_funnel([[("2026-01-01", ORDERED)]] * 200)

    steps = compare(funnel, funnel, config=CONFIG, randomised=True)

    assert not funnel.browsing
    assert {each.verdict for each in steps} == {Verdict.TOO_THIN}


def test_a_visit_belongs_to_the_mail_clicked_last_in_the_day_before():
    visits = some_visits(
        [
            [("2026-01-02T10:00", VIEWED), ("2026-01-05T10:00", VIEWED)],
            [("2026-01-02T10:00", VIEWED)],
        ]
    )
    mails = some_mails(
        [
            [
                ("2026-01-01T20:00", CLICKED, 3),
                ("2026-01-02T09:59", CLICKED, 5),
                ("2026-01-05T09:59", OPENED, 6),
            ],
            [],
        ]
    )

    assert campaign_of(visits, mails, hours=24).tolist() == [5, -1, -1]


def test_no_clicks_mean_no_campaign():
    visits = some_visits([[("2026-01-02", VIEWED)]])

    assert campaign_of(visits, some_mails([[]]), hours=24).tolist() == [-1]
