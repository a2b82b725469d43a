"""What the engine asks of the outside: protocols that `engine.store` fulfils.

Every method may raise StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from engine.domain.catalog import Item, ItemPatch
from engine.domain.customers import StoredCustomer
from engine.domain.events import Event, EventType
from engine.domain.features import (
    FeatureRow,
    LastStage,
    Membership,
    Move,
    SegmentRun,
    StageChange,
    StoredSegment,
)
from engine.domain.identities import Visitors


class Outcome(StrEnum):
    """What became of an event handed to the log."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Entry:
    """An event ready for the log: with its time, and the digest of what its sender said."""

    event: Event
    digest: bytes
    received_at: datetime


class LineKey(NamedTuple):
    """What makes a line of an order the same line when it is met again."""

    item_id: str
    quantity: float | None
    unit_price: int | None
    discount: int


@dataclass(frozen=True, slots=True)
class IngestRun:
    """How far the ingest of one file came; `fingerprint` stands for the file and its reading."""

    fingerprint: str
    source: str
    position: int
    counts: Mapping[str, int]
    finished: bool


class Counts(Protocol):
    """Counting what the log holds of a customer."""

    def count_events(
        self,
        customer_id: str,
        kind: EventType,
        *,
        since_ms: int | None,
        until_ms: int,
        item_id: str | None,
    ) -> int:
        """How many events of the type the log holds of a customer, in the time and of the item."""


class LedgerTransaction(Counts, Visitors, Protocol):
    """One transaction over the log and the customers' states; it commits as a whole or not."""

    def customers_after(self, after: str, *, size: int) -> list[str]:
        """The next customers of whom the log holds an event, by id."""

    def history(self, customer_ids: Sequence[str]) -> dict[str, list[Event]]:
        """Every event of each customer, refunds that name only their orders included."""

    def lock(self, customer_ids: Iterable[str]) -> dict[str, StoredCustomer]:
        """The customers as stored, held against other writers; unknown ones are left out."""

    def shop_currency(self, stated: str | None) -> str | None:
        """The currency of all sums in this shop; the first one stated settles it."""

    def append(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Write events whose id is new; the outcome of each, in order."""

    def save(self, customers: Sequence[StoredCustomer]) -> None:
        """Write states with their new revisions, and note that cached lists must go."""

    def hold_orders(self, *, alone: bool) -> None:
        """Until the end, keep out those who are alone; `alone`: keep out everyone.

        A refund that names only its order must not miss a purchase beside it. Before `lock`.
        """

    def order_owners(self, order_ids: Sequence[str]) -> dict[str, set[str]]:
        """The customers who placed each order; guests' orders are left out."""

    def ownerless_refunds(self, order_ids: Sequence[str]) -> list[Event]:
        """Refunds the log holds that name one of the orders and no customer."""

    def order_lines(self, order_ids: Sequence[str]) -> dict[str, set[LineKey]]:
        """Purchase lines the log already holds of the orders; orders it lacks are left out."""

    def note_run(self, run: IngestRun) -> None:
        """Write how far an ingest came, together with what it wrote."""

    def stages(self, customer_ids: Sequence[str]) -> dict[str, LastStage]:
        """What the last run said of those customers who have features."""

    def memberships(self, customer_ids: Sequence[str]) -> dict[str, set[str]]:
        """The segments that each customer is in; those in none are left out."""

    def save_features(self, rows: Sequence[FeatureRow], *, changes: Sequence[StageChange]) -> None:
        """Write features over older ones, not over later revisions, and steps between stages."""

    def move(self, moves: Sequence[Move]) -> None:
        """Write who entered which segment and who left it."""

    def segments_revision(self) -> int:
        """A number that grows whenever a segment of the shop's own changes."""


class Ledger(Protocol):
    """The truth: the event log and what follows from it."""

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[LedgerTransaction]:
        """A transaction, retried by nobody: an exception inside it undoes everything."""

    def stored(self, customer_ids: Sequence[str]) -> list[StoredCustomer]:
        """The known ones among distinct customers as they are just now, held by nobody."""

    def run(self, fingerprint: str) -> IngestRun | None:
        """How far an ingest came, None when it never began."""


class Customers(Protocol):
    """Reading customers' states."""

    def load(self, customer_id: str) -> StoredCustomer | None:
        """The customer, None when no event of theirs was recorded."""

    def revision(self, customer_id: str) -> int:
        """The customer's revision, 0 when no event of theirs was recorded."""

    def pages(self, *, size: int) -> Iterator[list[StoredCustomer]]:
        """All customers by id, a page at a time."""

    def load_many(self, customer_ids: Sequence[str]) -> list[StoredCustomer]:
        """The known ones among the customers."""

    def count(self) -> int:
        """How many customers there are."""


class Features(Protocol):
    """Reading customers' features as they were last worked out."""

    def load(self, customer_id: str) -> FeatureRow | None:
        """The customer's features, None when they never were worked out."""

    def due(self, *, before_ms: int, cuts_version: str, limit: int) -> list[StoredCustomer]:
        """Customers whose features are older than the time, the customer or the cuts."""

    def stages(self) -> dict[str, LastStage]:
        """What the last run said of every customer who has features."""

    def stage(self, customer_id: str) -> LastStage | None:
        """What the last run said of the customer, None when there was none."""

    def changes(self, customer_id: str) -> list[StageChange]:
        """The customer's steps between stages, oldest first."""

    def favouring(self, category: str, *, limit: int) -> list[str]:
        """Customers who buy most often in the category, those who ordered last first."""


class Segments(Counts, Protocol):
    """The shop's own segments, and who is in any segment."""

    @property
    def dialect(self) -> str:
        """The name of the database's SQL, in which `refresh` takes a condition."""

    def revision(self) -> int:
        """A number that grows whenever a segment of the shop's own changes."""

    def own(self) -> list[StoredSegment]:
        """The shop's own segments, by name."""

    def put(self, segment: StoredSegment) -> None:
        """Write a segment, over one of the same name."""

    def delete(self, name: str) -> bool:
        """Remove a segment with its members; whether there was one."""

    def refresh(
        self, name: str, condition: str, params: Mapping[str, Any], *, now_ms: int
    ) -> SegmentRun:
        """Work out the members for everyone, and note who entered and who left.

        The condition is SQL of this database over `customer_features AS f`.
        """

    def runs(self) -> dict[str, SegmentRun]:
        """When each segment was last worked out, by name."""

    def sizes(self, name: str | None = None) -> dict[str, int]:
        """How many customers are in each segment, or in one, now; empty ones are left out."""

    def members(self, name: str, *, after: str | None, limit: int) -> list[Membership]:
        """Members by customer id, those after the given one."""

    def of(self, customer_id: str) -> list[tuple[str, int]]:
        """The segments a customer is in, by name, and since when in ms."""

    def moves(self, name: str, *, limit: int) -> list[Move]:
        """Who entered and who left last, the latest first."""


class Catalog(Protocol):
    """The items and their attributes."""

    def revision(self) -> int:
        """A number that grows whenever an item changes."""

    def get(self, item_id: str) -> Item | None:
        """One item, None when it was never described."""

    def some(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Those of the items that were described, by id."""

    def all(self) -> list[Item]:
        """Every described item."""

    def changed_since(self, revision: int) -> list[Item]:
        """The items that changed after a revision."""

    def changes(self, *, since: int, limit: int) -> list[tuple[str, int]]:
        """Items that changed after a revision and when they last did, the latest first."""

    def put(self, patches: Sequence[ItemPatch]) -> int:
        """Set attributes of items, new ones included; the catalogue's new revision."""


class Sales(Protocol):
    """Counts over the log."""

    def best_sellers(self, *, window: timedelta, limit: int) -> list[tuple[str, int]]:
        """Items in the most purchases of the window that ends with the last one, with how many."""

    def buyers(self, item_ids: Sequence[str], *, orders: int, limit: int) -> list[str]:
        """Customers with some of the items in the shop's last so many orders.

        Those with the first item come first, then those with most of the others, then the latest.
        """


class Invalidations(Protocol):
    """Cached lists that must go: written with the change, cleared when the cache has done it."""

    def pending(self, *, limit: int) -> Mapping[str, int]:
        """Customers with the revision below which their lists are stale."""

    def clear(self, done: Mapping[str, int]) -> None:
        """Forget those that were carried out, unless a later revision came meanwhile."""
