"""A customer's lists in the cache: found, awaited, kept, and the last when nothing else works."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from api.catalog_changes import CatalogChanges
from api.wire import FallbackReason, Recommendations, ServedBy, encode
from engine.errors import StoreUnavailable
from engine.list_cache import ListCache, Stamp
from engine.ports import Catalog, Customers

# A list takes some milliseconds to make; whoever waited for longer makes it too.
WAIT = timedelta(milliseconds=40)
LOOK = timedelta(milliseconds=4)


@dataclass(frozen=True)
class KeptLists:
    """The lists of customers that the cache holds; without a cache there are none, and no error."""

    cache: ListCache
    customers: Customers
    catalog: Catalog
    changes: CatalogChanges
    sleep: Callable[[float], object] = time.sleep

    def found(self, customer_id: str, name: str) -> bytes | None:
        """The list of that name, None when there is none that is current."""
        try:
            body = self.cache.read(customer_id, name)
            # It may have looked stale only because this process had not heard of a change.
            if body is None and self.changes.catch_up():
                body = self.cache.read(customer_id, name)
        except StoreUnavailable:
            return None
        return body

    def awaited(self, customer_id: str, name: str) -> bytes | None:
        """The list that somebody else is making; None when it is this caller's to make."""
        try:
            for _ in range(WAIT // LOOK):
                if self.cache.claim(customer_id, name):
                    return None
                self.sleep(LOOK.total_seconds())
                if (body := self.cache.read(customer_id, name)) is not None:
                    return body
        except StoreUnavailable:
            pass
        return None

    def keep(self, customer_id: str, name: str, body: bytes, stamp: Stamp) -> None:
        """Cache a list, and take it back when what it was computed from has moved on.

        The cache refuses what is older than the last event it was told of. One that restarted
        knows of none, and what it was told just before is lost: hence the second look.
        """
        try:
            if not self.cache.write(customer_id, name, body, stamp=stamp):
                return
            revision = self.customers.revision(customer_id)
            if revision > stamp.customer_revision:
                self.cache.forget({customer_id: revision})
            catalog_revision = self.catalog.revision()
            if catalog_revision > stamp.catalog_revision:
                self.cache.set_catalog_revision(catalog_revision)
        except StoreUnavailable:
            # The list was computed and is right; the next one is computed again.
            return

    def leave(self, customer_id: str, name: str) -> None:
        """Let others make a list that was claimed and is not kept."""
        try:
            self.cache.release(customer_id, name)
        except StoreUnavailable:
            return

    def last(
        self,
        customer_id: str,
        request: str,
        reason: FallbackReason,
        *,
        unavailable: frozenset[str],
    ) -> bytes | None:
        """The customer's last list for the request, however old, without what is sold out.

        None when none is kept. An event drops a customer's lists: it never is from before one.
        """
        try:
            body = self.cache.last(customer_id, request)
        except StoreUnavailable:
            return None
        if body is None:
            return None
        before = msgspec.json.decode(body, type=Recommendations)
        shown = [each for each in before.items if each.item_id not in unavailable]
        items = tuple(
            msgspec.structs.replace(each, rank=rank) for rank, each in enumerate(shown, start=1)
        )
        return encode(
            msgspec.structs.replace(
                before,
                items=items,
                returned=len(items),
                served_by=ServedBy.SNAPSHOT,
                fallback_reason=reason.value,
            )
        )
