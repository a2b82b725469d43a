from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given

from engine.domain.events import Event, EventType
from engine.domain.histories import DAY_MS
from engine.domain.particulars import VISIT_TYPES
from engine.loyalty.fold.rows import KEPT_DAYS
from engine.loyalty.state import time_ms
from engine.loyalty.states import (
    BOT,
    CHECKOUT,
    DIRECT,
    IN_CART,
    ORDERED,
    VIEWED,
    VIEWED_TWICE,
)
from tests.event_histories import lives
from tests.events import DAY_0, a_line, a_purchase, a_view, an_event
from tests.gathered import gathered, rows

NOON = time_ms(a_view("noon"))
MINUTE = 60_000


def minutes(number: float):
    return DAY_0 + timedelta(minutes=number)


def visit(*events: Event) -> int:
    """What was done in the only visit."""
    (steps,) = gathered(*events).visits.steps.tolist()
    return steps


@given(lives(types=VISIT_TYPES, most=20))
def test_visits_are_those_of_all_events_read_in_the_order_of_time(events: list[Event]):
    read: list[list[Event]] = []
    for event in sorted(events, key=time_ms):
        last = time_ms(read[-1][-1]) if read else 0
        same_day = time_ms(event) // DAY_MS == last // DAY_MS
        if read and same_day and time_ms(event) - last <= 30 * MINUTE:
            read[-1].append(event)
        else:
            read.append([event])
    last_day = max((time_ms(event) // DAY_MS for event in events), default=0)

    visits = gathered(*events).visits

    expected = [
        (time_ms(own[0]), time_ms(own[-1]), len(own), _viewed_twice(own))
        for own in read
        if time_ms(own[0]) // DAY_MS > last_day - KEPT_DAYS
    ]
    assert [
        (start, end, count, steps & VIEWED_TWICE > 0)
        for start, end, count, steps in rows(visits, "start", "end", "events", "steps")
    ] == expected


def _viewed_twice(events: list[Event]) -> bool:
    views = Counter(
        line.item_id
        for event in events
        if event.type is EventType.VIEW_ITEM
        for line in event.lines
    )
    return any(count > 1 for count in views.values())


def test_a_pause_of_half_an_hour_does_not_end_a_visit_and_a_longer_one_does():
    events = [
        a_view("e1"),
        a_view("e2", occurred_at=minutes(30)),
        a_view("e3", occurred_at=minutes(60) + timedelta(milliseconds=1)),
    ]

    visits = gathered(*events).visits

    assert rows(visits, "start", "end", "events") == [
        (NOON, NOON + 30 * MINUTE, 2),
        (NOON + 60 * MINUTE + 1, NOON + 60 * MINUTE + 1, 1),
    ]


def test_midnight_ends_a_visit():
    events = [a_view(f"e{n}", occurred_at=minutes(12 * 60 + n - 1)) for n in range(2)]

    assert len(gathered(*events).visits) == 2


def test_an_event_that_comes_late_joins_the_visits_around_it_and_what_was_viewed_in_them():
    tea, jam = (a_line("tea"),), (a_line("jam"),)
    before = a_view("e1", lines=tea)
    after = a_view("e2", lines=tea, occurred_at=minutes(50))
    between = a_view("e3", lines=jam, occurred_at=minutes(25))

    apart, together = gathered(before, after).visits, gathered(before, after, between).visits

    assert apart.steps.tolist() == [VIEWED, VIEWED]
    assert rows(together, "end", "events", "steps") == [
        (NOON + 50 * MINUTE, 3, VIEWED | VIEWED_TWICE)
    ]


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        (EventType.VIEW_ITEM, VIEWED),
        (EventType.VIEW_ITEM_LIST, VIEWED),
        (EventType.SELECT_ITEM, VIEWED),
        (EventType.SEARCH, VIEWED),
        (EventType.ADD_TO_CART, IN_CART),
        (EventType.REMOVE_FROM_CART, 0),
        (EventType.BEGIN_CHECKOUT, CHECKOUT),
        (EventType.PURCHASE, ORDERED),
    ],
)
def test_every_event_of_a_visit_is_a_step(kind: EventType, step: int):
    assert visit(an_event("e1", kind, lines=(a_line("tea"),))) == step


def test_who_comes_by_themselves_comes_directly():
    by_name = an_event("e1", EventType.SEARCH, properties={"channel": "brand_search"})
    by_mail = an_event("e1", EventType.SEARCH, properties={"channel": "email"})

    assert visit(by_name) == VIEWED | DIRECT
    assert visit(by_mail) == VIEWED


def test_a_robot_is_known_by_its_word_or_by_its_speed():
    honest = a_view("e1", properties={"bot": True})
    quick = [a_view(f"e{n}", occurred_at=minutes(n / 200)) for n in range(121)]
    slower = quick[:-1]

    assert visit(honest) == visit(*quick) == VIEWED | BOT
    assert visit(*slower) == VIEWED


def test_over_two_minutes_two_hundred_and_forty_events_are_no_robot():
    human = [a_view(f"e{n}", occurred_at=minutes(2 * n / 239)) for n in range(240)]

    assert visit(*human) == VIEWED
    assert visit(*human, a_view("more")) == VIEWED | BOT


def test_paying_a_day_after_is_no_sign_of_a_robot():
    assert visit(a_purchase("e1", properties={"days_to_pay": 1, "bot": True})) == ORDERED
