"""Who was here last."""

from __future__ import annotations

from sqlalchemy import select

from engine.store.database import Database
from engine.store.tables import events

# A customer's events come in bunches; beyond so many each, fewer customers are named.
EVENTS_EACH = 50


def recent_customers(database: Database, most: int) -> list[str]:
    """So many customers at most, by their last event, the latest first; from the log's end only."""
    asked = (
        select(events.c.customer_id)
        .where(events.c.customer_id.is_not(None))
        .order_by(events.c.occurred_ms.desc())
        .limit(EVENTS_EACH * most)
    )
    named: dict[str, None] = {}
    with database.read() as connection:
        found = connection.execution_options(yield_per=1_000).execute(asked)
        for customer_id in found.scalars():
            named[customer_id] = None
            if len(named) == most:
                break
        found.close()
    return list(named)
