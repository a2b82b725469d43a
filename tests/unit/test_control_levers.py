"""Wishes of the shop on the items of a model."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.recommend.control.config import Boost, Bury, Control, Pin
from engine.recommend.control.levers import Levers
from tests.builders import DAY_ZERO, DAY_ZERO_MS
from tests.controlling import levers_of, some_goods

DAY_MS = 86_400_000
GOODS = some_goods([0, 0, 1, -1], brand=[0, 1, 1, -1])


def days(count: float) -> timedelta:
    return timedelta(days=count)


def test_a_wish_reaches_the_items_it_names() -> None:
    control = Control(
        boosts=(Boost(category="c0", factor=2.0), Boost(brand="b1", add=0.25)),
        buries=(Bury(item_id="3"), Bury(category="c1")),
    )

    wishes = levers_of(control, GOODS).at(DAY_ZERO_MS)

    assert wishes.factor.tolist() == [2, 2, 1, 1]
    assert wishes.add.tolist() == [0, 0.25, 0.25, 0]
    assert wishes.buried.tolist() == [False, False, True, True]


def test_what_does_not_hold_now_changes_nothing() -> None:
    later = DAY_ZERO + days(1)
    control = Control(
        boosts=(Boost(category="c0", factor=2.0, valid_from=later),),
        buries=(Bury(item_id="3", until=DAY_ZERO),),
        pins=(Pin(item_id="1", place=1, valid_from=later),),
    )

    wishes = levers_of(control, GOODS).at(DAY_ZERO_MS)

    assert (wishes.factor, wishes.add, wishes.buried, wishes.pins) == (None, None, None, ())


def test_wishes_are_kept_until_one_begins_or_ends() -> None:
    control = Control(
        boosts=(Boost(item_id="0", valid_from=DAY_ZERO + days(1), until=DAY_ZERO + days(3)),)
    )
    levers = levers_of(control, GOODS)

    first, same = levers.at(DAY_ZERO_MS + DAY_MS), levers.at(DAY_ZERO_MS + 3 * DAY_MS - 1)
    ended = levers.at(DAY_ZERO_MS + 3 * DAY_MS)
    back = levers.at(DAY_ZERO_MS + 2 * DAY_MS)

    assert same is first
    assert ended.factor is None
    assert back.factor is not None


def test_of_two_pins_in_each_others_way_the_first_one_stands() -> None:
    control = Control(
        pins=(
            Pin(item_id="1", place=1),
            Pin(item_id="2", place=1),
            Pin(item_id="1", place=2),
            Pin(item_id="strange", place=3),
            Pin(item_id="0", place=3),
        )
    )
    levers = levers_of(control, GOODS)

    assert levers.at(DAY_ZERO_MS).pins == ((0, 1), (2, 0))
    assert levers.pinned(DAY_ZERO_MS) == (1, 0)


def test_wishes_for_what_nobody_has_are_named() -> None:
    control = Control(
        boosts=(Boost(category="c9"), Boost(category="c0"), Boost(brand="b9")),
        buries=(Bury(item_id="strange"),),
        pins=(Pin(item_id="odd", place=1), Pin(item_id="0", place=2)),
    )

    unknown = levers_of(control, GOODS).unknown()

    assert unknown == ["category c9", "brand b9", "item_id strange", "item_id odd"]


@pytest.mark.parametrize("now_ms", [0, DAY_ZERO_MS, 10 * DAY_ZERO_MS])
def test_without_wishes_there_is_nothing_at_any_time(now_ms: int) -> None:
    levers: Levers = levers_of(Control(), GOODS)

    wishes = levers.at(now_ms)

    assert wishes.factor is None
    assert wishes.pins == ()
    assert levers.at(now_ms) is wishes
