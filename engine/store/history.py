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
# The customers' own events, and those of the visitors they are joined to.
_OWNED = """
SELECT e.seq, e.customer_id FROM events AS e WHERE e.customer_id {among}
UNION ALL
SELECT e.seq, i.customer_id FROM identities AS i
JOIN events AS e ON e.anonymous_id = i.anonymous_id AND e.customer_id IS NULL
    AND e.occurred_ms >= i.from_ms AND e.occurred_ms < i.until_ms
    AND NOT (e.type = 'refund' AND e.order_id IS NOT NULL)
WHERE i.customer_id {among}
"""
_EVENTS = f"""
SELECT e.seq, e.event_id, e.type, own.customer_id, e.order_id, e.occurred_ms, e.properties
FROM ({_OWNED}) AS own JOIN events AS e ON e.seq = own.seq ORDER BY e.seq
"""  # noqa: S608 - names of our own
_LINES = f"""
SELECT l.event_seq, l.item_id, l.quantity, l.unit_price, l.discount
FROM ({_OWNED}) AS own JOIN event_lines AS l ON l.event_seq = own.seq
ORDER BY l.event_seq, l.line_no
"""  # noqa: S608 - names of our own
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

    A refund that names only an order is among the events of whoever placed the order, and an
    anonymous visitor's events are among those of whoever the visitor is joined to.
    """
    among, asked = among_texts(connection, customer_ids)
    lines: defaultdict[int, list[Line]] = defaultdict(list)
    for seq, *line in connection.exec_driver_sql(_LINES.format(among=among), asked * 2):
        lines[seq].append(Line(*line))
    found: dict[str, list[Event]] = {customer_id: [] for customer_id in customer_ids}
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for row in connection.exec_driver_sql(_EVENTS.format(among=among), asked * 2):
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
