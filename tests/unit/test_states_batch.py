"""The states of all customers by SQL over the log, against the fold of each one's events."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.events import Event, EventType, Line
from engine.domain.histories import DAY_MS
from engine.loyalty.fold.rows import KEPT_DAYS
from engine.loyalty.states import (
    BOT,
    DIRECT,
    IN_CART,
    NEVER,
    ORDERED,
    VIEWED,
    VIEWED_TWICE,
    States,
)
from tests.any_events import as_read, assert_equal, folded, some_catalog, some_log
from tests.builders import DAY_ZERO, DAY_ZERO_MS, a_purchase
from training.states import states_before

FOREVER = 2**62
DAY = 86_400


def rebuilt(events: list[Event], *, cut_ms: int = FOREVER) -> States:
    return states_before(as_read(events), cut_ms=cut_ms, catalog=some_catalog())


def an_event(event_id: str, type_: EventType, *, seconds: float = 0, **fields) -> Event:
    at = DAY_ZERO + timedelta(seconds=seconds)
    return Event(event_id, type_, at, **{"customer_id": "anna", **fields})


def test_a_thousand_histories_of_everything_are_what_their_fold_is() -> None:
    events = some_log(Random(5), customers=1_000, most=25)

    states = rebuilt(events)

    assert len(states) == 1_000
    assert_equal(states, folded(events, catalog=some_catalog()))


@settings(max_examples=40)
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_any_log_is_what_its_fold_is(chance: Random, customers: int) -> None:
    events = some_log(chance, customers=customers)

    assert_equal(rebuilt(events), folded(events, catalog=some_catalog()))


def test_any_cut_through_a_log_is_the_fold_of_what_was_before() -> None:
    events = some_log(Random(8), customers=40)
    times = sorted({(each.occurred_at - DAY_ZERO) // timedelta(milliseconds=1) for each in events})

    for after in times[:: len(times) // 6]:
        cut_ms = DAY_ZERO_MS + after

        states = rebuilt(events, cut_ms=cut_ms)

        assert_equal(states, folded(events, cut_ms=cut_ms, catalog=some_catalog()))


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_planted_future_events_change_nothing_before_the_cut(chance: Random) -> None:
    log = some_log(chance, customers=4)
    cut_ms = DAY_ZERO_MS + 60 * DAY_MS
    past = [each for each in log if each.occurred_at < DAY_ZERO + timedelta(days=60)]
    # The same customers, and some that are not there yet, two years on: enough to forget visits.
    future = [
        Event(
            f"future-{each.event_id}",
            each.type,
            each.occurred_at + timedelta(days=730),
            f"{each.customer_id}-new" if chance.random() < 0.2 else each.customer_id,
            each.anonymous_id,
            each.order_id,
            each.lines,
            properties=each.properties,
        )
        for each in log
    ]

    assert_equal(rebuilt([*future, *past], cut_ms=cut_ms), rebuilt(past, cut_ms=cut_ms))


def test_the_cut_itself_is_not_before_it() -> None:
    events = [
        an_event("e1", EventType.SIGN_UP),
        an_event("e2", EventType.SEARCH, seconds=0.001, customer_id="ben"),
    ]

    states = rebuilt(events, cut_ms=DAY_ZERO_MS + 1)

    assert states.customers == ("anna",)
    assert states.people.signed_up.tolist() == [DAY_ZERO_MS]


def test_everyone_named_by_any_event_is_there_and_nobody_else() -> None:
    events = [
        an_event("e1", EventType.IMPRESSION, customer_id="zoe"),
        an_event("e2", EventType.EMAIL_SENT, customer_id="Ärmel"),
        an_event("e3", EventType.SEARCH, customer_id=None, anonymous_id="a1"),
        a_purchase("e4", None, order_id="g1"),
        a_purchase("e5", "anna"),
    ]

    states = rebuilt(events)

    assert states.customers == ("anna", "zoe", "Ärmel")
    assert states.people.seen_first.tolist() == [DAY_ZERO_MS, NEVER, NEVER]
    assert states.goods.indptr.tolist() == [0, 1, 1, 1]


def test_a_log_without_events_has_no_customers() -> None:
    states = rebuilt([])

    assert len(states) == 0
    assert states.visits.indptr.tolist() == [0]
    assert states.facts.items.ids == ()


def test_visits_end_after_half_an_hour_of_silence_and_at_midnight() -> None:
    before_midnight = DAY - 60
    events = [
        an_event("e1", EventType.VIEW_ITEM, lines=(Line("tea"),)),
        an_event("e2", EventType.VIEW_ITEM, seconds=1_800, lines=(Line("tea"), Line("jam"))),
        an_event("e3", EventType.ADD_TO_CART, seconds=3_601, properties={"channel": "direct"}),
        a_purchase("e4", day=before_midnight / DAY),
        an_event("e5", EventType.SEARCH, seconds=before_midnight + 120, properties={"bot": True}),
    ]

    visits = rebuilt(events).visits

    starts = [0, 3_601, before_midnight, before_midnight + 120]
    assert visits.start.tolist() == [DAY_ZERO_MS + second * 1_000 for second in starts]
    assert (visits.end - visits.start).tolist() == [1_800_000, 0, 0, 0]
    assert visits.events.tolist() == [2, 1, 1, 1]
    assert visits.steps.tolist() == [
        VIEWED | VIEWED_TWICE,
        IN_CART | DIRECT,
        ORDERED,
        VIEWED | BOT,
    ]


def test_more_than_120_events_in_the_shortest_visit_are_a_robot_s() -> None:
    crowds = {"anna": 120, "ben": 121, "crawler": 40_000}
    events = [
        an_event(f"{name}{number}", EventType.SEARCH, seconds=number / 3, customer_id=name)
        for name, count in crowds.items()
        for number in range(count)
    ]

    assert rebuilt(events).visits.steps.tolist() == [VIEWED, VIEWED | BOT, VIEWED | BOT]


def test_a_purchase_paid_after_a_day_is_no_robot_s() -> None:
    purchases = [
        an_event(
            f"e{number}",
            EventType.PURCHASE,
            seconds=number * DAY,
            order_id=f"o{min(number, 2)}",
            lines=(Line("tea", 1.0, 100),),
            properties={"days_to_pay": days},
        )
        for number, days in enumerate((1, 4, 30, 8))
    ]

    states = rebuilt(purchases)

    assert set(states.visits.steps.tolist()) == {ORDERED}
    # The third order came in two parts, and counts as paid with the sooner one: 1, 4 and 8 days.
    assert states.people.days_to_pay.tolist() == [4.0]
    assert states.people.placed.tolist() == [3]


def test_visits_are_forgotten_by_the_day_of_the_last_one() -> None:
    days = (0, 1, KEPT_DAYS)
    events = [
        an_event(f"e{day}", EventType.VIEW_ITEM, seconds=day * DAY, lines=(Line("tea"),))
        for day in days
    ]

    states = rebuilt(events)

    kept = [DAY_ZERO_MS + day * DAY_MS for day in (1, KEPT_DAYS)]
    assert states.visits.start.tolist() == kept
    assert states.interests.day.tolist() == [at // DAY_MS for at in kept]
    assert states.people.seen_first.tolist() == [DAY_ZERO_MS]


def test_a_refund_of_nobody_s_is_one_of_whoever_placed_the_order() -> None:
    events = [
        a_purchase("e1", "anna", {"tea": 2, "jam": 1}, order_id="o1"),
        an_event(
            "e2",
            EventType.REFUND,
            seconds=DAY,
            customer_id=None,
            order_id="o1",
            lines=(Line("tea", 1.0),),
        ),
    ]

    states = rebuilt(events)

    assert states.people.returned.tolist() == [1]
    assert states.people.bought.tolist() == [2]
    assert states.people.seen_last.tolist() == [DAY_ZERO_MS + DAY_MS]
    assert states.goods.units.tolist() == [1.0, 1.0]
    assert states.goods.value.tolist() == [100, 100]


def test_what_is_left_of_a_line_keeps_its_share_of_the_discount() -> None:
    bought = Line("tea", 3.0, 100, discount=100)
    events = [
        an_event("e1", EventType.PURCHASE, order_id="o1", lines=(bought,)),
        an_event("e2", EventType.REFUND, seconds=1, order_id="o1", lines=(Line("tea", 1.0),)),
    ]

    goods = rebuilt(events).goods

    assert goods.units.tolist() == [2.0]
    # 200 were paid for three, 100 were taken off: two thirds of each are left.
    assert (goods.value.tolist(), goods.discount.tolist()) == ([133], [67])


def test_orders_of_one_name_and_two_customers_are_two_orders() -> None:
    events = [a_purchase("e1", "anna", order_id="o1"), a_purchase("e2", "ben", order_id="o1")]

    assert len(set(rebuilt(events).goods.order.tolist())) == 2


def test_a_complaint_is_answered_and_resolved_only_by_what_came_after_it() -> None:
    named = {"case_id": "k1"}
    events = [
        an_event("e1", EventType.COMPLAINT_RESOLVED, properties=named),
        an_event("e2", EventType.COMPLAINT, seconds=10, properties={**named, "topic": "late"}),
        an_event(
            "e3", EventType.SERVICE_CONTACT, seconds=20, properties={**named, "direction": "out"}
        ),
        an_event("e4", EventType.COMPLAINT_RESOLVED, seconds=30),
        an_event("e5", EventType.COMPLAINT, seconds=40),
    ]

    states = rebuilt(events)

    cases = states.cases
    assert (cases.opened - DAY_ZERO_MS).tolist() == [10_000, 40_000]
    assert cases.answered.tolist() == [DAY_ZERO_MS + 20_000, NEVER]
    assert cases.resolved.tolist() == [DAY_ZERO_MS + 30_000, NEVER]
    assert [states.words[topic] for topic in cases.topic] == ["late", "other"]
    assert [states.words[topic] for topic in states.contacts.topic] == ["complaint"] * 2


def test_the_last_word_on_who_somebody_is_counts() -> None:
    told = {
        "anna": [{"account_type": "business"}, {"account_type": "consumer"}],
        "ben": [{"company": "ACME"}, {"name": "Ben"}],
        "cleo": [{"company": "ACME"}, {"company": ""}],
        "dora": [{"account_type": "business"}],
    }
    events = [
        an_event(
            f"{name}{number}",
            EventType.IDENTIFY,
            seconds=number,
            customer_id=name,
            properties={"traits": each},
        )
        for name, own in told.items()
        for number, each in enumerate(own)
    ]

    assert rebuilt(events).people.business.tolist() == [0, 1, -1, 1]


def test_items_are_described_by_the_catalogue() -> None:
    events = [a_purchase("e1", items=("apple", "bread", "unheard of"))]

    facts = rebuilt(events).facts

    assert facts.items.ids == ("apple", "bread", "unheard of")
    assert [facts.categories[each] for each in facts.category[:2]] == ["fruit", "bakery"]
    np.testing.assert_array_equal(facts.cost, [50.0, np.nan, np.nan])
    assert facts.exclusive.tolist() == [True, False, False]
