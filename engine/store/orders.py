"""What the log holds of orders: who placed them, their lines, and refunds that name only them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from engine.domain.events import Event, EventType, Line
from engine.ports import LineKey
from engine.store.identities import JOINED, OWNER
from engine.store.rows import among_texts, chunks, found
from engine.store.tables import event_lines, events

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PURCHASES = events.c.type == EventType.PURCHASE.value
_LINE = (
    event_lines.c.item_id,
    event_lines.c.quantity,
    event_lines.c.unit_price,
    event_lines.c.discount,
)
_OWNERLESS = """
SELECT e.event_id, e.order_id, e.occurred_ms, l.item_id, l.quantity, l.unit_price, l.discount
FROM events AS e LEFT JOIN event_lines AS l ON l.event_seq = e.seq
WHERE e.type = 'refund' AND e.customer_id IS NULL AND e.order_id {among}
ORDER BY e.seq, l.line_no
"""
_OWNERS = f"""
SELECT DISTINCT e.order_id, {OWNER} FROM events AS e {JOINED}
WHERE e.type = 'purchase' AND {OWNER} IS NOT NULL AND e.order_id {{among}}
"""  # noqa: S608 - names of our own


def lines(connection: Connection, order_ids: Sequence[str]) -> dict[str, set[LineKey]]:
    """Purchase lines of the orders; orders the log lacks are left out."""
    asked = (
        select(events.c.order_id, *_LINE)
        .join(event_lines, event_lines.c.event_seq == events.c.seq)
        .where(_PURCHASES)
    )
    known: dict[str, set[LineKey]] = {}
    for some in chunks(order_ids):
        for order_id, *line in connection.execute(asked.where(events.c.order_id.in_(some))):
            known.setdefault(order_id, set()).add(LineKey(*line))
    return known


def owners(connection: Connection, order_ids: Sequence[str]) -> dict[str, set[str]]:
    """The customers who placed each order; guests' orders are left out."""
    known: dict[str, set[str]] = {}
    among, asked = among_texts(connection, order_ids)
    for order_id, customer_id in found(connection, _OWNERS.format(among=among), asked):
        known.setdefault(order_id, set()).add(customer_id)
    return known


def ownerless_refunds(connection: Connection, order_ids: Sequence[str]) -> list[Event]:
    """Refunds that name one of the orders and no customer, with what the state needs of them."""
    if not order_ids:
        return []
    heads: dict[str, tuple[str, int]] = {}
    known: dict[str, list[Line]] = {}
    # By the driver, as every purchase asks this.
    among, asked = among_texts(connection, order_ids)
    rows = found(connection, _OWNERLESS.format(among=among), asked)
    for event_id, order_id, occurred_ms, item_id, *amounts in rows:
        heads[event_id] = (order_id, occurred_ms)
        known.setdefault(event_id, [])
        if item_id is not None:
            known[event_id].append(Line(item_id, *amounts))
    return [
        Event(
            event_id=event_id,
            type=EventType.REFUND,
            occurred_at=_EPOCH + timedelta(milliseconds=occurred_ms),
            order_id=order_id,
            lines=tuple(known[event_id]),
        )
        for event_id, (order_id, occurred_ms) in heads.items()
    ]
