from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.events import Event, EventType
from engine.domain.histories import DAY_MS
from engine.loyalty.fold.rows import KEPT_DAYS, told
from engine.loyalty.gather import states_of
from engine.loyalty.state import (
    NEW,
    SPOKEN,
    _after_words,
    apply,
    apply_all,
    decode,
    encode,
    order_key,
    time_ms,
)
from tests.event_histories import histories, lives
from tests.events import DAY_0, a_line, a_purchase, a_refund, a_view, an_event, day
from tests.gathered import plain


@given(st.one_of(lives(), histories()), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_equal_bytes(events: list[Event], rng: random.Random):
    shuffled = list(events)
    rng.shuffle(shuffled)

    assert encode(apply_all(NEW, shuffled)) == encode(apply_all(NEW, events))


@given(st.one_of(lives(), histories()), st.integers(0, 14))
def test_a_fold_in_batches_equals_the_fold_of_all_at_once(events: list[Event], cut: int):
    stored = encode(apply_all(NEW, events[:cut]))

    in_batches = apply_all(decode(stored), events[cut:])

    assert encode(in_batches) == encode(apply_all(NEW, events))


@given(lives(most=20), st.randoms(use_true_random=False), st.integers(1, 5))
def test_any_order_in_any_batches_gives_equal_bytes_and_columns(
    events: list[Event], rng: random.Random, size: int
):
    shuffled = rng.sample(events, len(events))
    stored = encode(NEW)
    for start in range(0, len(shuffled), size):
        stored = encode(apply_all(decode(stored), shuffled[start : start + size]))

    at_once = apply_all(NEW, events)

    assert stored == encode(at_once)
    assert plain(states_of([("c1", decode(stored))], {})) == plain(states_of([("c1", at_once)], {}))


@given(lives())
def test_saving_and_loading_changes_nothing(events: list[Event]):
    state = apply_all(NEW, events)

    assert decode(encode(state)) == state


def test_no_bytes_are_a_new_customer():
    assert decode(b"") == NEW


def test_parts_of_one_order_become_one_order_that_starts_with_the_earliest():
    late = a_purchase("e1", a_line("tea", 2), order_id="o1", occurred_at=day(2))
    early = a_purchase("e2", a_line("tea", 1), a_line("jam"), order_id="o1", occurred_at=day(1))

    (order,) = apply_all(NEW, [late, early]).orders

    assert order.at_ms == time_ms(early)
    assert [(line.item_id, line.units, line.value) for line in order.lines] == [
        ("jam", 1.0, 100),
        ("tea", 3.0, 300),
    ]


def test_three_tenths_in_three_parts_are_three_tenths_whatever_comes_first():
    # As floats (0.1 + 0.2) + 0.3 and 0.1 + (0.2 + 0.3) differ in the last bit.
    parts = [
        a_purchase(f"e{number}", a_line("ham", kilos), order_id="o1")
        for number, kilos in enumerate((0.1, 0.2, 0.3))
    ]

    forward, backward = apply_all(NEW, parts), apply_all(NEW, reversed(parts))

    assert forward.orders[0].lines[0].units == 0.6
    assert encode(forward) == encode(backward)


def test_purchases_without_an_order_are_orders_of_their_own():
    state = apply_all(NEW, [a_purchase("e1"), a_purchase("e2")])

    assert [order.order_id for order in state.orders] == ["event:e1", "event:e2"]
    assert order_key(a_purchase("e3", order_id="o3")) == "o3"


def test_what_was_only_shown_changes_nothing():
    state = apply(NEW, a_purchase("e1"))

    assert apply(state, an_event("e2", EventType.IMPRESSION, lines=(a_line("tea"),))) == state


def test_tables_that_an_event_does_not_concern_are_the_very_same():
    before = apply_all(NEW, [a_purchase("e1"), a_refund("e2", a_line("tea"))])

    after = apply(before, a_view("e3", lines=(a_line("tea"),)))

    assert after.orders is before.orders
    assert after.refunds is before.refunds


@given(lives())
def test_what_is_neither_said_nor_chosen_nor_sent_concerns_goods_and_visits_only(
    events: list[Event],
):
    news = [told(each) for each in events if each.type not in SPOKEN]
    before = apply_all(NEW, events)

    assert _after_words(before, news) == before


def test_a_state_written_before_there_was_more_than_goods_still_reads():
    # What the first version wrote: orders with lines of three fields, and refunds.
    written = bytes.fromhex(
        "92 91 93 cf 0000018cc5162a00 a2 6f31 91 93 a3 746561 cb 4000000000000000 cc c8 90"
    )

    (order,) = decode(written).orders

    assert (order.order_id, order.days_to_pay) == ("o1", None)
    assert [(line.item_id, line.units, line.value, line.discount) for line in order.lines] == [
        ("tea", 2.0, 200, 0)
    ]
    assert decode(written).seen == NEW.seen


def test_discounts_of_parts_add_up_and_the_shortest_time_to_pay_counts():
    parts = [
        a_purchase(
            f"e{number}",
            a_line("tea", 1, 100, discount=10),
            order_id="o1",
            properties={"days_to_pay": days} if days is not None else {},
        )
        for number, days in enumerate((14, None, 3))
    ]

    (order,) = apply_all(NEW, parts).orders

    assert order.days_to_pay == 3
    assert [(line.value, line.discount) for line in order.lines] == [(270, 30)]


def test_a_refund_without_lines_names_the_whole_order():
    (refund,) = apply(NEW, a_refund("e1", order_id="o1")).refunds

    assert (refund.order_id, refund.item_id, refund.units, refund.value) == ("o1", None, None, None)


def test_a_millisecond_is_not_lost_to_rounding():
    # In floats 1704110400.001 * 1000 ends in .9999...
    moment = day(0).replace(microsecond=1_000)

    assert time_ms(a_view("e1", occurred_at=moment)) - time_ms(a_view("e2")) == 1


def test_an_event_without_a_time_is_refused():
    with pytest.raises(ValueError, match="e1 has no time"):
        apply(NEW, a_purchase("e1", occurred_at=None))


def test_the_customer_is_seen_by_what_they_do_and_say_not_by_what_is_sent():
    events = [
        an_event("e1", EventType.EMAIL_SENT, occurred_at=day(0)),
        an_event("e2", EventType.SIGN_UP, occurred_at=day(3)),
        an_event("e3", EventType.SIGN_UP, occurred_at=day(2)),
        an_event("e4", EventType.EMAIL_OPEN, occurred_at=day(5)),
        an_event("e5", EventType.IMPRESSION, occurred_at=day(9)),
    ]

    seen = apply_all(NEW, events).seen

    first = time_ms(events[2])
    assert (seen.first, seen.last, seen.signed_up) == (first, first + 3 * DAY_MS, first)


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (EventType.VIEW_ITEM, "visits"),
        (EventType.VIEW_ITEM, "interests"),
        (EventType.EMAIL_SENT, "mails"),
    ],
)
def test_what_lies_four_hundred_days_before_the_last_is_forgotten(kind: EventType, table: str):
    kept, forgotten, last = (
        an_event(name, kind, occurred_at=day(number), lines=(a_line("tea"),))
        for name, number in (("e1", 1), ("e2", 0), ("e3", KEPT_DAYS))
    )

    late = apply_all(NEW, [last, kept, forgotten])

    assert len(getattr(late, table)) == 2
    assert late == apply_all(NEW, [forgotten, kept, last])


def test_a_day_whose_cart_was_emptied_still_makes_older_days_forgotten():
    old = a_view("e1", lines=(a_line("tea"),))
    there_and_back = [
        an_event(f"e{kind}", kind, occurred_at=day(KEPT_DAYS), lines=(a_line("jam"),))
        for kind in (EventType.ADD_TO_CART, EventType.REMOVE_FROM_CART)
    ]

    early, late = apply_all(NEW, [old, *there_and_back]), apply_all(NEW, [*there_and_back, old])

    assert early == late
    assert [row.item_id for row in early.interests] == ["jam"]


def test_a_number_too_large_to_keep_is_no_trait():
    told = {"traits": {"age": 2**64, "height": 180, "vip": True}}

    state = apply(NEW, an_event("e1", EventType.IDENTIFY, properties=told))

    kept = decode(encode(state)).traits
    assert [(each.topic, each.value) for each in kept] == [("height", 180), ("vip", True)]


def test_traits_told_later_replace_earlier_ones_of_their_name_only():
    later = {"traits": {"city": "Kyoto"}}
    earlier = {"traits": {"city": "Nara", "age": 30}}

    state = apply_all(
        NEW,
        [
            an_event("e1", EventType.IDENTIFY, occurred_at=day(2), properties=later),
            an_event("e2", EventType.SIGN_UP, occurred_at=DAY_0, properties=earlier),
        ],
    )

    assert [(each.topic, each.value) for each in state.traits] == [("age", 30), ("city", "Kyoto")]
