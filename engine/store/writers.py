"""Writing many rows at once, as fast as each database allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

from engine.domain.customers import StoredCustomer
from engine.domain.features import FeatureRow
from engine.ports import Entry
from engine.store import feature_table
from engine.store.rows import (
    CUSTOMER_COLUMNS,
    EVENT_COLUMNS,
    LINE_COLUMNS,
    RowValues,
    carry_out,
    customer_row,
    event_row,
    found,
    line_rows,
)

# Any number that no other advisory lock of this database uses.
ORDERS_LOCK = 7_201_001


class Writer(Protocol):
    """The statements of one transaction that differ between databases."""

    def hold(self, customer_ids: Sequence[str]) -> None:
        """Keep other writers from the customers, known or not, until the transaction ends."""

    def hold_orders(self, *, alone: bool) -> None:
        """Keep out those who are alone, or everyone, until the transaction ends."""

    def add_events(self, entries: Sequence[Entry]) -> set[str]:
        """Write the events with their lines whose id the log lacks; the ids written."""

    def save_customers(self, customers: Sequence[StoredCustomer]) -> None:
        """Write the customers, and that their cached lists must go."""

    def save_features(self, rows: Sequence[FeatureRow]) -> None:
        """Write customers' features, but not over those of a later revision."""


class SqliteWriter:
    """In SQLite the transaction is the only one that writes, so looking before writing is safe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, customer_ids: Sequence[str]) -> None:
        """Nothing to do: BEGIN IMMEDIATE holds the whole database."""

    def hold_orders(self, *, alone: bool) -> None:
        """Nothing to do, for the same reason."""

    def add_events(self, entries: Sequence[Entry]) -> set[str]:
        """Write the events with their lines whose id the log lacks; the ids written."""
        known = self._known([entry.event.event_id for entry in entries])
        new = [entry for entry in entries if entry.event.event_id not in known]
        if not new:
            return set()
        numbered = list(enumerate(new, start=self._last_seq() + 1))
        _insert(
            self._connection,
            "events",
            ("seq", *EVENT_COLUMNS),
            [(seq, *event_row(entry)) for seq, entry in numbered],
        )
        _insert(self._connection, "event_lines", LINE_COLUMNS, list(line_rows(numbered)))
        return {entry.event.event_id for entry in new}

    def save_customers(self, customers: Sequence[StoredCustomer]) -> None:
        """Write the customers, and that their cached lists must go."""
        _insert(
            self._connection,
            "customers",
            CUSTOMER_COLUMNS,
            [customer_row(each) for each in customers],
            suffix=_replacing("customer_id", CUSTOMER_COLUMNS[1:]),
        )
        _insert(
            self._connection,
            "invalidations",
            ("customer_id", "revision"),
            [(each.customer_id, each.revision) for each in customers],
            suffix=_replacing("customer_id", ("revision",)),
        )

    def save_features(self, rows: Sequence[FeatureRow]) -> None:
        """Write customers' features, but not over those of a later revision."""
        _insert(
            self._connection,
            "customer_features",
            feature_table.COLUMNS,
            [feature_table.feature_values(each) for each in rows],
            suffix=_REPLACING_FEATURES,
        )

    def _known(self, event_ids: Sequence[str]) -> set[str]:
        # One array parameter instead of thousands: the statement is prepared once.
        rows = found(
            self._connection,
            "SELECT event_id FROM events WHERE event_id IN (SELECT value FROM json_each(?))",
            (_json_array(event_ids),),
        )
        return {event_id for (event_id,) in rows}

    def _last_seq(self) -> int:
        rows = found(self._connection, "SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        return int(rows[0][0]) if rows else 0


class PostgresWriter:
    """In PostgreSQL writers meet row by row.

    They cannot wait for each other in a circle: every transaction takes its customers first and
    its events after, both sorted by id.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def hold(self, customer_ids: Sequence[str]) -> None:
        """Lock the customers' rows; unknown ones get an empty row of revision 0 to lock."""
        # All ids take part, not only missing ones: what is being added elsewhere is waited for
        # here, before any lock of the second statement is held.
        self._connection.exec_driver_sql(
            "INSERT INTO customers (customer_id, revision, state, orders, units, revenue) "
            "SELECT id, 0, ''::bytea, 0, 0, 0 FROM unnest(%s::text[]) AS id "
            "ON CONFLICT DO NOTHING",
            (list(customer_ids),),
        )
        self._connection.exec_driver_sql(
            "SELECT 1 FROM customers WHERE customer_id = ANY(%s::text[]) "
            "ORDER BY customer_id FOR UPDATE",
            (list(customer_ids),),
        )

    def hold_orders(self, *, alone: bool) -> None:
        """Take the lock of orders, shared by all who are not alone."""
        name = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        self._connection.exec_driver_sql(f"SELECT {name}(%s)", (ORDERS_LOCK,))

    def add_events(self, entries: Sequence[Entry]) -> set[str]:
        """Write the events with their lines whose id the log lacks; the ids written."""
        by_id = {entry.event.event_id: entry for entry in entries}
        rows = [event_row(by_id[event_id]) for event_id in sorted(by_id)]
        added = self._unnest(
            "events",
            EVENT_COLUMNS,
            _EVENT_TYPES,
            rows,
            suffix="ON CONFLICT (event_id) DO NOTHING RETURNING event_id, seq",
        )
        self._copy_lines((seq, by_id[event_id]) for event_id, seq in added)
        return {event_id for event_id, _ in added}

    def save_customers(self, customers: Sequence[StoredCustomer]) -> None:
        """Write the customers, and that their cached lists must go."""
        ordered = sorted(customers, key=lambda each: each.customer_id)
        self._unnest(
            "customers",
            CUSTOMER_COLUMNS,
            _CUSTOMER_TYPES,
            [customer_row(each) for each in ordered],
            suffix=_replacing("customer_id", CUSTOMER_COLUMNS[1:]),
        )
        self._unnest(
            "invalidations",
            ("customer_id", "revision"),
            ("text", "bigint"),
            [(each.customer_id, each.revision) for each in ordered],
            suffix=_replacing("customer_id", ("revision",)),
        )

    def save_features(self, rows: Sequence[FeatureRow]) -> None:
        """Write customers' features, but not over those of a later revision."""
        ordered = sorted(rows, key=lambda each: each.customer_id)
        self._unnest(
            "customer_features",
            feature_table.COLUMNS,
            feature_table.POSTGRESQL_TYPES,
            [feature_table.feature_values(each) for each in ordered],
            suffix=_REPLACING_FEATURES,
        )

    def _unnest(
        self,
        table: str,
        columns: Sequence[str],
        types: Sequence[str],
        rows: Sequence[RowValues],
        *,
        suffix: str,
    ) -> Sequence[Any]:
        """Insert rows as one array a column; the rows that `suffix` returns, if it does."""
        arrays = ", ".join(f"%s::{type_}[]" for type_ in types)
        result = self._connection.exec_driver_sql(
            f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - names of our own
            f"SELECT * FROM unnest({arrays}) {suffix}",
            tuple(list(column) for column in zip(*rows, strict=True)),
        )
        return result.all() if result.returns_rows else ()

    def _copy_lines(self, numbered: Iterable[tuple[int, Entry]]) -> None:
        rows = line_rows(numbered)
        first = next(rows, None)
        if first is None:
            return
        driver: Any = self._connection.connection.driver_connection
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY event_lines ({', '.join(LINE_COLUMNS)}) FROM STDIN") as copy,
        ):
            copy.write_row(first)
            for row in rows:
                copy.write_row(row)


_EVENT_TYPES = ("text", "bytea", *["text"] * 4, "bigint", "bigint", *["text"] * 4)
_CUSTOMER_TYPES = ("text", "bigint", "bytea", "bigint", "float8", *["bigint"] * 3)


def _insert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    rows: list[RowValues],
    *,
    suffix: str = "",
) -> None:
    if rows:
        carry_out(connection, _inserting(table, tuple(columns), suffix), rows)


# A handful of statements, some with a hundred columns, and several of them with every event.
@lru_cache(maxsize=32)
def _inserting(table: str, columns: tuple[str, ...], suffix: str) -> str:
    places = ", ".join("?" * len(columns))
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - names of our own
        f"VALUES ({places}) {suffix}"
    )


def _replacing(key: str, columns: Sequence[str]) -> str:
    settings = ", ".join(f"{column} = excluded.{column}" for column in columns)
    return f"ON CONFLICT ({key}) DO UPDATE SET {settings}"


def _json_array(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()


# Whoever looked at a customer before the latest event keeps the features of that event, and whoever
# looked later keeps theirs.
_REPLACING_FEATURES = (
    f"{_replacing('customer_id', feature_table.COLUMNS[1:])} "
    "WHERE excluded.revision > customer_features.revision "
    "OR (excluded.revision = customer_features.revision "
    "AND excluded.as_of_ms >= customer_features.as_of_ms)"
)
