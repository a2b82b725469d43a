"""What sells, counted straight from the log."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from engine.domain.events import EventType
from engine.store.database import Database
from engine.store.tables import event_lines, events

_MS = timedelta(milliseconds=1)


class SqlSales:
    """Counts over the event log of a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def best_sellers(self, *, window: timedelta, limit: int) -> list[tuple[str, int]]:
        """Items in the most purchases of the window that ends with the last one, with how many."""
        bought = events.c.type == EventType.PURCHASE.value
        orders = func.count().label("orders")
        with self._database.read() as connection:
            last = connection.scalar(select(func.max(events.c.occurred_ms)).where(bought))
            if last is None:
                return []
            asked = (
                select(event_lines.c.item_id, orders)
                .join(events, events.c.seq == event_lines.c.event_seq)
                .where(bought, events.c.occurred_ms > last - window // _MS)
                .group_by(event_lines.c.item_id)
                .order_by(orders.desc(), event_lines.c.item_id)
                .limit(limit)
            )
            return [(item_id, count) for item_id, count in connection.execute(asked)]
