"""Histories as of a cut, from the log."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.events import Event, EventType, Line
from engine.domain.histories import DAY_MS
from engine.loyalty.net import net_lines
from engine.loyalty.state import NEW, apply_all
from tests.builders import DAY_ZERO, DAY_ZERO_MS, a_log, a_purchase
from training.history import Purchases, purchases_before

FOREVER = 2**62


def a_refund(event_id: str, customer_id: str | None, day: float, **named) -> Event:
    return Event(
        event_id=event_id,
        type=EventType.REFUND,
        occurred_at=DAY_ZERO + timedelta(days=day),
        customer_id=customer_id,
        order_id=named.get("order_id"),
        lines=tuple(Line(item, units) for item, units in named.get("lines", ())),
    )


def held(purchases: Purchases, *, guests: bool = False) -> dict[str, list[tuple[str, float, int]]]:
    part = purchases.guests if guests else purchases.customers
    return {
        customer: [
            (purchases.items[part.item[line]], float(part.units[line]), int(part.value[line]))
            for line in range(part.indptr[row], part.indptr[row + 1])
        ]
        for row, customer in enumerate(part.customers)
    }


def test_lines_of_one_item_in_one_order_are_summed_and_sorted_by_time() -> None:
    log = a_log(
        [
            a_purchase("late", "anna", {"bread": 1}, day=5),
            a_purchase("e1", "anna", {"apple": 2}, order_id="o1"),
            a_purchase("e2", "anna", {"apple": 3}, order_id="o1"),
        ]
    )

    purchases = purchases_before(log, cut_ms=FOREVER)

    assert held(purchases) == {"anna": [("apple", 5.0, 500), ("bread", 1.0, 100)]}


def test_nothing_at_or_after_the_cut_is_known() -> None:
    events = [a_purchase("e1", "anna", ["apple"]), a_purchase("e2", "anna", ["bread"], day=3)]
    refund = a_refund("r1", "anna", 4, order_id="order-e1")

    purchases = purchases_before(a_log([*events, refund]), cut_ms=DAY_ZERO_MS + 3 * DAY_MS)

    assert held(purchases) == {"anna": [("apple", 1.0, 100)]}
    assert purchases.items.ids == ("apple",)


def test_a_planted_future_event_changes_nothing_before_the_cut() -> None:
    past = [a_purchase("e1", "anna", ["apple"]), a_purchase("e2", "ben", ["bread"], day=1)]
    future = [
        a_purchase("f1", "anna", ["secret"], day=50),
        a_refund("f2", "ben", 50, lines=[("bread", 1)]),
    ]
    cut_ms = DAY_ZERO_MS + 10 * DAY_MS

    clean = purchases_before(a_log(past), cut_ms=cut_ms)
    planted = purchases_before(a_log([*future, *past]), cut_ms=cut_ms)

    assert held(planted) == held(clean)
    assert planted.items.ids == clean.items.ids


def test_guests_are_kept_apart_one_row_an_order() -> None:
    log = a_log(
        [
            a_purchase("e1", None, ["apple"], order_id="g1"),
            a_purchase("e2", None, ["bread", "cheese"], order_id="g2"),
            a_purchase("e3", "anna", ["apple"]),
            a_refund("r", None, 1, order_id="g1"),
        ]
    )

    purchases = purchases_before(log, cut_ms=FOREVER)

    assert held(purchases, guests=True) == {"g2": [("bread", 1.0, 100), ("cheese", 1.0, 100)]}
    assert list(held(purchases)) == ["anna"]


def test_a_refund_that_names_only_its_order_is_its_customer_s() -> None:
    log = a_log(
        [
            a_purchase("e1", "anna", ["apple", "bread"], order_id="o1"),
            a_refund("r", None, 1, order_id="o1"),
        ]
    )

    purchases = purchases_before(log, cut_ms=FOREVER)

    assert held(purchases) == {}
    assert held(purchases, guests=True) == {}


def test_no_refund_and_no_guest_at_all_is_fine() -> None:
    purchases = purchases_before(a_log([a_purchase()]), cut_ms=FOREVER)

    assert held(purchases) == {"anna": [("apple", 1.0, 100)]}
    assert len(purchases.guests) == 0


items = st.sampled_from(["a", "b", "c"])
purchase_events = st.builds(
    lambda number, customer, lines, order, day: a_purchase(
        f"p{number}", customer, lines, order_id=order, day=day
    ),
    st.integers(0, 10**6),
    st.sampled_from(["x", "y"]),
    st.dictionaries(items, st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=1),
    st.none(),
    st.integers(0, 9),
)
refund_events = st.builds(
    lambda number, customer, lines, day: a_refund(f"r{number}", customer, day, lines=lines),
    st.integers(0, 10**6),
    st.sampled_from(["x", "y"]),
    st.lists(st.tuples(items, st.sampled_from([None, 1.0, 2.0])), min_size=1, max_size=2),
    st.integers(0, 9),
)


@settings(max_examples=60)
@given(st.lists(purchase_events | refund_events, max_size=12, unique_by=lambda each: each.event_id))
def test_columns_of_the_log_give_what_the_fold_of_events_gives(events: list[Event]) -> None:
    by_fold = {}
    for customer in ("x", "y"):
        own = [event for event in events if event.customer_id == customer]
        lines = net_lines(apply_all(NEW, own))
        if lines:
            by_fold[customer] = [(each.item_id, each.units, each.value) for each in lines]

    by_columns = held(purchases_before(a_log(events), cut_ms=FOREVER))

    assert by_columns == by_fold
