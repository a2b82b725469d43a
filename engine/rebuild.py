"""Customers' states worked out again from the log, the one truth."""

from __future__ import annotations

from collections.abc import Callable

from engine.domain.customers import StoredCustomer
from engine.domain.events import Event
from engine.loyalty.net import summary_of
from engine.loyalty.state import NEW, apply_all, encode
from engine.ports import Ledger

PAGE = 500


def rebuild_states(ledger: Ledger, *, done: Callable[[int], None] = lambda _: None) -> int:
    """Fold every customer's events anew; how many states had been anything else.

    Each page of customers is a transaction of its own: events that arrive meanwhile wait for it,
    and an interruption leaves what is done. `done` is told how many customers are.
    """
    changed = seen = 0
    after = ""
    while True:
        with ledger.transaction() as transaction:
            customer_ids = transaction.customers_after(after, size=PAGE)
            if not customer_ids:
                return changed
            known = transaction.lock(customer_ids)
            events = transaction.history(customer_ids)
            moved = [
                folded
                for each in customer_ids
                if (folded := _folded(each, known.get(each), events[each])) is not None
            ]
            transaction.save(moved)
        changed, seen, after = changed + len(moved), seen + len(customer_ids), customer_ids[-1]
        done(seen)


def _folded(
    customer_id: str, stored: StoredCustomer | None, events: list[Event]
) -> StoredCustomer | None:
    """The customer by the events alone, None when that is what is stored."""
    state = apply_all(NEW, events)
    encoded = encode(state)
    if stored is not None and stored.state == encoded:
        return None
    revision = (stored.revision if stored else 0) + 1
    return StoredCustomer(customer_id, revision, encoded, summary_of(state))
