"""Why a customer belongs to a segment, in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.events import EventType
from engine.segments.book import SegmentBook
from engine.segments.conditions import DAY_MS
from engine.segments.parse import parse
from engine.segments.predicate import Person, holds
from engine.segments.segment import Segment
from engine.segments.why import Why, why
from tests.segment_conditions import FEATURES, NOW_MS, conditions, population

CUSTOMERS = population(20)


def told(given: dict[str, Any], person: Person) -> Why:
    return why(parse(given, FEATURES), person, now_ms=NOW_MS)


def of(**values: Any) -> Person:
    return Person(values, {"city": "Graz", "age": 40, "club": True})


ENOUGH = {"feature": "orders", "at_least": 4}
LATE = {"feature": "overdue", "above": 1.5}


def three_views(type_: EventType, _since: int | None, _item: str | None) -> int:
    return 3 if type_ is EventType.VIEW_ITEM else 1


@pytest.mark.parametrize(
    ("given", "values", "sentence"),
    [
        (ENOUGH, {"orders": 7.0}, "orders is 7, at least 4 is asked"),
        (ENOUGH, {}, "orders is not known, at least 4 is asked"),
        (
            {"feature": "orders", "between": [1, 2000]},
            {"orders": 1234.0},
            "orders is 1,234, 1 to 2,000 is asked",
        ),
        (LATE, {"overdue": 1.5}, "overdue is 1.5, above 1.5 is asked"),
        (LATE, {"overdue": 1.50001}, "overdue is just over 1.5, above 1.5 is asked"),
        (LATE, {"overdue": 1.49999}, "overdue is just under 1.5, above 1.5 is asked"),
        (LATE, {"overdue": 1e300}, "overdue is 1e+300, above 1.5 is asked"),
        (
            {"feature": "revenue", "at_most": 100_000},
            {"revenue": 100_000.4},
            "revenue is just over 1,000.00, at most 1,000.00 is asked",
        ),
        (
            {"feature": "return_rate", "below": 0.5},
            {"return_rate": 0.125},
            "return rate is 12.5 %, below 50 % is asked",
        ),
        (
            {"feature": "revenue", "at_most": 100_000},
            {"revenue": 123_456.0},
            "revenue is 1,234.56, at most 1,000.00 is asked",
        ),
        (
            {"feature": "days_since_last", "is": 1},
            {"days_since_last": 12.0},
            "days since last is 12 days, 1 day is asked",
        ),
        ({"feature": "turning", "is": True}, {"turning": 0.0}, "turning is no, yes is asked"),
        (
            {"feature": "stage", "is_not": "loyalty"},
            {"stage": "awareness"},
            "stage is awareness, anything but loyalty is asked",
        ),
        (
            {"feature": "favourite_category", "in": list("abcdefg")},
            {"favourite_category": "tea"},
            "favourite category is tea, one of a, b, c, d, e and 2 more is asked",
        ),
        (
            {"feature": "stage", "known": False},
            {"stage": "loyalty"},
            "stage is loyalty, no value is asked",
        ),
        (
            {"feature": "last_order_at", "within_days": 7},
            {"last_order_at": float(NOW_MS - 10 * DAY_MS)},
            "last order at is 2023-11-04, 10 days ago, within 7 days is asked",
        ),
        (
            {"feature": "last_order_at", "not_within_days": 1},
            {"last_order_at": float(NOW_MS + DAY_MS // 2)},
            "last order at is 2023-11-15, 0.5 days ahead, further away than 1 day is asked",
        ),
        (
            {"feature": "last_order_at", "known": True},
            {},
            "last order at is not known, any time is asked",
        ),
        ({"attribute": "city", "is": "Wien"}, {}, "city is Graz, Wien is asked"),
        ({"attribute": "age", "above": 39}, {}, "age is 40, above 39 is asked"),
        ({"attribute": "club", "is_not": True}, {}, "club is yes, anything but yes is asked"),
        ({"attribute": "size", "is": "M"}, {}, "size is not known, M is asked"),
        (
            {"events": "view_item", "at_least": 2, "within_days": 30, "item_id": "tea"},
            {},
            "3 view item events of tea in 30 days, at least 2 is asked",
        ),
        ({"events": "purchase", "is": 0}, {}, "1 purchase event, 0 is asked"),
    ],
)
def test_a_comparison_says_what_is_and_what_is_asked(given, values, sentence):
    person = Person(values, of().attributes, three_views)

    assert told(given, person).sentence == sentence


def test_money_is_said_the_way_the_shop_says_it():
    condition = parse({"feature": "revenue", "above": 500}, FEATURES)

    found = why(condition, of(revenue=700.0), now_ms=NOW_MS, money=lambda yen: f"¥{yen:.0f}")

    assert found.sentence == "revenue is ¥700, above ¥500 is asked"


def marks(found: Why) -> list[tuple[str, bool, bool]]:
    return [(each.pointer, each.holds, each.decisive) for each in found.parts]


@pytest.mark.parametrize(
    ("word", "orders", "overdue", "expected"),
    [
        ("all", 7.0, 2.0, [("/all/0", True, True), ("/all/1", True, True)]),
        ("all", 7.0, 1.0, [("/all/0", True, False), ("/all/1", False, True)]),
        ("any", 7.0, 1.0, [("/any/0", True, True), ("/any/1", False, False)]),
        ("any", 1.0, 1.0, [("/any/0", False, True), ("/any/1", False, True)]),
    ],
)
def test_only_what_decides_is_marked(word, orders, overdue, expected):
    found = told({word: [ENOUGH, LATE]}, of(orders=orders, overdue=overdue))

    assert marks(found) == expected


def test_below_what_does_not_decide_nothing_does():
    found = told({"all": [{"any": [ENOUGH, LATE]}, LATE]}, of(orders=7.0, overdue=1.0))

    assert marks(found.parts[0]) == [("/all/0/any/0", True, False), ("/all/0/any/1", False, False)]
    assert found.reasons() == ("overdue is 1, above 1.5 is asked",)
    assert found.sentence == "1 of 2 conditions holds, all are asked"


def test_not_and_segments_pass_on_what_decides():
    loyal = Segment("loyal", "Loyal", "", parse({"all": [ENOUGH, LATE]}, FEATURES))
    outside = Segment("outside", "Outside", "", parse({"not": {"segment": "loyal"}}, FEATURES))
    book = SegmentBook([loyal, outside])

    found = why(book.condition("outside"), of(orders=7.0, overdue=1.0), now_ms=NOW_MS)

    assert (found.holds, found.sentence) == (True, "the condition below does not hold, it must not")
    [reference] = found.parts
    assert reference.sentence == "does not belong to the segment loyal"
    assert (reference.pointer, reference.parts[0].pointer) == ("/not", "")
    assert found.reasons() == ("overdue is 1, above 1.5 is asked",)


def test_values_and_what_is_asked_are_there_for_programs():
    found = told(ENOUGH, of(orders=7.0))

    assert (found.value, found.asked) == (7.0, ENOUGH)
    assert told(ENOUGH, of(orders=float("nan"))).value is None


@given(conditions, st.sampled_from(CUSTOMERS))
def test_why_says_what_the_predicate_says_and_always_gives_a_reason(tree, customer):
    condition, person = parse(tree, FEATURES), customer.person()

    found = why(condition, person, now_ms=NOW_MS)

    assert found.holds is holds(condition, person, now_ms=NOW_MS)
    assert found.reasons()
    assert all("\n" not in reason for reason in found.reasons())
