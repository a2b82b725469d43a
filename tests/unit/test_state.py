from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.events import Event
from engine.loyalty.state import NEW, apply, apply_all, decode, encode, order_key, time_ms
from tests.event_histories import histories
from tests.events import a_line, a_purchase, a_refund, a_view, day


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_equal_bytes(events: list[Event], rng: random.Random):
    shuffled = list(events)
    rng.shuffle(shuffled)

    assert encode(apply_all(NEW, shuffled)) == encode(apply_all(NEW, events))


@given(histories(), st.integers(0, 7))
def test_a_fold_in_batches_equals_the_fold_of_all_at_once(events: list[Event], cut: int):
    stored = encode(apply_all(NEW, events[:cut]))

    in_batches = apply_all(decode(stored), events[cut:])

    assert encode(in_batches) == encode(apply_all(NEW, events))


@given(histories())
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


def test_events_that_move_no_goods_change_nothing():
    state = apply(NEW, a_purchase("e1"))

    assert apply(state, a_view("e2")) == state


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
