"""What the log holds of orders: who placed them, their lines, and refunds that name only them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from engine.domain.events import Event, EventType, Line
from engine.ports import LineKey
from engine.store.rows import chunks
from engine.store.tables import event_lines, events

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PURCHASES = events.c.type == EventType.PURCHASE.value
_LINE = (
    event_lines.c.item_id,
    event_lines.c.quantity,
    event_lines.c.unit_price,
    event_lines.c.discount,
)


def lines(connection: Connection, order_ids: Sequence[str]) -> dict[str, set[LineKey]]:
    """Purchase lines of the orders; orders the log lacks are left out."""
    asked = (
        select(events.c.order_id, *_LINE)
        .join(event_lines, event_lines.c.event_seq == events.c.seq)
        .where(_PURCHASES)
    )
    found: dict[str, set[LineKey]] = {}
    for some in chunks(order_ids):
        for order_id, *line in connection.execute(asked.where(events.c.order_id.in_(some))):
            found.setdefault(order_id, set()).add(LineKey(*line))
    return found


def owners(connection: Connection, order_ids: Sequence[str]) -> dict[str, set[str]]:
    """The customers who placed each order; guests' orders are left out."""
    asked = (
        select(events.c.order_id, events.c.customer_id)
        .where(_PURCHASES, events.c.customer_id.is_not(None))
        .distinct()
    )
    found: dict[str, set[str]] = {}
    for some in chunks(order_ids):
        for order_id, customer_id in connection.execute(asked.where(events.c.order_id.in_(some))):
            found.setdefault(order_id, set()).add(customer_id)
    return found


def ownerless_refunds(connection: Connection, order_ids: Sequence[str]) -> list[Event]:
    """Refunds that name one of the orders and no customer, with what the state needs of them."""
    asked = (
        select(events.c.event_id, events.c.order_id, events.c.occurred_ms, *_LINE)
        .outerjoin(event_lines, event_lines.c.event_seq == events.c.seq)
        .where(events.c.type == EventType.REFUND.value, events.c.customer_id.is_(None))
        .order_by(events.c.seq, event_lines.c.line_no)
    )
    heads: dict[str, tuple[str, int]] = {}
    found: dict[str, list[Line]] = {}
    for some in chunks(order_ids):
        for row in connection.execute(asked.where(events.c.order_id.in_(some))):
            event_id, order_id, occurred_ms, *line = row
            heads[event_id] = (order_id, occurred_ms)
            found.setdefault(event_id, [])
            if line[0] is not None:
                found[event_id].append(Line(*line))
    return [
        Event(
            event_id=event_id,
            type=EventType.REFUND,
            occurred_at=_EPOCH + timedelta(milliseconds=occurred_ms),
            order_id=order_id,
            lines=tuple(found[event_id]),
        )
        for event_id, (order_id, occurred_ms) in heads.items()
    ]
