"""The ledger: the event log and the customers' states in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from engine.domain.customers import StoredCustomer
from engine.domain.events import Event, EventType
from engine.domain.features import FeatureRow, LastStage, Move, StageChange
from engine.ports import Entry, IngestRun, LineKey, Outcome
from engine.store import features, history, memberships, orders, segments
from engine.store.customers import known_customers
from engine.store.database import SQLITE, Database
from engine.store.identities import SqlVisitors
from engine.store.rows import among_texts, found, upsert
from engine.store.tables import ingest_runs, shop
from engine.store.writers import PostgresWriter, SqliteWriter, Writer

CURRENCY = "currency"


class SqlLedger:
    """The ledger in a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[SqlTransaction]:
        """A transaction; an exception inside it undoes everything.

        One that need not be `durable` does not wait for the disk: a power cut may undo it, but
        never one that was committed after it.

        On SQLite transactions take turns. On PostgreSQL they wait only for a customer or an event
        they share, and never in a circle when `hold_visitors`, `hold_orders` and `lock` come, in
        this order, before `append`.
        """
        writing = self._database.write if durable else self._database.write_lazily
        with writing() as connection:
            yield SqlTransaction(connection, _writer_for(self._database, connection))

    def currency(self) -> str | None:
        """The currency of all sums in this shop, None while no purchase has named one."""
        asked = select(shop.c.value).where(shop.c.name == CURRENCY)
        with self._database.read() as connection:
            return connection.scalar(asked)

    def stored(self, customer_ids: Sequence[str]) -> list[StoredCustomer]:
        """The known ones among distinct customers as they are just now, held by nobody."""
        with self._database.read() as connection:
            return known_customers(connection, customer_ids)

    def run(self, fingerprint: str) -> IngestRun | None:
        """How far an ingest came, None when it never began."""
        asked = select(ingest_runs).where(ingest_runs.c.fingerprint == fingerprint)
        with self._database.read() as connection:
            row = connection.execute(asked).one_or_none()
        if row is None:
            return None
        counts = msgspec.json.decode(row.counts, type=dict[str, int])
        return IngestRun(row.fingerprint, row.source, row.position, counts, row.finished)


class SqlTransaction(SqlVisitors):
    """What `SqlLedger.transaction` yields."""

    def __init__(self, connection: Connection, writer: Writer) -> None:
        self._connection = connection
        self._writer = writer
        self._currency: str | None = None

    def customers_after(self, after: str, *, size: int) -> list[str]:
        """The next customers of whom the log holds an event, by id."""
        return history.customers_after(self._connection, after, size=size)

    def history(self, customer_ids: Sequence[str]) -> dict[str, list[Event]]:
        """Every event of each customer, refunds that name only their orders included."""
        return history.history(self._connection, customer_ids)

    def lock(self, customer_ids: Iterable[str]) -> dict[str, StoredCustomer]:
        """The customers as stored, held against other writers; unknown ones are left out."""
        wanted = sorted(set(customer_ids))
        if wanted:
            self._writer.hold(wanted)
        return {each.customer_id: each for each in known_customers(self._connection, wanted)}

    def shop_currency(self, stated: str | None) -> str | None:
        """The currency of all sums in this shop; the first one stated settles it."""
        if self._currency is None:
            self._currency = self._found_currency()
        if self._currency is None and stated is not None:
            row = {"name": CURRENCY, "value": stated}
            self._connection.execute(
                upsert(self._connection, shop).values(row).on_conflict_do_nothing()
            )
            # Another process may have been first: then its currency counts.
            self._currency = self._found_currency()
        return self._currency

    def append(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Write events whose id is new; the outcome of each, in order."""
        first: dict[str, Entry] = {}
        for entry in entries:
            first.setdefault(entry.event.event_id, entry)
        if not first:
            return []
        added = self._writer.add_events(list(first.values()))
        digests = {event_id: first[event_id].digest for event_id in added}
        digests |= self._digests([event_id for event_id in first if event_id not in added])
        return [_outcome(entry, first=first, added=added, digests=digests) for entry in entries]

    def save(self, customers: Sequence[StoredCustomer]) -> None:
        """Write states with their new revisions, and note that cached lists must go."""
        if customers:
            self._writer.save_customers(customers)

    def hold_orders(self, *, alone: bool) -> None:
        """Until the end, keep out those who are alone; `alone`: keep out everyone."""
        self._writer.hold_orders(alone=alone)

    def order_owners(self, order_ids: Sequence[str]) -> dict[str, set[str]]:
        """The customers who placed each order; guests' orders are left out."""
        return orders.owners(self._connection, order_ids)

    def ownerless_refunds(self, order_ids: Sequence[str]) -> list[Event]:
        """Refunds the log holds that name one of the orders and no customer."""
        return orders.ownerless_refunds(self._connection, order_ids)

    def order_lines(self, order_ids: Sequence[str]) -> dict[str, set[LineKey]]:
        """Purchase lines the log already holds of the orders; orders it lacks are left out."""
        return orders.lines(self._connection, order_ids)

    def note_run(self, run: IngestRun) -> None:
        """Write how far an ingest came, together with what it wrote."""
        values: dict[str, Any] = {
            "source": run.source,
            "position": run.position,
            "counts": msgspec.json.encode(dict(run.counts)).decode(),
            "finished": run.finished,
        }
        self._connection.execute(
            upsert(self._connection, ingest_runs)
            .values(fingerprint=run.fingerprint, **values)
            .on_conflict_do_update(index_elements=["fingerprint"], set_=values)
        )

    def stages(self, customer_ids: Sequence[str]) -> dict[str, LastStage]:
        """What the last run said of those customers who have features."""
        return features.stages(self._connection, customer_ids)

    def memberships(self, customer_ids: Sequence[str]) -> dict[str, set[str]]:
        """The segments that each customer is in; those in none are left out."""
        return memberships.memberships(self._connection, customer_ids)

    def save_features(self, rows: Sequence[FeatureRow], *, changes: Sequence[StageChange]) -> None:
        """Write features over older ones, not over later revisions, and steps between stages."""
        if rows:
            self._writer.save_features(rows)
        features.note_changes(self._connection, changes)

    def move(self, moves: Sequence[Move]) -> None:
        """Write who entered which segment and who left it."""
        memberships.move(self._connection, moves)

    def segments_revision(self) -> int:
        """A number that grows whenever a segment of the shop's own changes."""
        return segments.revision(self._connection)

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
        return segments.count_events(
            self._connection, customer_id, kind, times=(since_ms, until_ms), item_id=item_id
        )

    def _found_currency(self) -> str | None:
        # In text: every purchase asks this.
        asked = f"SELECT value FROM shop WHERE name = '{CURRENCY}'"  # noqa: S608 - a name of ours
        rows = found(self._connection, asked)
        return str(rows[0][0]) if rows else None

    def _digests(self, event_ids: Sequence[str]) -> dict[str, bytes]:
        if not event_ids:
            return {}
        among, asked = among_texts(self._connection, event_ids)
        statement = f"SELECT event_id, digest FROM events WHERE event_id {among}"  # noqa: S608
        return {who: bytes(digest) for who, digest in found(self._connection, statement, asked)}


def _writer_for(database: Database, connection: Connection) -> Writer:
    """The bulk writer of a database."""
    return SqliteWriter(connection) if database.dialect == SQLITE else PostgresWriter(connection)


def _outcome(
    entry: Entry,
    *,
    first: Mapping[str, Entry],
    added: set[str],
    digests: Mapping[str, bytes],
) -> Outcome:
    event_id = entry.event.event_id
    if event_id in added and first[event_id] is entry:
        return Outcome.ACCEPTED
    return Outcome.DUPLICATE if digests[event_id] == entry.digest else Outcome.CONFLICT
