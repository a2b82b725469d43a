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
from typing import NamedTuple

from engine.domain.customers import StoredCustomer
from engine.domain.events import Event, EventType, check, digest, to_ms
from engine.domain.particulars import check_particulars
from engine.errors import RequestInvalid, StoreUnavailable
from engine.identities import claim, folded_anew, settle
from engine.live import LiveModel, Living
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

    def __init__(
        self,
        ledger: Ledger,
        invalidations: Invalidations,
        cache: ListCache,
        *,
        model: LiveModel | None = None,
    ) -> None:
        self._ledger = ledger
        self._invalidations = invalidations
        self._cache = cache
        self._model = model

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
            outcomes, revisions, concerned = _written(transaction, list(entries.values()))
            if self._model is not None:
                self._model.follow(transaction, concerned, now_ms=to_ms(now))
        for position, outcome in zip(entries, outcomes, strict=True):
            receipts[position] = _receipt(events[position], outcome)
        self.tell_cache(revisions)
        return [receipts[position] for position in range(len(events))]

    def tell_cache(self, revisions: Mapping[str, int]) -> None:
        """Drop the lists of customers who moved on, as the transaction noted."""
        if not revisions:
            return
        try:
            self._cache.forget(revisions)
            self._invalidations.clear(revisions)
        except StoreUnavailable:
            # The notes stay in the database; whoever keeps the cache up carries them out.
            return


def record_in(transaction: LedgerTransaction, entries: Sequence[Entry]) -> list[Outcome]:
    """The outcome of each checked event, written to the log and into states in the transaction.

    Features and segments do not follow; they are worked out for everyone afterwards.
    """
    return _written(transaction, entries).outcomes


class _Written(NamedTuple):
    """What came of events: each one's outcome, the revision that each customer named in them now
    has, and the customers of whom there is news, as they are now."""

    outcomes: list[Outcome]
    revisions: dict[str, int]
    concerned: list[Living]


def _written(transaction: LedgerTransaction, entries: Sequence[Entry]) -> _Written:
    claims = claim(transaction, [entry.event for entry in entries])
    owned = claims.owned([entry.event for entry in entries])
    holders = _holders(transaction, owned, joins=bool(claims.joining))
    named = claims.customers | {e.customer_id for e in owned if e.customer_id is not None}
    known = transaction.lock(named.union(*holders.values()))
    outcomes = transaction.append(entries)
    accepted = [
        entry.event
        for entry, outcome in zip(entries, outcomes, strict=True)
        if outcome is Outcome.ACCEPTED
    ]
    claims, anew = settle(transaction, claims, accepted)
    news = _news(claims.owned(accepted), holders, transaction)
    concerned = folded_anew(transaction, anew, known)
    concerned += [_moved_on(who, known.get(who), news[who]) for who in news if who not in anew]
    moved = [stored for stored, _ in concerned if stored is not known.get(stored.customer_id)]
    transaction.save(moved)
    # Those without news are told too: whoever recorded a duplicate the first time may have died
    # before the cache heard of it, and this answer promises that it has.
    revisions = {each.customer_id: each.revision for each in (*known.values(), *moved)}
    return _Written(outcomes, revisions, concerned)


def _holders(
    transaction: LedgerTransaction, events: Sequence[Event], *, joins: bool
) -> dict[str, set[str]]:
    """The customers of each order that a refund names without naming a customer."""
    orders = {each.order_id for each in events if each.order_id and _is_ownerless_refund(each)}
    # A join may give an order a customer, as a purchase does.
    if joins or any(each.type in (EventType.PURCHASE, EventType.REFUND) for each in events):
        transaction.hold_orders(alone=bool(orders))
    if not orders:
        return {}
    holders = transaction.order_owners(sorted(orders))
    for each in _purchases(events):
        if each.order_id in orders:
            holders.setdefault(each.order_id, set()).add(each.customer_id)
    return holders


def _news(
    accepted: Sequence[Event], holders: Mapping[str, set[str]], transaction: LedgerTransaction
) -> dict[str, list[Event]]:
    """The new events that concern each customer, and refunds that waited for their purchase."""
    news: defaultdict[str, list[Event]] = defaultdict(list)
    for event in accepted:
        if event.customer_id is not None:
            news[event.customer_id].append(event)
        elif _is_ownerless_refund(event):
            for customer_id in holders.get(event.order_id or "", ()):
                news[customer_id].append(event)
    purchases = _purchases(accepted)
    waiting = transaction.ownerless_refunds([each.order_id for each in purchases])
    own = {event.event_id for event in accepted}
    for refund in waiting:
        if refund.event_id not in own:
            for customer_id in {p.customer_id for p in purchases if p.order_id == refund.order_id}:
                news[customer_id].append(refund)
    return news


class _Purchase(NamedTuple):
    order_id: str
    customer_id: str


def _purchases(events: Sequence[Event]) -> list[_Purchase]:
    return [
        _Purchase(each.order_id, each.customer_id)
        for each in events
        if each.type is EventType.PURCHASE and each.order_id and each.customer_id
    ]


def _is_ownerless_refund(event: Event) -> bool:
    return event.type is EventType.REFUND and event.customer_id is None


def entry_of(event: Event, *, received_at: datetime) -> Entry:
    """A checked event made ready for the log."""
    return Entry(event.at(received_at), digest(event), received_at)


def _entry(event: Event, transaction: LedgerTransaction, *, now: datetime) -> Entry:
    check(event, now=now)
    check_particulars(event)
    # Only what moves money settles the currency, or has to be in it.
    moves_goods = event.type in (EventType.PURCHASE, EventType.REFUND)
    if moves_goods and event.currency not in (None, transaction.shop_currency(event.currency)):
        settled = transaction.shop_currency(None)
        raise RequestInvalid(
            f"{event.currency} is not this shop's currency {settled}; convert the amounts first",
            field="currency",
        )
    return entry_of(event, received_at=now)


def _moved_on(customer_id: str, stored: StoredCustomer | None, events: Sequence[Event]) -> Living:
    """The customer after the events, the very same one when they change nothing."""
    before = decode(stored.state) if stored else NEW
    # A refund that waited for its order may meet it in parts, and counts once.
    counted = {refund.event_id for refund in before.refunds}
    after = apply_all(before, [event for event in events if event.event_id not in counted])
    if stored and after == before:
        return Living(stored, before)
    moved = StoredCustomer(
        customer_id=customer_id,
        revision=(stored.revision if stored else 0) + 1,
        state=encode(after),
        summary=summarise(net_lines(after)),
    )
    return Living(moved, after)


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
