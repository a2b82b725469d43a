"""Whose the events of anonymous visitors are, in the tables of the truth."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, and_, delete, func, not_

from engine.domain.identities import Join, Range, Span
from engine.store.database import SQLITE
from engine.store.rows import RowValues, among_texts, carry_out, found, upsert
from engine.store.tables import events, identities, identity_splits

# Any number that no other advisory lock of two numbers of this database uses.
VISITORS_LOCK = 7_201_002
# Visitors share this many locks: a database has room for some thousands, and a batch may hold
# a thousand visitors.
LOCKS = 256
# Joins the events `e` with whose they are, `i`: only what names no customer, and of refunds only
# those that name no order, which has an owner of its own.
JOINED = """LEFT JOIN identities AS i ON e.customer_id IS NULL
    AND i.anonymous_id = e.anonymous_id
    AND i.from_ms <= e.occurred_ms AND e.occurred_ms < i.until_ms
    AND NOT (e.type = 'refund' AND e.order_id IS NOT NULL)"""
OWNER = "coalesce(e.customer_id, i.customer_id)"
# The same for statements that SQLAlchemy writes.
IS_JOINED = and_(
    events.c.customer_id.is_(None),
    identities.c.anonymous_id == events.c.anonymous_id,
    identities.c.from_ms <= events.c.occurred_ms,
    events.c.occurred_ms < identities.c.until_ms,
    not_(and_(events.c.type == "refund", events.c.order_id.is_not(None))),
)
JOINED_EVENTS = events.outerjoin(identities, IS_JOINED)
OWNER_ID = func.coalesce(events.c.customer_id, identities.c.customer_id)
_SPANS_OVER = """
SELECT DISTINCT i.anonymous_id, i.from_ms, i.until_ms, i.customer_id, i.joined_ms, i.event_seq
FROM {asked} JOIN identities AS i ON i.anonymous_id = asked.anonymous_id
    AND i.from_ms < asked.until_ms AND i.until_ms > asked.from_ms
"""
_JOINS = """
SELECT e.anonymous_id, e.occurred_ms, e.event_id, e.customer_id, e.seq
FROM {asked} JOIN events AS e ON e.anonymous_id = asked.anonymous_id
    AND e.occurred_ms >= asked.from_ms AND e.occurred_ms < asked.until_ms
LEFT JOIN identity_splits AS s
    ON s.anonymous_id = e.anonymous_id AND s.customer_id = e.customer_id
WHERE e.customer_id IS NOT NULL AND s.customer_id IS NULL
"""
_VISITED = """
SELECT asked.anonymous_id, asked.from_ms, asked.until_ms FROM {asked}
WHERE EXISTS (
    SELECT 1 FROM events AS e WHERE e.anonymous_id = asked.anonymous_id
        AND e.occurred_ms >= asked.from_ms AND e.occurred_ms < asked.until_ms
        AND e.customer_id IS NULL AND NOT (e.type = 'refund' AND e.order_id IS NOT NULL)
)
"""
_SPLIT = "SELECT anonymous_id, customer_id FROM identity_splits WHERE anonymous_id {among}"
_PAGE = """
SELECT anonymous_id FROM (
    SELECT anonymous_id FROM events WHERE anonymous_id > {mark} AND customer_id IS NOT NULL
    UNION
    SELECT anonymous_id FROM identities WHERE anonymous_id > {mark}
) AS known ORDER BY anonymous_id LIMIT {size}
"""
_REMOVE = "DELETE FROM identities WHERE anonymous_id = ? AND from_ms >= ? AND from_ms < ?"
_ADD = (
    "INSERT INTO identities (anonymous_id, from_ms, until_ms, customer_id, joined_ms, event_seq) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)


class SqlVisitors:
    """What a transaction over a connection knows of visitors."""

    _connection: Connection

    def hold_visitors(
        self, anonymous_ids: Collection[str], *, alone: Collection[str], again: bool = False
    ) -> bool:
        """Keep joins of the visitors away until the end, of those `alone` their events too.

        Whether others may have written before it was so: in SQLite the transaction is the only one.
        `again` lets go of what was held first, which going back to a savepoint does.
        """
        if self._connection.dialect.name == SQLITE:
            return False
        back = "ROLLBACK TO SAVEPOINT visitors" if again else "SAVEPOINT visitors"
        self._connection.exec_driver_sql(back)
        locks = {_lock(each): False for each in anonymous_ids}
        locks |= {_lock(each): True for each in alone}
        # In one order everywhere, so that nobody waits in a circle.
        numbers = sorted(locks)
        self._connection.exec_driver_sql(
            "SELECT CASE WHEN alone THEN pg_advisory_xact_lock(%s, lock)::text "
            "ELSE pg_advisory_xact_lock_shared(%s, lock)::text END "
            "FROM unnest(%s::int[], %s::bool[]) AS asked (lock, alone)",
            (VISITORS_LOCK, VISITORS_LOCK, numbers, [locks[each] for each in numbers]),
        )
        return True

    def spans_over(self, ranges: Sequence[Range]) -> list[Span]:
        """The spans that overlap any of the ranges, each once."""
        return [Span(*row) for row in self._asked(_SPANS_OVER, ranges)]

    def joins(self, ranges: Sequence[Range]) -> dict[str, list[Join]]:
        """The joins in the ranges by visitor, sorted, without those the shop took apart."""
        by_visitor: defaultdict[str, list[Join]] = defaultdict(list)
        for anonymous_id, *join in self._asked(_JOINS, ranges):
            by_visitor[anonymous_id].append(Join(*join))
        return {who: sorted(joins) for who, joins in by_visitor.items()}

    def visited(self, ranges: Sequence[Range]) -> list[Range]:
        """Those ranges in which the visitor did something without a customer's id."""
        return [Range(*row) for row in self._asked(_VISITED, ranges)]

    def split_from(self, anonymous_ids: Collection[str]) -> set[tuple[str, str]]:
        """The visitors and customers that the shop took apart."""
        among, asked = among_texts(self._connection, sorted(anonymous_ids))
        rows = found(self._connection, _SPLIT.format(among=among), asked)
        return {(who, customer_id) for who, customer_id in rows}

    def split(self, anonymous_id: str, customer_ids: Collection[str], *, at_ms: int | None) -> None:
        """Take the visitor apart from the customers; with None no longer."""
        own = identity_splits.c
        if at_ms is None:
            self._connection.execute(
                delete(identity_splits).where(
                    own.anonymous_id == anonymous_id, own.customer_id.in_(sorted(customer_ids))
                )
            )
        for each in sorted(customer_ids) if at_ms is not None else ():
            values = {"anonymous_id": anonymous_id, "customer_id": each, "at_ms": at_ms}
            self._connection.execute(
                upsert(self._connection, identity_splits).values(values).on_conflict_do_nothing()
            )

    def replace_spans(self, ranges: Sequence[Range], spans: Sequence[Span]) -> None:
        """Write what the ranges consist of now."""
        carry_out(self._connection, _REMOVE, [tuple(each) for each in ranges])
        if spans:
            carry_out(self._connection, _ADD, [tuple(each) for each in spans])

    def visitors_after(self, after: str, *, size: int) -> list[str]:
        """The next visitors who are or were joined to anybody, by id."""
        mark = "?" if self._connection.dialect.name == SQLITE else "%s"
        statement = _PAGE.format(mark=mark, size=int(size))
        return [row[0] for row in found(self._connection, statement, (after, after))]

    def _asked(self, statement: str, ranges: Sequence[Range]) -> list[RowValues]:
        if not ranges:
            return []
        if self._connection.dialect.name == SQLITE:
            asked = _SQLITE_ASKED
            values: RowValues = (msgspec.json.encode(ranges).decode(),)
        else:
            asked = _POSTGRESQL_ASKED
            values = tuple(list(column) for column in zip(*ranges, strict=True))
        return found(self._connection, statement.format(asked=asked), values)


_SQLITE_ASKED = (
    "(SELECT json_extract(value, '$[0]') AS anonymous_id, json_extract(value, '$[1]') AS from_ms, "
    "json_extract(value, '$[2]') AS until_ms FROM json_each(?)) AS asked"
)
_POSTGRESQL_ASKED = (
    "unnest(%s::text[], %s::bigint[], %s::bigint[]) AS asked (anonymous_id, from_ms, until_ms)"
)


def _lock(anonymous_id: str) -> int:
    return zlib.crc32(anonymous_id.encode()) % LOCKS
