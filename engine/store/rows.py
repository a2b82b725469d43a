"""Rows of the tables to and from the values of the domain."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from engine.domain.customers import CustomerSummary, StoredCustomer
from engine.domain.events import to_ms
from engine.ports import Entry
from engine.store.database import SQLITE

T = TypeVar("T")
# SQLite takes 32,766 values a statement, PostgreSQL 65,535; longer lists also plan slower.
IN_LIST = 1_000

EVENT_COLUMNS = (
    "event_id",
    "digest",
    "type",
    "customer_id",
    "anonymous_id",
    "order_id",
    "occurred_ms",
    "received_ms",
    "currency",
    "recommendation_id",
    "placement",
    "properties",
)
LINE_COLUMNS = ("event_seq", "line_no", "item_id", "quantity", "unit_price", "discount")
CUSTOMER_COLUMNS = (
    "customer_id",
    "revision",
    "state",
    "orders",
    "units",
    "revenue",
    "first_order_ms",
    "last_order_ms",
)

RowValues = tuple[Any, ...]


def chunks(values: Sequence[T], *, size: int = IN_LIST) -> Iterator[Sequence[T]]:
    """The values in runs of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def among_texts(connection: Connection, values: Sequence[str]) -> tuple[str, tuple[Any, ...]]:
    """What follows a column in a statement of text to find any of the values, and its parameter.

    One parameter for any number of values, and text costs a tenth of building a statement.
    """
    if connection.dialect.name == SQLITE:
        listed = msgspec.json.encode(list(values)).decode()
        return "IN (SELECT value FROM json_each(?))", (listed,)
    return "= ANY(%s::text[])", (list(values),)


def found(connection: Connection, statement: str, asked: RowValues = ()) -> list[RowValues]:
    """The rows that a statement of text finds in the connection's transaction.

    The driver itself is asked, which takes a tenth of SQLAlchemy's time: for what every event asks.
    """
    driver: Any = connection.connection.driver_connection
    rows: list[RowValues] = driver.execute(statement, asked).fetchall()
    return rows


def carry_out(connection: Connection, statement: str, rows: Sequence[RowValues]) -> None:
    """Carry out a statement of text, its parameters as ?, for each of the rows.

    By the driver itself, as in `found`.
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == SQLITE:
        driver.executemany(statement, rows)
        return
    with driver.cursor() as cursor:
        cursor.executemany(statement.replace("?", "%s"), rows)


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT: spelled alike in both databases, but two classes."""
    if connection.dialect.name == SQLITE:
        return sqlite.insert(table)
    return postgresql.insert(table)


def event_row(entry: Entry) -> RowValues:
    """The values of an entry by EVENT_COLUMNS."""
    event = entry.event
    if event.occurred_at is None:
        raise ValueError(f"event {event.event_id} has no time; call Event.at first")
    return (
        event.event_id,
        entry.digest,
        event.type.value,
        event.customer_id,
        event.anonymous_id,
        event.order_id,
        to_ms(event.occurred_at),
        to_ms(entry.received_at),
        event.currency,
        event.recommendation_id,
        event.placement,
        msgspec.json.encode(event.properties).decode() if event.properties else None,
    )


def line_rows(numbered: Iterable[tuple[int, Entry]]) -> Iterator[RowValues]:
    """The values of all lines of events by LINE_COLUMNS."""
    return itertools.chain.from_iterable(
        (
            (seq, number, line.item_id, line.quantity, line.unit_price, line.discount)
            for number, line in enumerate(entry.event.lines)
        )
        for seq, entry in numbered
    )


def customer_row(customer: StoredCustomer) -> RowValues:
    """The values of a customer by CUSTOMER_COLUMNS."""
    summary = customer.summary
    return (
        customer.customer_id,
        customer.revision,
        customer.state,
        summary.orders,
        # The driver takes no list of mixed numbers.
        float(summary.units),
        summary.revenue,
        summary.first_order_ms,
        summary.last_order_ms,
    )


def customer_of(row: Sequence[Any]) -> StoredCustomer:
    """The customer of a row by CUSTOMER_COLUMNS."""
    customer_id, revision, state, orders, units, revenue, first, last = row
    return StoredCustomer(
        customer_id, revision, bytes(state), CustomerSummary(orders, units, revenue, first, last)
    )
