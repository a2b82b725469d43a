from __future__ import annotations

import pytest
from hypothesis import given

from engine.domain.events import Event, EventType
from engine.loyalty.net import net_lines, returned_lines, summary_of
from engine.loyalty.state import NEW, apply_all, time_ms
from tests.event_histories import histories
from tests.events import a_line, a_purchase, a_refund, day


def held(*events: Event) -> list[tuple[str, str, float, int]]:
    """What is left of the events' orders: order, item, units, value."""
    lines = net_lines(apply_all(NEW, events))
    return [(line.order_id, line.item_id, line.units, line.value) for line in lines]


def test_without_refunds_everything_bought_is_held():
    bought = a_purchase("e1", a_line("tea", 3, 150), a_line("jam", 1, 250), order_id="o1")

    assert held(bought) == [("o1", "jam", 1.0, 250), ("o1", "tea", 3.0, 450)]


def test_a_refund_of_an_order_takes_all_of_it_back():
    bought = a_purchase("e1", a_line("tea", 3), a_line("jam"), order_id="o1")

    assert held(bought, a_refund("e2", order_id="o1")) == []


def test_a_refund_of_part_of_a_line_takes_its_share():
    bought = a_purchase("e1", a_line("tea", 3, 100), order_id="o1")
    back = a_refund("e2", a_line("tea", 1, 100), order_id="o1")

    assert held(bought, back) == [("o1", "tea", 2.0, 200)]


def test_a_refund_without_a_sum_takes_back_what_was_paid():
    bought = a_purchase("e1", a_line("tea", 4, 100), order_id="o1")
    back = a_refund("e2", a_line("tea", 1, None), order_id="o1")

    assert held(bought, back) == [("o1", "tea", 3.0, 300)]


def test_a_refund_without_a_quantity_takes_all_units_the_order_still_holds():
    bought = a_purchase("e1", a_line("tea", 3), a_line("jam"), order_id="o1")
    back = a_refund("e2", a_line("tea", None), order_id="o1")

    assert held(bought, back) == [("o1", "jam", 1.0, 100)]


def test_a_refund_that_comes_before_its_purchase_counts_as_if_after():
    bought = a_purchase("e1", a_line("tea", 3), order_id="o1")
    back = a_refund("e2", a_line("tea", 2), order_id="o1")

    assert held(back, bought) == held(bought, back) == [("o1", "tea", 1.0, 100)]


def test_more_than_was_bought_is_not_taken_back():
    bought = a_purchase("e1", a_line("tea", 1), order_id="o1")
    other = a_purchase("e2", a_line("tea", 1), order_id="o2", occurred_at=day(1))
    back = a_refund("e3", a_line("tea", 5), order_id="o1")

    assert held(bought, other, back) == [("o2", "tea", 1.0, 100)]


def test_a_refund_of_what_was_never_bought_takes_nothing():
    bought = a_purchase("e1", a_line("tea"), order_id="o1")
    back = [
        a_refund("e2", a_line("jam")),
        a_refund("e3", a_line("tea"), order_id="another"),
        a_refund("e4", order_id="another"),
    ]

    assert held(bought, *back) == [("o1", "tea", 1.0, 100)]


def test_a_loose_refund_takes_from_the_latest_purchase_first():
    first = a_purchase("e1", a_line("tea", 2), order_id="o1", occurred_at=day(1))
    second = a_purchase("e2", a_line("tea", 2), order_id="o2", occurred_at=day(2))
    back = a_refund("e3", a_line("tea", 3), occurred_at=day(3))

    assert held(first, second, back) == [("o1", "tea", 1.0, 100)]


def test_a_loose_refund_does_not_reach_purchases_after_it():
    before = a_purchase("e1", a_line("tea"), order_id="o1", occurred_at=day(1))
    after = a_purchase("e2", a_line("tea"), order_id="o2", occurred_at=day(5))
    back = a_refund("e3", a_line("tea"), occurred_at=day(3))

    assert held(before, after, back) == [("o2", "tea", 1.0, 100)]


def test_an_order_whose_price_was_all_given_back_is_no_longer_valid():
    bought = a_purchase("e1", a_line("tea", 2, 100), order_id="o1")
    goodwill = a_refund("e2", a_line("tea", 1, 200), order_id="o1")

    assert held(bought, goodwill) == []


def test_an_order_that_never_cost_anything_is_valid():
    sample = a_purchase("e1", a_line("tea", 1, 0), order_id="o1")

    assert held(sample) == [("o1", "tea", 1.0, 0)]


def test_a_weight_given_back_in_parts_leaves_nothing():
    # In floats 0.8 - 0.1 - 0.7 leaves 1e-16.
    bought = a_purchase("e1", a_line("ham", 0.8, 1000), order_id="o1")
    back = [
        a_refund("e2", a_line("ham", 0.1, 1000), order_id="o1"),
        a_refund("e3", a_line("ham", 0.7, 1000), order_id="o1"),
    ]

    assert held(bought, *back) == []


def test_totals_are_those_of_the_valid_orders():
    first = a_purchase("e1", a_line("tea", 2, 150), a_line("jam", 1, 250), order_id="o1")
    second = a_purchase("e2", a_line("tea", 1, 150), order_id="o2", occurred_at=day(3))
    undone = a_purchase("e3", a_line("tea", 9, 150), order_id="o3", occurred_at=day(4))
    back = a_refund("e4", order_id="o3")

    summary = summary_of(apply_all(NEW, [first, second, undone, back]))

    assert (summary.orders, summary.units, summary.revenue) == (2, 4.0, 700)
    assert (summary.first_order_ms, summary.last_order_ms) == (time_ms(first), time_ms(second))


def test_a_customer_without_orders_has_totals_of_zero():
    summary = summary_of(NEW)

    assert (summary.orders, summary.units, summary.revenue) == (0, 0.0, 0)
    assert (summary.first_order_ms, summary.last_order_ms) == (None, None)


@given(histories())
def test_refunds_never_bring_anything_below_zero_nor_above_what_was_bought(events: list[Event]):
    bought = [event for event in events if event.type is EventType.PURCHASE]

    gross = {(order, item): (units, value) for order, item, units, value in held(*bought)}

    for order, item, units, value in held(*events):
        most_units, most_value = gross[order, item]
        assert 0 < units <= most_units
        assert 0 <= value <= most_value


@given(histories())
def test_refunding_every_order_takes_back_exactly_everything(events: list[Event]):
    bought = [event for event in events if event.type is EventType.PURCHASE and event.order_id]
    back = [a_refund(f"r{event.event_id}", order_id=event.order_id) for event in bought]

    assert held(*bought, *back) == []


@given(histories())
def test_totals_are_those_of_the_lines_with_refunds_and_without(events: list[Event]):
    for some in (events, [each for each in events if each.type is EventType.PURCHASE]):
        lines = net_lines(apply_all(NEW, some))

        summary = summary_of(apply_all(NEW, some))

        assert summary.orders == len({line.order_id for line in lines})
        assert summary.units == pytest.approx(sum(line.units for line in lines))
        assert summary.revenue == sum(line.value for line in lines)
        assert summary.first_order_ms == min((line.at_ms for line in lines), default=None)
        assert summary.last_order_ms == max((line.at_ms for line in lines), default=None)


@given(histories())
def test_lines_come_oldest_order_first(events: list[Event]):
    times = [line.at_ms for line in net_lines(apply_all(NEW, events))]

    assert times == sorted(times)


def discounts(*events: Event) -> list[int]:
    return [line.discount for line in net_lines(apply_all(NEW, events))]


def test_the_discount_on_what_was_given_back_is_gone():
    bought = a_purchase("e1", a_line("tea", 3, 100, discount=50), order_id="o1")
    back = a_refund("e2", a_line("tea", 1), order_id="o1")

    assert discounts(bought) == [50]
    # 50 * 2 / 3 = 33.3
    assert discounts(bought, back) == [33]


def test_lines_that_a_refund_took_something_of_are_returned():
    state = apply_all(
        NEW,
        [
            a_purchase("e1", a_line("tea", 3), a_line("jam"), a_line("ham"), order_id="o1"),
            a_refund("e2", a_line("tea", 1), a_line("jam"), order_id="o1"),
        ],
    )

    assert returned_lines(state, net_lines(state)) == 2


def test_all_lines_of_an_order_whose_price_was_given_back_are_returned():
    state = apply_all(
        NEW,
        [
            a_purchase("e1", a_line("tea", 2, 100), a_line("gift", 1, 0), order_id="o1"),
            a_refund("e2", a_line("tea", 1, 200), order_id="o1"),
        ],
    )

    assert returned_lines(state, net_lines(state)) == 2


def test_an_order_that_no_refund_concerns_is_held_as_if_there_were_none():
    kept = a_purchase("e1", a_line("tea", 2), a_line("jam"), order_id="o1")
    other = a_purchase("e2", a_line("ham"), order_id="o2", occurred_at=day(1))
    back = a_refund("e3", a_line("ham"))

    assert held(kept, other, back) == held(kept)
