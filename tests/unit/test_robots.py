"""Robots: who is one, and what comes of what they do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from api.robots import Pace, is_robot
from engine.domain.events import EventType, digest
from engine.loyalty.fold.seen import Seen
from engine.loyalty.state import NEW, apply_all
from engine.loyalty.states import BOT
from tests.events import DAY_0, a_line, a_purchase, a_view, an_event

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("agent", "robot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        (f"{CHROME}HeadlessChrome/120.0.0.0 Safari/537.36", True),
        ("Mozilla/5.0 (compatible; Baiduspider/2.0)", True),
        (f"{CHROME}Chrome/120.0.0.0 Safari/537.36", False),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT X19) Chrome/120.0 Mobile", False),
        ("analytics-python/2.4.0", False),
        ("shopbot-backend/1.0", False),
        ("", False),
        (None, False),
    ],
)
def test_browsers_that_call_themselves_robots_are_robots(agent: str | None, robot: bool):
    assert is_robot(agent) is robot


def views(count: int, *, seconds: float, **fields):
    return [
        a_view(f"e{number}", occurred_at=DAY_0 + timedelta(seconds=number * seconds), **fields)
        for number in range(count)
    ]


def test_from_the_hundred_and_twenty_first_view_within_a_minute_on_it_is_a_robot():
    # 0.4 seconds apart, 150 views are in a minute.
    judged = Pace().judged(views(150, seconds=0.4), now=DAY_0)

    marks = [event.properties.get("bot", False) for event in judged]
    assert marks == [False] * 120 + [True] * 30


def test_two_views_a_second_are_no_robot_however_long_and_however_late_they_arrive():
    judged = Pace().judged(views(1_000, seconds=0.5), now=DAY_0 + timedelta(days=3))

    assert not any(event.properties for event in judged)


def test_the_same_views_again_are_no_robot():
    pace, sent = Pace(), views(100, seconds=0.1)

    for _ in range(5):
        judged = pace.judged(sent, now=DAY_0)

    assert judged == sent


def test_orders_are_never_a_robots():
    orders = [a_purchase(f"e{number}") for number in range(500)]

    assert Pace().judged(orders, now=DAY_0) == orders


def test_only_so_many_ids_are_remembered():
    pace = Pace(most_ids=2)
    for who in ("a", "b", "c"):
        pace.judged(views(120, seconds=0.1, customer_id=who), now=DAY_0)

    (again,) = pace.judged([a_view("x", customer_id="a")], now=DAY_0)
    (known,) = pace.judged(
        [a_view("x", customer_id="c", occurred_at=DAY_0 + timedelta(seconds=13))], now=DAY_0
    )

    assert (again.properties, known.properties) == ({}, {"bot": True})


def test_what_a_robot_did_is_a_robots_visit_and_nothing_else():
    told = {"bot": True}
    state = apply_all(
        NEW,
        [
            a_view("e1", lines=(a_line("tea"),), properties=told),
            an_event("e2", EventType.PAGE_VIEW, properties=told),
        ],
    )

    assert (state.seen, state.interests) == (Seen(), ())
    (visit,) = state.visits
    assert visit.steps & BOT


def test_an_event_is_the_same_whoever_is_held_to_have_done_it():
    assert digest(a_view("e1")) == digest(a_view("e1", properties={"bot": True}))


def test_a_custom_event_is_no_sign_of_the_customer():
    assert apply_all(NEW, [an_event("e1", EventType.CUSTOM)]) == NEW
