"""The feedback loop: what customers do goes into the log and into their state at once.

An event counts when its transaction has committed: the log entry, the customer's new state and
the note that cached lists are stale stand or fall together. Only then is the cache told; when
that fails the note remains and the cache is told again later. Features may follow in a
transaction of their own, soon after (`engine.intake`).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from engine.domain.events import Event, EventType, to_ms
from engine.errors import RequestInvalid, StoreUnavailable
from engine.foreseen import Foreseen, foreseen
from engine.identities import claim, folded_anew, settle
from engine.list_cache import ListCache
from engine.live import LiveModel, Living, living
from engine.ports import Entry, Invalidations, Ledger, LedgerTransaction, Outcome
from engine.receipts import Batch, Receipt, Recorded, checked, receipt_of, rejected


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
        self._lock = threading.Lock()
        # Customers' revisions that the cache has been told of, and the database still notes.
        self._told: dict[str, int] = {}

    def record(self, events: Sequence[Event], *, now: datetime) -> list[Receipt]:
        """What became of each event, in order; accepted ones are durable and counted once.

        Events that break a rule are rejected one by one and keep no other from being accepted.
        Raises StoreUnavailable when the log cannot be written: then none was accepted.
        """
        batch = checked(events, now=now)
        (receipts,) = self.record_together(lambda: [batch], now=now).receipts
        return receipts

    def record_together(
        self,
        gather: Callable[[], Sequence[Batch]],
        *,
        now: datetime,
        expected: Callable[[], Sequence[Batch]] = lambda: (),
        at_once: Callable[[Sequence[Batch]], bool] = lambda _: True,
    ) -> Recorded:
        """What became of several senders' events, written in one transaction.

        `gather` is called when it is this transaction's turn to write, so that whoever came while
        it waited takes part; what is `expected` to be gathered is worked out before. Features
        follow in the same transaction where `at_once` says so of the batches; else the customers
        are named in the answer, for `follow`.
        """
        ahead = foreseen(expected(), self._ledger.stored)
        with self._ledger.transaction() as transaction:
            batches = gather()
            entries, receipts = _admitted(batches, transaction)
            outcomes, revisions, concerned = _written(transaction, list(entries.values()), ahead)
            later = not at_once(batches)
            if self._model is not None and not later:
                self._model.follow(transaction, concerned, now_ms=to_ms(now))
        for (number, position), outcome in zip(entries, outcomes, strict=True):
            event = batches[number].events[position]
            receipts[number][position] = receipt_of(event, outcome)
        self.tell_cache(revisions)
        return Recorded(
            [[own[at] for at in range(len(own))] for own in receipts],
            [each.stored.customer_id for each in concerned] if later else [],
        )

    def follow(self, customer_ids: Sequence[str], *, now: datetime) -> None:
        """Work out the features of customers whose events were recorded without them."""
        if self._model is None or not customer_ids:
            return
        # Whatever a power cut undoes of this is found due again.
        with self._ledger.transaction(durable=False) as transaction:
            held = transaction.lock(customer_ids)
            customers = living(held[name] for name in sorted(held))
            self._model.follow(transaction, customers, now_ms=to_ms(now))

    def clear_told(self) -> None:
        """Forget the notes of what the cache has been told. Raises StoreUnavailable.

        To be called every second or so, and at the end: one small transaction for many events.
        A note that is left is carried out once more, which drops nothing that is current.
        """
        with self._lock:
            told, self._told = self._told, {}
        try:
            self._invalidations.clear(told)
        except StoreUnavailable:
            with self._lock:
                self._told = {**told, **self._told}
            raise

    def tell_cache(self, revisions: Mapping[str, int]) -> None:
        """Drop the lists of customers who moved on, as the transaction noted."""
        if not revisions:
            return
        try:
            self._cache.forget(revisions)
        except StoreUnavailable:
            # The notes stay in the database; whoever keeps the cache up carries them out.
            return
        with self._lock:
            self._told.update(revisions)


def record_in(transaction: LedgerTransaction, entries: Sequence[Entry]) -> list[Outcome]:
    """The outcome of each checked event, written to the log and into states in the transaction.

    Features and segments do not follow; they are worked out for everyone afterwards.
    """
    return _written(transaction, entries, Foreseen()).outcomes


class _Written(NamedTuple):
    """What came of events: each one's outcome, the revision that each customer named in them now
    has, and the customers of whom there is news, as they are now."""

    outcomes: list[Outcome]
    revisions: dict[str, int]
    concerned: list[Living]


def _written(transaction: LedgerTransaction, entries: Sequence[Entry], ahead: Foreseen) -> _Written:
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
    concerned += [ahead.moved_on(who, known.get(who), news[who]) for who in news if who not in anew]
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


def _admitted(
    batches: Sequence[Batch], transaction: LedgerTransaction
) -> tuple[dict[tuple[int, int], Entry], list[dict[int, Receipt]]]:
    """The entries by batch and position, and for each batch the receipts of what is refused."""
    entries: dict[tuple[int, int], Entry] = {}
    receipts = [dict(batch.refused) for batch in batches]
    for number, batch in enumerate(batches):
        for position, entry in batch.entries.items():
            try:
                _check_currency(entry.event, transaction)
            except RequestInvalid as error:
                receipts[number][position] = rejected(entry.event, error)
            else:
                entries[number, position] = entry
    return entries, receipts


def _check_currency(event: Event, transaction: LedgerTransaction) -> None:
    # Only what moves money settles the currency, or has to be in it.
    moves_goods = event.type in (EventType.PURCHASE, EventType.REFUND)
    if moves_goods and event.currency not in (None, transaction.shop_currency(event.currency)):
        settled = transaction.shop_currency(None)
        raise RequestInvalid(
            f"{event.currency} is not this shop's currency {settled}; convert the amounts first",
            field="currency",
        )
