"""Customers folded ahead: what holds at their turn is taken, and anything else folded again."""

from __future__ import annotations

import pytest

import engine.foreseen
from engine.domain.customers import StoredCustomer
from engine.domain.events import Event
from engine.foreseen import WORTH_IT, Foreseen, foreseen, moved_on
from engine.receipts import checked
from tests.events import a_purchase, a_refund, day

NOW = day(40)


def purchases(count: int = WORTH_IT, *, customer_id: str = "anna") -> list[Event]:
    """So many orders o0, o1, …, with their times as they came."""
    return [
        a_purchase(
            f"{customer_id}{number}",
            customer_id=customer_id,
            order_id=f"o{number}",
            occurred_at=day(number),
        )
        for number in range(count)
    ]


def ahead_of(events: list[Event], *stored: StoredCustomer) -> tuple[Foreseen, list[Event]]:
    """What is foreseen of the events where these customers are stored, and the events to write."""
    batch = checked(events, now=NOW)
    ready = [entry.event for entry in batch.entries.values()]
    return foreseen([batch], lambda _: stored), ready


def stored_after(*events: Event) -> StoredCustomer:
    return moved_on("anna", None, events).stored


def test_what_was_foreseen_is_taken_when_it_comes_so(monkeypatch: pytest.MonkeyPatch):
    before = stored_after(a_purchase("earlier", order_id="earlier"))
    ahead, events = ahead_of(purchases(), before)
    expected = moved_on("anna", before, events)
    monkeypatch.delattr(engine.foreseen, "moved_on")

    found = ahead.moved_on("anna", before, events)

    assert found == expected
    assert (found.stored.revision, found.stored.summary.orders) == (2, WORTH_IT + 1)


def test_a_state_that_moved_on_meanwhile_is_folded_again():
    ahead, events = ahead_of(purchases())
    meanwhile = stored_after(a_purchase("other", order_id="other"))

    found = ahead.moved_on("anna", meanwhile, events)

    assert (found.stored.revision, found.stored.summary.orders) == (2, WORTH_IT + 1)


def test_the_same_revision_of_another_state_is_another_state():
    mine = stored_after(a_purchase("mine", order_id="mine"))
    rebuilt = stored_after(a_purchase("rebuilt", order_id="rebuilt"))
    ahead, events = ahead_of(purchases(), mine)

    found = ahead.moved_on("anna", rebuilt, events)

    assert mine.revision == rebuilt.revision
    assert {order.order_id for order in found.state.orders} == {
        "rebuilt",
        *(event.order_id for event in events),
    }


@pytest.mark.parametrize("left", [WORTH_IT - 1, 1])
def test_events_that_were_not_accepted_do_not_count(left: int):
    ahead, events = ahead_of(purchases())

    found = ahead.moved_on("anna", None, events[:left])

    assert found.stored.summary.orders == left


def test_a_refund_that_waited_for_its_order_is_folded_in():
    ahead, events = ahead_of(purchases())
    waited = a_refund("r1", order_id="o0")

    found = ahead.moved_on("anna", None, [*events, waited])

    assert found.stored.summary.orders == WORTH_IT - 1


def test_a_customer_of_whom_nothing_changes_stays_the_very_same():
    refund = a_refund("r1", order_id="o1", customer_id="anna")
    stored = stored_after(*purchases(), refund)
    ahead, events = ahead_of([refund, *purchases(customer_id="ben")], stored)

    found = ahead.moved_on("anna", stored, events[:1])

    assert found.stored is stored


def test_a_few_events_are_not_worth_a_question():
    def nobody_asks(_: object) -> list[StoredCustomer]:
        raise AssertionError("asked")

    batch = checked(purchases(WORTH_IT - 1), now=NOW)

    assert foreseen([batch], nobody_asks) == Foreseen()


def test_guests_are_nobody_to_fold():
    guests = [a_purchase(f"g{number}", customer_id=None) for number in range(2 * WORTH_IT)]

    ahead, _ = ahead_of(guests)

    assert ahead == Foreseen()
