"""What sells, counted straight from the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import case, func, select

from engine.domain.events import EventType
from engine.store.database import Database
from engine.store.identities import JOINED_EVENTS, OWNER_ID
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

    def buyers(self, item_ids: Sequence[str], *, orders: int, limit: int) -> list[str]:
        """Customers with some of the items in the shop's last so many orders.

        Those with the first item come first, then those with most of the others, then the latest.
        The log has no index by item, which would cost every order more than this saves: the work
        is bounded by the orders looked through.
        """
        own = events.c
        latest = (
            select(own.seq, OWNER_ID.label("customer_id"), own.occurred_ms)
            .select_from(JOINED_EVENTS)
            .where(own.type == EventType.PURCHASE.value, OWNER_ID.is_not(None))
            .order_by(own.occurred_ms.desc(), own.seq.desc())
            .limit(orders)
            .subquery()
        )
        item, own_id = event_lines.c.item_id, latest.c.customer_id
        wanted = func.max(case((item == item_ids[0], 1), else_=0))
        others, last = func.count(item.distinct()), func.max(latest.c.occurred_ms)
        asked = (
            select(own_id)
            .join(event_lines, event_lines.c.event_seq == latest.c.seq)
            .where(item.in_(item_ids))
            .group_by(own_id)
            .order_by(wanted.desc(), others.desc(), last.desc(), own_id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return list(connection.scalars(asked))
