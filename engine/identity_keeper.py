"""Taking anonymous visitors apart from customers whom they were joined to, and joining anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from engine.domain.events import to_ms
from engine.domain.identities import Range
from engine.identities import folded_anew, resettle
from engine.live import LiveModel
from engine.ports import Ledger, LedgerTransaction

PAGE = 500


class IdentityKeeper:
    """Changes who is whose, with the states that follow, in one transaction."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        model: LiveModel | None = None,
        tell_cache: Callable[[Mapping[str, int]], None] = lambda _: None,
    ) -> None:
        self._ledger = ledger
        self._model = model
        self._tell_cache = tell_cache

    def split(
        self, anonymous_id: str, *, customer_id: str | None = None, now: datetime
    ) -> list[str]:
        """Take a visitor apart from a customer, or from everyone; from whom it was taken.

        The states are then as if they had never been joined, and stay so: later events that carry
        both ids count for the customer they name and join nobody. Empty where nobody was joined.
        """
        visitor = Range(anonymous_id)
        with self._ledger.transaction() as transaction:
            _hold(transaction, anonymous_id)
            joined = {
                each.customer_id for each in transaction.joins([visitor]).get(anonymous_id, ())
            }
            leaving = joined if customer_id is None else joined & {customer_id}
            if leaving:
                transaction.split(anonymous_id, leaving, at_ms=to_ms(now))
            revisions = self._settled(transaction, visitor, leaving | joined, now=now)
        self._tell_cache(revisions)
        return sorted(leaving)

    def join_again(
        self, anonymous_id: str, *, customer_id: str | None = None, now: datetime
    ) -> list[str]:
        """Undo `split`, for one customer or all; whom the visitor may be joined to again."""
        visitor = Range(anonymous_id)
        with self._ledger.transaction() as transaction:
            _hold(transaction, anonymous_id)
            apart = {customer for _, customer in transaction.split_from([anonymous_id])}
            coming = apart if customer_id is None else apart & {customer_id}
            before = transaction.joins([visitor]).get(anonymous_id, ())
            transaction.split(anonymous_id, coming, at_ms=None)
            concerned = coming | {each.customer_id for each in before}
            revisions = self._settled(transaction, visitor, concerned, now=now)
        self._tell_cache(revisions)
        return sorted(coming)

    def _settled(
        self, transaction: LedgerTransaction, visitor: Range, concerned: set[str], *, now: datetime
    ) -> dict[str, int]:
        transaction.hold_orders(alone=False)
        known = transaction.lock(concerned)
        moved = resettle(transaction, [visitor])
        people = folded_anew(transaction, moved.customers, known)
        fresh = [
            each.stored for each in people if each.stored is not known.get(each.stored.customer_id)
        ]
        transaction.save(fresh)
        if self._model is not None:
            self._model.follow(transaction, people, now_ms=to_ms(now))
        return {each.customer_id: each.revision for each in fresh}


def rebuild_identities(ledger: Ledger) -> int:
    """Work out from the log whose every visitor is; how many had been anybody else's.

    The states follow with `engine.rebuild`. Each page of visitors is a transaction of its own.
    """
    different, after = 0, ""
    while True:
        with ledger.transaction() as transaction:
            page = transaction.visitors_after(after, size=PAGE)
            if not page:
                return different
            transaction.hold_visitors(page, alone=page)
            transaction.hold_orders(alone=False)
            ranges = [Range(each) for each in page]
            before = set(transaction.spans_over(ranges))
            resettle(transaction, ranges)
            changed = before ^ set(transaction.spans_over(ranges))
            different += len({span.anonymous_id for span in changed})
        after = page[-1]


def _hold(transaction: LedgerTransaction, anonymous_id: str) -> None:
    transaction.hold_visitors([anonymous_id], alone=[anonymous_id])
