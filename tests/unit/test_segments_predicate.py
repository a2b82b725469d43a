"""Conditions asked of one customer."""

from __future__ import annotations

from typing import Any

import pytest

from engine.domain.events import EventType
from engine.errors import RequestInvalid
from engine.segments.conditions import DAY_MS
from engine.segments.parse import parse
from engine.segments.predicate import Person, holds
from tests.segment_conditions import FEATURES, NOW_MS


def asked(given: dict[str, Any], person: Person) -> bool:
    return holds(parse(given, FEATURES), person, now_ms=NOW_MS)


def of(**values: Any) -> Person:
    return Person(values, {})


def told(**attributes: Any) -> Person:
    return Person({}, attributes)


@pytest.mark.parametrize(
    ("op", "holding"),
    [
        ({"is": 3}, [3]),
        ({"is_not": 3}, [2, 4, 5]),
        ({"in": [2, 5]}, [2, 5]),
        ({"above": 3}, [4, 5]),
        ({"at_least": 3}, [3, 4, 5]),
        ({"below": 3}, [2]),
        ({"at_most": 3}, [2, 3]),
        ({"between": [3, 4]}, [3, 4]),
        ({"known": True}, [2, 3, 4, 5]),
        ({"known": False}, []),
    ],
)
def test_numbers_compare(op: dict[str, Any], holding: list[int]):
    condition = {"feature": "orders", **op}

    assert [n for n in (2, 3, 4, 5) if asked(condition, of(orders=float(n)))] == holding


@pytest.mark.parametrize("unknown", [{}, {"orders": None}, {"orders": float("nan")}])
@pytest.mark.parametrize("op", [{"is": 3}, {"is_not": 3}, {"below": 3}, {"in": [3]}])
def test_a_comparison_with_the_unknown_is_false_and_not_turns_it(unknown, op):
    condition = {"feature": "orders", **op}

    assert not asked(condition, of(**unknown))
    assert asked({"not": condition}, of(**unknown))
    assert asked({"feature": "orders", "known": False}, of(**unknown))


def test_a_moment_lies_within_days_of_now_on_either_side():
    week = {"feature": "last_order_at", "within_days": 7}
    far = {"feature": "last_order_at", "not_within_days": 7}

    for at in (NOW_MS - 7 * DAY_MS, NOW_MS, NOW_MS + 7 * DAY_MS):
        assert asked(week, of(last_order_at=at))
        assert not asked(far, of(last_order_at=at))
    for at in (NOW_MS - 7 * DAY_MS - 1, NOW_MS + 7 * DAY_MS + 1):
        assert not asked(week, of(last_order_at=at))
        assert asked(far, of(last_order_at=at))
    assert not asked(week, of())
    assert not asked(far, of())


def test_moments_count_in_whole_milliseconds_as_the_table_holds_them():
    edge = NOW_MS + 7 * DAY_MS + 0.9

    assert asked({"feature": "last_order_at", "within_days": 7}, of(last_order_at=edge))


def test_a_flag_may_be_a_number():
    condition = {"feature": "turning", "is": True}

    assert [asked(condition, of(turning=value)) for value in (True, 1.0, False, 0.0, None)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_attributes_compare_with_their_own_type_only():
    for value, holding in (("5", "5"), (5, 5), (True, True)):
        for asked_for in ("5", 5, True):
            condition = {"attribute": "x", "is": asked_for}
            assert asked(condition, told(x=value)) is (
                asked_for == holding and type(asked_for) is type(holding)
            )
    assert asked({"attribute": "x", "is": 5}, told(x=5.0))


@pytest.mark.parametrize("odd", [None, ["a"], {"a": 1}, "a\x00", float("nan"), 10**400])
def test_what_cannot_be_compared_is_unknown(odd: object):
    assert asked({"attribute": "x", "known": False}, told(x=odd))
    assert not asked({"attribute": "x", "is_not": "b"}, told(x=odd))


def test_events_are_counted_in_the_window_that_was_asked_for():
    calls = []

    def count(*given: object) -> int:
        calls.append(given)
        return 2

    person = Person({}, {}, count)
    condition = {"events": "view_item", "between": [1, 2], "within_days": 30, "item_id": "tea"}

    assert asked(condition, person)
    assert not asked({"events": "purchase", "above": 2}, person)
    assert calls == [
        (EventType.VIEW_ITEM, NOW_MS - 30 * DAY_MS, "tea"),
        (EventType.PURCHASE, None, None),
    ]


def test_a_segment_that_nobody_resolved_is_refused():
    with pytest.raises(RequestInvalid, match="'loyal' is not resolved"):
        asked({"segment": "loyal"}, of())
