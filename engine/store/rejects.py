"""Refused events in a table that holds so many and no more."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select

from engine.domain.rejects import Reject
from engine.store.database import Database
from engine.store.tables import rejected_events

MOST_KEPT = 10_000
# A text longer than any fair event: enough is kept to see what it is.
MOST_TEXT = 10_000
_OWN = rejected_events.c
_COLUMNS = tuple(_OWN[name] for name in Reject._fields)


class SqlRejects:
    """Refused events in a SQL database. A power cut may lose the last ones."""

    def __init__(self, database: Database, *, most_kept: int = MOST_KEPT) -> None:
        self._database = database
        self._most_kept = most_kept

    def keep(self, rejects: Sequence[Reject]) -> None:
        """Keep more of them; the oldest make room."""
        rows = [_row(each) for each in rejects[-self._most_kept :]]
        if not rows:
            return
        with self._database.write_lazily() as connection:
            connection.execute(insert(rejected_events), rows)
            last = select(func.max(_OWN.seq)).scalar_subquery()
            connection.execute(delete(rejected_events).where(_OWN.seq <= last - self._most_kept))

    def latest(self, *, limit: int) -> list[Reject]:
        """The last ones, the latest first."""
        asked = select(*_COLUMNS).order_by(_OWN.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return [Reject(*row) for row in connection.execute(asked)]

    def count(self) -> int:
        """How many are kept."""
        with self._database.read() as connection:
            return connection.scalar(select(func.count()).select_from(rejected_events)) or 0


def _row(reject: Reject) -> dict[str, object]:
    """The reject as a row, its texts as a database takes them: PostgreSQL knows no NUL."""
    texts = {
        name: getattr(reject, name).replace("\0", "\N{REPLACEMENT CHARACTER}")[:MOST_TEXT]
        for name in ("field", "reason", "body")
    }
    return {**reject._asdict(), **texts}
