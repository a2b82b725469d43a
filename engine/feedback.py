"""The feedback loop: what customers do goes into the log and into their state at once.

An event counts when its transaction has committed: the log entry, the customer's new state and
the note that cached lists are stale stand or fall together. Only then is the cache told; when
that fails the note remains and the cache is told again later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.domain.customers import StoredCustomer
from engine.domain.events import Event, check, digest
from engine.errors import RequestInvalid, StoreUnavailable
from engine.loyalty.net import net_lines, summarise
from engine.loyalty.state import NEW, apply_all, decode, encode
from engine.ports import Entry, Invalidations, Ledger, LedgerTransaction, ListCache, Outcome


class Status(StrEnum):
    """What a sender is told of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one event; `field` and `reason` say why it was refused."""

    event_id: str
    status: Status
    field: str | None = None
    reason: str | None = None


class Feedback:
    """Records events and keeps everything that depends on them true."""

    def __init__(self, ledger: Ledger, invalidations: Invalidations, cache: ListCache) -> None:
        self._ledger = ledger
        self._invalidations = invalidations
        self._cache = cache

    def record(self, events: Sequence[Event], *, now: datetime) -> list[Receipt]:
        """What became of each event, in order; accepted ones are durable and counted once.

        Events that break a rule are rejected one by one and keep no other from being accepted.
        Raises StoreUnavailable when the log cannot be written: then none was accepted.
        """
        receipts: dict[int, Receipt] = {}
        with self._ledger.transaction() as transaction:
            entries: dict[int, Entry] = {}
            for position, event in enumerate(events):
                try:
                    entries[position] = _entry(event, transaction, now=now)
                except RequestInvalid as error:
                    receipts[position] = _rejected(event, error)
            outcomes, revisions = _written(transaction, list(entries.values()))
        for position, outcome in zip(entries, outcomes, strict=True):
            receipts[position] = _receipt(events[position], outcome)
        self._tell_cache(revisions)
        return [receipts[position] for position in range(len(events))]

    def _tell_cache(self, revisions: Mapping[str, int]) -> None:
        if not revisions:
            return
        try:
            self._cache.forget(revisions)
            self._invalidations.clear(revisions)
        except StoreUnavailable:
            # The notes stay in the database; whoever keeps the cache up carries them out.
            return


def record_in(transaction: LedgerTransaction, entries: Sequence[Entry]) -> list[Outcome]:
    """The outcome of each checked event, written to the log and into states in the transaction."""
    return _written(transaction, entries)[0]


def _written(
    transaction: LedgerTransaction, entries: Sequence[Entry]
) -> tuple[list[Outcome], dict[str, int]]:
    """The outcome of each event, and the revision that each customer named in them now has."""
    owners = {e.event.customer_id for e in entries if e.event.customer_id is not None}
    known = transaction.lock(owners)
    outcomes = transaction.append(entries)
    news: defaultdict[str, list[Event]] = defaultdict(list)
    for entry, outcome in zip(entries, outcomes, strict=True):
        if outcome is Outcome.ACCEPTED and entry.event.customer_id is not None:
            news[entry.event.customer_id].append(entry.event)
    moved = [_moved_on(who, known.get(who), events) for who, events in news.items()]
    transaction.save(moved)
    # Those without news are told too: whoever recorded a duplicate the first time may have died
    # before the cache heard of it, and this answer promises that it has.
    return outcomes, {each.customer_id: each.revision for each in (*known.values(), *moved)}


def entry_of(event: Event, *, received_at: datetime) -> Entry:
    """A checked event made ready for the log."""
    return Entry(event.at(received_at), digest(event), received_at)


def _entry(event: Event, transaction: LedgerTransaction, *, now: datetime) -> Entry:
    check(event, now=now)
    settled = transaction.shop_currency(event.currency)
    if event.currency is not None and event.currency != settled:
        raise RequestInvalid(
            f"{event.currency} is not this shop's currency {settled}; convert the amounts first",
            field="currency",
        )
    return entry_of(event, received_at=now)


def _moved_on(
    customer_id: str, stored: StoredCustomer | None, events: Sequence[Event]
) -> StoredCustomer:
    before = decode(stored.state) if stored else NEW
    after = apply_all(before, events)
    summary = stored.summary if stored and after == before else summarise(net_lines(after))
    return StoredCustomer(
        customer_id=customer_id,
        revision=(stored.revision if stored else 0) + 1,
        state=encode(after),
        summary=summary,
    )


def _receipt(event: Event, outcome: Outcome) -> Receipt:
    if outcome is Outcome.CONFLICT:
        return Receipt(
            event.event_id,
            Status.CONFLICT,
            field="event_id",
            reason=f"{event.event_id} was used before with another content; use a new id",
        )
    return Receipt(event.event_id, Status(outcome.value))


def _rejected(event: Event, error: RequestInvalid) -> Receipt:
    return Receipt(event.event_id, Status.REJECTED, field=error.field, reason=error.reason)
