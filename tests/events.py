"""Events of one customer, with only what a test cares about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.domain.events import Event, EventType, Line

DAY_0 = datetime(2024, 1, 1, 12, tzinfo=UTC)


def day(number: int) -> datetime:
    """Noon UTC of a day, counted from the first of 2024."""
    return DAY_0 + timedelta(days=number)


def a_line(
    item_id: str, quantity: float | None = 1, unit_price: int | None = 100, discount: int = 0
) -> Line:
    """A line of one unit for 1.00."""
    return Line(item_id, None if quantity is None else float(quantity), unit_price, discount)


def a_purchase(event_id: str, *lines: Line, **fields: Any) -> Event:
    """A purchase by customer c1 on day 0, of one "tea" when no lines are given."""
    fields = {"customer_id": "c1", "occurred_at": DAY_0, **fields}
    return Event(event_id, EventType.PURCHASE, lines=lines or (a_line("tea"),), **fields)


def a_refund(event_id: str, *lines: Line, **fields: Any) -> Event:
    """A refund to customer c1 on day 10."""
    fields = {"customer_id": "c1", "occurred_at": day(10), **fields}
    return Event(event_id, EventType.REFUND, lines=lines, **fields)


def a_view(event_id: str, **fields: Any) -> Event:
    """A look at an item by customer c1 on day 0."""
    fields = {"customer_id": "c1", "occurred_at": DAY_0, **fields}
    return Event(event_id, EventType.VIEW_ITEM, **fields)


def an_event(event_id: str, kind: EventType, **fields: Any) -> Event:
    """An event of any type by customer c1 on day 0."""
    fields = {"customer_id": "c1", "occurred_at": DAY_0, **fields}
    return Event(event_id, kind, **fields)
