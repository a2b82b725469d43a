"""Finished answers in the memory of one process.

The same promises as `RedisListCache`, for one process only: what another process records is not
heard of here, so a server of several workers needs Redis or the embedded Valkey.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from engine.list_cache import Stamp, Unchanged, never_unchanged
from engine.store.keys import MAX_LISTS, Kept

CAPACITY = 10_000
# An answer takes milliseconds to make; whoever claims one and fails holds others up for so long.
CLAIM_SECONDS = 0.3


@dataclass(slots=True)
class _Lists:
    """One customer's answers by field, and the revision below which none is taken."""

    revision: int
    answers: dict[str, Kept] = field(default_factory=dict)
    # Until when somebody makes an answer.
    claims: dict[str, float] = field(default_factory=dict)


class MemoryListCache:
    """The `ListCache` in memory; safe to share between threads.

    Holds the `capacity` customers that were used last. An answer lives for `ttl` by `clock`.
    """

    def __init__(
        self,
        *,
        ttl: timedelta,
        capacity: int = CAPACITY,
        clock: Callable[[], float] = time.monotonic,
        unchanged: Unchanged = never_unchanged,
    ) -> None:
        self._unchanged = unchanged
        self._ttl = ttl.total_seconds()
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._customers: OrderedDict[str, _Lists] = OrderedDict()
        self._catalog: int | None = None

    @property
    def must_catch_up(self) -> bool:
        """False: memory does not fail, so no invalidation is ever kept back."""
        return False

    def read(self, customer_id: str, field: str) -> bytes | None:
        """The answer, None when there is none that is current."""
        with self._lock:
            lists = self._customers.get(customer_id)
            if lists is None:
                return None
            self._customers.move_to_end(customer_id)
            kept, now = lists.answers.get(field), self._catalog
        if kept is None or now is None or self._clock() >= kept.ends_at:
            return None
        same = kept.catalog_revision == now
        if same or self._unchanged(kept.catalog_revision, now, kept.marks):
            return kept.body
        return None

    def last(self, customer_id: str, request: str) -> bytes | None:
        """The latest answer to the request that is kept, whatever model made it and how old it is.

        Never one from before the customer's last event that the cache has been told of.
        """
        with self._lock:
            lists = self._customers.get(customer_id)
            found = lists.answers.items() if lists else ()
            answers = [kept for name, kept in found if name.endswith(request)]
        return max(answers, key=lambda each: each.ends_at).body if answers else None

    def claim(self, customer_id: str, field: str) -> bool:
        """Whether nobody else is making this answer just now; the caller then does."""
        with self._lock:
            lists = self._customers.get(customer_id) or _Lists(-1)
            now = self._clock()
            if lists.claims.get(field, now) > now:
                return False
            lists.claims[field] = now + CLAIM_SECONDS
            self._keep(customer_id, lists)
        return True

    def release(self, customer_id: str, field: str) -> None:
        """End a claim without an answer."""
        with self._lock:
            lists = self._customers.get(customer_id)
            if lists is not None:
                lists.claims.pop(field, None)

    def write(self, customer_id: str, field: str, body: bytes, *, stamp: Stamp) -> bool:
        """Keep an answer unless the customer or the catalogue moved on; whether it was kept.

        A stamp newer than the stored revision proves that older answers are stale and drops them.
        """
        with self._lock:
            if not self._raise_catalog(stamp.catalog_revision):
                return False
            lists = self._customers.get(customer_id)
            if lists is not None and lists.revision > stamp.customer_revision:
                return False
            if lists is None or lists.revision < stamp.customer_revision:
                lists = _Lists(stamp.customer_revision)
            if len(lists.answers) >= MAX_LISTS and field not in lists.answers:
                lists.answers.clear()
            ends_at = self._clock() + self._ttl
            lists.answers[field] = Kept(stamp.catalog_revision, ends_at, stamp.marks, body)
            lists.claims.pop(field, None)
            self._keep(customer_id, lists)
            return True

    def forget(self, revisions: Mapping[str, int]) -> None:
        """Drop customers' lists and refuse ones computed from an older revision."""
        with self._lock:
            for customer_id, revision in revisions.items():
                before = self._customers.get(customer_id)
                # What is kept was computed from the revision that is remembered.
                if before is None or before.revision < revision:
                    self._keep(customer_id, _Lists(revision))

    def set_catalog_revision(self, revision: int) -> None:
        """Make every list computed from an older catalogue stale; never lowers the revision."""
        with self._lock:
            self._raise_catalog(revision)

    def ping(self) -> None:
        """Return at once: memory answers."""

    def catch_up(self, carry_out: Callable[[], object]) -> bool:
        """True: there is nothing to catch up with."""
        return True

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._customers.clear()
            self._catalog = None

    def _raise_catalog(self, revision: int) -> bool:
        if self._catalog is not None and self._catalog > revision:
            return False
        self._catalog = revision
        return True

    def _keep(self, customer_id: str, lists: _Lists) -> None:
        self._customers[customer_id] = lists
        self._customers.move_to_end(customer_id)
        while len(self._customers) > self._capacity:
            self._customers.popitem(last=False)
