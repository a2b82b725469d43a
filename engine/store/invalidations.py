"""Cached lists that must go, noted in the database until the cache has dropped them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from engine.store.database import SQLITE, Database
from engine.store.tables import invalidations

_CLEAR_SQLITE = "DELETE FROM invalidations WHERE customer_id = ? AND revision <= ?"
# A row that is locked is being given a later revision: it must stay, so nothing waits for it.
_CLEAR_POSTGRESQL = """
DELETE FROM invalidations WHERE customer_id IN (
    SELECT noted.customer_id
    FROM invalidations AS noted
    JOIN unnest(%s::text[], %s::bigint[]) AS done(customer_id, revision)
      ON noted.customer_id = done.customer_id AND noted.revision <= done.revision
    FOR UPDATE OF noted SKIP LOCKED)
"""


class SqlInvalidations:
    """Invalidations in a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self, *, limit: int) -> Mapping[str, int]:
        """Customers with the revision below which their lists are stale."""
        asked = select(invalidations.c.customer_id, invalidations.c.revision).limit(limit)
        with self._database.read() as connection:
            return {row.customer_id: row.revision for row in connection.execute(asked)}

    def clear(self, done: Mapping[str, int]) -> None:
        """Forget those that were carried out, unless a later revision came meanwhile."""
        if not done:
            return
        # Undone by a power cut, a note is only carried out once more: the disk may take its time.
        with self._database.write_lazily() as connection:
            if self._database.dialect == SQLITE:
                connection.exec_driver_sql(_CLEAR_SQLITE, list(done.items()))
            else:
                connection.exec_driver_sql(
                    _CLEAR_POSTGRESQL, (list(done.keys()), list(done.values()))
                )
