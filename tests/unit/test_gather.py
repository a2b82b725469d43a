from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given

from engine.domain.catalog import Item
from engine.domain.events import Event, EventType
from engine.domain.histories import DAY_MS
from engine.domain.ids import MISSING, IdTable
from engine.loyalty.gather import facts_of, states_of
from engine.loyalty.net import net_lines
from engine.loyalty.state import NEW, apply_all, time_ms
from engine.loyalty.states import (
    CLICKED,
    NEVER,
    OPENED,
    SENT,
)
from tests.event_histories import lives
from tests.events import DAY_0, a_line, a_purchase, a_refund, a_view, an_event, day
from tests.gathered import gathered, plain, rows, texts

NOON = time_ms(a_view("noon"))
HOUR = 3_600_000


def minutes(number: float):
    return DAY_0 + timedelta(minutes=number)


def test_interest_counts_lines_by_day_and_item_and_never_a_cart_below_zero():
    twice = (a_line("tea", 5), a_line("tea"), a_line("jam"))
    states = gathered(
        a_view("e1", lines=twice),
        an_event("e2", EventType.SELECT_ITEM, lines=(a_line("tea"),)),
        an_event("e3", EventType.ADD_TO_CART, lines=twice),
        an_event("e4", EventType.REMOVE_FROM_CART, lines=(a_line("tea", 5),)),
        an_event("e5", EventType.REMOVE_FROM_CART, lines=(a_line("jam"),), occurred_at=day(1)),
        a_view("e6", lines=(a_line("tea"),), occurred_at=day(1)),
    )

    counts = rows(states.interests, "day", "views", "clicks", "carts")

    first = NOON // DAY_MS
    assert texts(states.facts.items, states.interests.item) == ["jam", "tea", "tea"]
    assert counts == [(first, 1, 0, 1), (first, 2, 1, 1), (first + 1, 1, 0, 0)]


def test_opinions_are_values_or_words_and_what_cannot_be_read_is_none():
    states = gathered(
        an_event("e2", EventType.RATING, lines=(a_line("tea"),), properties={"rating": 4}),
        an_event("e1", EventType.SURVEY, properties={"question": "nps", "answer": 9}),
        an_event("e3", EventType.UNSUBSCRIBE, properties={"reason": "price"}),
        an_event("e4", EventType.UNSUBSCRIBE),
        an_event("e5", EventType.SURVEY, properties={"question": "exit_reason", "answer": "time"}),
        an_event("e6", EventType.SURVEY, properties={"question": "exit_reason"}),
        an_event("e7", EventType.RATING, properties={"rating": 6}),
    )
    opinions = states.opinions

    topics, words = texts(states.words, opinions.topic), texts(states.words, opinions.word)

    assert topics == ["nps", "rating", "exit_reason", "exit_reason"]
    assert words == [None, None, "price", "time"]
    np.testing.assert_array_equal(opinions.value, [0.9, 0.8, np.nan, np.nan])
    assert texts(states.facts.items, opinions.item) == [None, "tea", None, None]


def about(case: str | None, **more: str) -> dict[str, str]:
    return more if case is None else {"case_id": case, **more}


def complaint(event_id: str, hours: float, case: str | None = None, **told: str) -> Event:
    moment = minutes(60 * hours)
    return an_event(
        event_id, EventType.COMPLAINT, occurred_at=moment, properties=about(case, **told)
    )


def resolution(event_id: str, hours: float, case: str | None = None) -> Event:
    moment = minutes(60 * hours)
    return an_event(
        event_id, EventType.COMPLAINT_RESOLVED, occurred_at=moment, properties=about(case)
    )


def answer(event_id: str, hours: float, case: str | None = None) -> Event:
    told = about(case, direction="out", channel="phone")
    moment = minutes(60 * hours)
    return an_event(event_id, EventType.SERVICE_CONTACT, occurred_at=moment, properties=told)


def hours(*events: Event) -> list[tuple[float | None, ...]]:
    """When each case was opened, answered and resolved, in hours after noon."""
    cases = gathered(*events).cases
    return [
        tuple(None if at == NEVER else (at - NOON) / HOUR for at in row)
        for row in rows(cases, "opened", "answered", "resolved")
    ]


def test_a_case_is_opened_once_answered_by_the_first_word_and_resolved():
    case = [complaint("e1", 2, "k1"), complaint("e2", 1, "k1"), answer("e3", 3, "k1")]

    assert hours(*case) == [(1, 3, None)]
    assert hours(*case, resolution("e4", 5, "k1"), resolution("e5", 9, "k1")) == [(1, 3, 5)]


def test_a_resolution_without_a_case_resolves_all_that_were_open():
    events = [complaint("e1", 1), complaint("e2", 2, "k2"), complaint("e3", 6, "k3")]

    assert hours(*events, resolution("e4", 5)) == [(1, 5, 5), (2, 5, 5), (6, None, None)]


def test_what_came_before_the_complaint_or_is_about_another_neither_answers_nor_resolves():
    events = [resolution("e1", 0, "k1"), answer("e2", 0.5, "k1"), complaint("e3", 1, "k1")]
    others = [resolution("e4", 2, "k2"), answer("e5", 3), answer("e6", 4, "k2")]

    assert hours(*events, *others) == [(1, None, None)]


def test_a_case_keeps_the_topic_of_its_first_complaint():
    states = gathered(complaint("e2", 2, "k1", topic="late"), complaint("e1", 1, "k1"))

    assert texts(states.words, states.cases.topic) == ["other"]


def test_contacts_are_what_the_customer_began_complaints_among_them():
    states = gathered(
        complaint("e2", 0),
        an_event("e1", EventType.SERVICE_CONTACT, properties={"channel": "chat"}),
        an_event("e3", EventType.SERVICE_CONTACT, occurred_at=day(1)),
        answer("e4", 1),
    )

    assert texts(states.words, states.contacts.topic) == ["chat", "complaint", "other"]
    assert states.contacts.at.tolist() == [NOON, NOON, NOON + DAY_MS]


def test_mails_are_sent_opened_and_clicked():
    spring = {"campaign_id": "spring"}
    states = gathered(
        an_event("e3", EventType.EMAIL_CLICK, properties=spring),
        an_event("e2", EventType.EMAIL_OPEN),
        an_event("e1", EventType.EMAIL_SENT, properties=spring),
    )

    assert states.mails.kind.tolist() == [SENT, OPENED, CLICKED]
    assert texts(states.words, states.mails.topic) == ["spring", None, "spring"]


def test_of_preferences_the_last_word_counts_and_how_often_it_was_spoken_of():
    states = gathered(
        an_event("e2", EventType.PREFERENCE, properties={"topic": "tea", "value": "dislike"}),
        an_event("e1", EventType.PREFERENCE, properties={"topic": "tea", "value": 0.5}),
        an_event("e3", EventType.PREFERENCE, properties={"topic": "jam"}),
    )
    preferences = states.preferences

    assert texts(states.words, preferences.topic) == ["jam", "tea"]
    assert rows(preferences, "value", "at", "times") == [(1.0, NOON, 1), (-1.0, NOON, 2)]


def test_who_unsubscribes_takes_back_the_consent_to_mail():
    granted = an_event("e1", EventType.CONSENT, properties={"purpose": "email", "granted": True})
    left = an_event("e2", EventType.UNSUBSCRIBE, occurred_at=day(1))
    again = an_event(
        "e3",
        EventType.CONSENT,
        occurred_at=day(2),
        properties={"purpose": "email", "granted": True},
    )

    assert gathered(left, granted).consents.granted.tolist() == [False]
    assert rows(gathered(left, again, granted).consents, "granted", "at") == [
        (True, NOON + 2 * DAY_MS)
    ]


def test_orders_lines_and_returns_are_counted_before_refunds():
    people = gathered(
        a_purchase("e1", a_line("tea", 2), a_line("jam"), order_id="o1"),
        a_purchase("e2", a_line("tea"), a_line("ham"), order_id="o2"),
        a_refund("e3", a_line("tea", 1), order_id="o1"),
        a_refund("e4", order_id="o2"),
    ).people

    assert rows(people, "placed", "bought", "returned") == [(2, 4, 3)]


def test_time_to_pay_is_the_median_of_the_orders_that_told():
    orders = [
        a_purchase(f"e{n}", properties={} if days is None else {"days_to_pay": days})
        for n, days in enumerate((30, None, 2, 10, 4))
    ]

    people = gathered(*orders, a_refund("r", order_id="event:e0")).people

    assert people.days_to_pay.tolist() == [7.0]
    assert np.isnan(gathered(a_purchase("e1")).people.days_to_pay).all()


@pytest.mark.parametrize(
    ("told", "business"),
    [
        ({}, -1),
        ({"account_type": "business"}, 1),
        ({"account_type": "consumer", "company": "Tea & Co."}, 0),
        ({"company": "Tea & Co."}, 1),
        ({"vat_id": "DE1"}, 1),
        ({"company": "", "vat_id": 7}, -1),
        ({"account_type": "guest"}, -1),
    ],
)
def test_a_business_is_known_by_what_it_told(told: dict[str, str], business: int):
    event = an_event("e1", EventType.IDENTIFY, properties={"traits": told})

    assert gathered(event).people.business.tolist() == [business]


def test_items_are_all_that_are_held_seen_or_rated_and_no_others():
    states = gathered(
        a_purchase("e1", a_line("tea"), a_line("returned"), order_id="o1"),
        a_refund("e2", a_line("returned"), order_id="o1"),
        a_view("e3", lines=(a_line("jam"),)),
        an_event("e4", EventType.REMOVE_FROM_CART, lines=(a_line("unwanted"),)),
        an_event("e5", EventType.RATING, lines=(a_line("ham"),), properties={"rating": 5}),
    )

    assert states.facts.items.ids == ("ham", "jam", "tea")


def test_the_catalogue_tells_category_cost_and_what_only_this_shop_sells():
    catalog = {
        "tea": Item("tea", category="drinks", cost=30, tags=("local", "new")),
        "jam": Item("jam", tags=("new",)),
    }

    facts = facts_of(IdTable(["ham", "jam", "tea"]), catalog, exclusive_tags=("local",))

    assert facts.categories == ("drinks",)
    assert facts.category.tolist() == [MISSING, MISSING, 0]
    np.testing.assert_array_equal(facts.cost, [np.nan, np.nan, 30])
    assert facts.exclusive.tolist() == [False, False, True]


@given(lives(), lives(customer_id="c2"))
def test_customers_gathered_together_are_as_gathered_alone(one: list[Event], two: list[Event]):
    own = [("c1", apply_all(NEW, one)), ("c2", apply_all(NEW, two))]

    together = states_of(own, {})

    for position, (customer_id, state) in enumerate(own):
        alone, among = states_of([(customer_id, state)], {}), together.take(np.array([position]))
        assert plain(alone.people) == plain(among.people)
        assert plain(alone.visits) == plain(among.visits)
        assert alone.goods.value.tolist() == [line.value for line in net_lines(state)]
        assert texts(alone.words, alone.opinions.topic) == texts(
            together.words, among.opinions.topic
        )


def test_nobody_and_someone_new_are_columns_too():
    nobody, someone = states_of([], {}), states_of([("c1", NEW)], {})

    assert (len(nobody), nobody.visits.indptr.tolist()) == (0, [0])
    assert someone.people.seen_first.tolist() == [NEVER]
    assert someone.visits.indptr.tolist() == someone.goods.indptr.tolist() == [0, 0]
