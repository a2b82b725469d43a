"""What the log holds of customers, event by event: what their states are folded from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Connection

from engine.domain.events import Event, EventType, Line
from engine.store.orders import ownerless_refunds
from engine.store.rows import among_texts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVENTS = """
SELECT seq, event_id, type, customer_id, order_id, occurred_ms, properties
FROM events WHERE customer_id {among} ORDER BY seq
"""
_LINES = """
SELECT l.event_seq, l.item_id, l.quantity, l.unit_price, l.discount
FROM event_lines AS l JOIN events AS e ON e.seq = l.event_seq
WHERE e.customer_id {among} ORDER BY l.event_seq, l.line_no
"""
_PAGE = """
SELECT DISTINCT customer_id FROM events WHERE customer_id > {after}
ORDER BY customer_id LIMIT {size}
"""


def customers_after(connection: Connection, after: str, *, size: int) -> list[str]:
    """The next customers of whom the log holds an event, by id."""
    asked = _PAGE.format(after="?" if connection.dialect.name == "sqlite" else "%s", size=int(size))
    return [row[0] for row in connection.exec_driver_sql(asked, (after,))]


def history(connection: Connection, customer_ids: Sequence[str]) -> dict[str, list[Event]]:
    """Every event of the customers, with what their states need of it.

    A refund that names only an order is among the events of whoever placed the order.
    """
    among, asked = among_texts(connection, customer_ids)
    lines: defaultdict[int, list[Line]] = defaultdict(list)
    for seq, *line in connection.exec_driver_sql(_LINES.format(among=among), asked):
        lines[seq].append(Line(*line))
    found: dict[str, list[Event]] = {customer_id: [] for customer_id in customer_ids}
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for row in connection.exec_driver_sql(_EVENTS.format(among=among), asked):
        seq, event_id, kind, customer_id, order_id, occurred_ms, properties = tuple(row)
        event = Event(
            event_id=event_id,
            type=EventType(kind),
            occurred_at=_EPOCH + timedelta(milliseconds=occurred_ms),
            customer_id=customer_id,
            order_id=order_id,
            lines=tuple(lines[seq]),
            properties=msgspec.json.decode(properties) if properties else {},
        )
        found[customer_id].append(event)
        if event.type is EventType.PURCHASE and order_id is not None:
            owners[order_id].add(customer_id)
    for refund in ownerless_refunds(connection, list(owners)):
        for customer_id in owners[refund.order_id or ""]:
            found[customer_id].append(refund)
    return found
