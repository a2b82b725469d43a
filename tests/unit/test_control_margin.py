"""Margin as far as relevance allows."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from engine.recommend.control.config import Control
from engine.recommend.control.shortlist import Rule
from tests.controlling import a_shortlist, arranged, items_of, rules_of, some_goods

# Relevance 1, .9, .8, .5 and 0.
FIVE = {0: 10.0, 1: 9.0, 2: 8.0, 3: 5.0, 4: 0.0}
RELEVANCE = np.asarray([1.0, 0.9, 0.8, 0.5, 0.0])
MARGIN = np.asarray([10.0, 50.0, 20.0, 100.0, 1000.0])
DISCOUNT = 1 / np.log2([2, 3])


def relevance_of(items) -> float:
    return float(DISCOUNT @ RELEVANCE[list(items)])


def margin_of(items) -> float:
    return float(DISCOUNT @ (RELEVANCE * MARGIN)[list(items)])


def two_places(tolerance: float):
    goods = some_goods([0] * 5, margin=MARGIN.tolist())
    return arranged(a_shortlist(FIVE), goods, Control(margin_tolerance=tolerance), limit=2)


def test_a_tie_that_costs_no_relevance_goes_to_margin() -> None:
    goods = some_goods([0] * 3, margin=[1, 2, 3])

    lists = arranged(
        a_shortlist({0: 5.0, 1: 5.0, 2: 0.0}), goods, Control(margin_tolerance=0.001), limit=1
    )

    assert items_of(lists) == [1]
    assert rules_of(lists) == [Rule.MARGIN]
    assert lists.relevance_lost.tolist() == [0]
    assert lists.margin_gained.tolist() == [1]


def test_a_list_gives_up_what_is_tolerated_and_tells_what_it_got() -> None:
    lists = two_places(0.05)

    # Of all lists of two the best margin within 5 % of 1 + .9 x .631: 1 before 0.
    best = max(
        (
            each
            for each in permutations(range(5), 2)
            if relevance_of(each) >= 0.95 * relevance_of([0, 1])
        ),
        key=margin_of,
    )
    assert tuple(items_of(lists)) == best == (1, 0)
    before, after = relevance_of([0, 1]), relevance_of(best)
    np.testing.assert_allclose(lists.relevance_lost, (before - after) / before, rtol=1e-5)
    np.testing.assert_allclose(
        lists.margin_gained, margin_of(best) / margin_of([0, 1]) - 1, rtol=1e-5
    )


@pytest.mark.parametrize("tolerance", [0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0])
def test_no_more_relevance_is_lost_than_tolerated_and_margin_never_falls(tolerance) -> None:
    lists = two_places(tolerance)

    own = items_of(lists)
    assert relevance_of(own) >= (1 - tolerance) * relevance_of([0, 1]) - 1e-6
    assert margin_of(own) >= margin_of([0, 1])
    assert lists.relevance_lost[0] <= tolerance + 1e-6


def test_a_list_that_may_give_up_everything_has_the_most_expected_margin() -> None:
    best = max(permutations(range(5), 2), key=margin_of)

    assert tuple(items_of(two_places(1.0))) == best == (3, 1)


def test_what_nobody_wants_is_not_shown_for_its_margin() -> None:
    assert 4 not in items_of(two_places(1.0))


def test_each_customer_gives_up_no_more_than_the_tolerance_alone() -> None:
    goods = some_goods([0] * 5, margin=MARGIN.tolist())
    near, far = {0: 1.0, 3: 0.999, 4: 0.0}, {0: 1.0, 3: 0.1, 4: 0.0}

    lists = arranged(a_shortlist(near, far), goods, Control(margin_tolerance=0.01), limit=1)

    assert lists.item[:, 0].tolist() == [3, 0]
    assert lists.relevance_lost[1] == 0


def test_margins_that_are_all_the_same_leave_the_order() -> None:
    goods = some_goods([0] * 5)

    lists = arranged(a_shortlist(FIVE), goods, Control(margin_tolerance=0.5))

    assert items_of(lists) == [0, 1, 2, 3, 4]
    assert not lists.rule.any()


def test_margin_keeps_to_the_cap() -> None:
    goods = some_goods([0, 1, 1, 1, 1], margin=MARGIN.tolist())
    control = Control(margin_tolerance=1.0, category_cap=1)

    lists = arranged(a_shortlist(FIVE), goods, control, limit=2)

    assert items_of(lists) == [3, 0]


def test_what_sells_at_a_loss_sinks_when_margin_counts() -> None:
    goods = some_goods([0] * 3, margin=[-100, 10, 10])

    lists = arranged(
        a_shortlist({0: 1.0, 1: 0.9, 2: 0.0}), goods, Control(margin_tolerance=0.2), limit=1
    )

    assert items_of(lists) == [1]
    # From -100 to 9.
    np.testing.assert_allclose(lists.margin_gained, 1.09, rtol=1e-5)
