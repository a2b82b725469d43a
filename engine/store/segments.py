"""The shop's own segments, and who is in any segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, delete, func, select

from engine.domain.events import EventType
from engine.domain.features import Membership, Move, SegmentRun, StoredSegment
from engine.store.database import Database
from engine.store.identities import IS_JOINED
from engine.store.rows import found, upsert
from engine.store.segment_refresh import refresh_members, remove_members
from engine.store.tables import (
    event_lines,
    events,
    identities,
    segment_members,
    segment_moves,
    segment_runs,
    segments,
)


class SqlSegments:
    """Segments in a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def dialect(self) -> str:
        """The name of the database's SQL, in which `refresh` takes a condition."""
        return self._database.dialect

    def revision(self) -> int:
        """A number that grows whenever a segment of the shop's own changes."""
        with self._database.read() as connection:
            return revision(connection)

    def own(self) -> list[StoredSegment]:
        """The shop's own segments, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(segments).order_by(segments.c.name))
            return [StoredSegment(*row) for row in rows]

    def put(self, segment: StoredSegment) -> None:
        """Write a segment, over one of the same name."""
        values = asdict(segment)
        with self._database.write() as connection:
            connection.execute(
                upsert(connection, segments)
                .values(values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )
            _step(connection)

    def delete(self, name: str) -> bool:
        """Remove a segment with its members and its past; whether there was one."""
        with self._database.write() as connection:
            removed = connection.execute(delete(segments).where(segments.c.name == name)).rowcount
            connection.execute(delete(segment_runs).where(segment_runs.c.segment == name))
            connection.execute(delete(segment_moves).where(segment_moves.c.segment == name))
            _step(connection)
        remove_members(self._database, name)
        return removed > 0

    def refresh(
        self, name: str, condition: str, params: Mapping[str, Any], *, now_ms: int
    ) -> SegmentRun:
        """Work out the members for everyone, and note who entered and who left."""
        refresh_members(self._database, name, condition, params, now_ms=now_ms)
        with self._database.write() as connection:
            return _note_run(connection, name, now_ms=now_ms)

    def runs(self) -> dict[str, SegmentRun]:
        """When each segment was last worked out, by name."""
        with self._database.read() as connection:
            return {
                row.segment: SegmentRun(*row) for row in connection.execute(select(segment_runs))
            }

    def sizes(self, name: str | None = None) -> dict[str, int]:
        """How many customers are in each segment, or in one, now; empty ones are left out."""
        own = segment_members.c
        asked = select(own.segment, func.count()).group_by(own.segment)
        if name is not None:
            asked = asked.where(own.segment == name)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(asked)}

    def members(self, name: str, *, after: str | None, limit: int) -> list[Membership]:
        """Members by customer id, those after the given one."""
        own = segment_members.c
        asked = select(own.customer_id, own.entered_ms).where(own.segment == name)
        if after is not None:
            asked = asked.where(own.customer_id > after)
        with self._database.read() as connection:
            rows = connection.execute(asked.order_by(own.customer_id).limit(limit))
            return [Membership(*row) for row in rows]

    def of(self, customer_id: str) -> list[tuple[str, int]]:
        """The segments a customer is in, by name, and since when in ms."""
        own = segment_members.c
        asked = select(own.segment, own.entered_ms).where(own.customer_id == customer_id)
        with self._database.read() as connection:
            return [(name, at) for name, at in connection.execute(asked.order_by(own.segment))]

    def moves(self, name: str, *, limit: int) -> list[Move]:
        """Who entered and who left last, the latest first."""
        own = segment_moves.c
        asked = (
            select(own.segment, own.customer_id, own.entered, own.at_ms)
            .where(own.segment == name)
            .order_by(own.seq.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [Move(*row) for row in connection.execute(asked)]

    def count_events(
        self,
        customer_id: str,
        kind: EventType,
        *,
        since_ms: int | None,
        until_ms: int,
        item_id: str | None,
    ) -> int:
        """How many events of the type the log holds of a customer, in the time and of the item."""
        with self._database.read() as connection:
            return count_events(
                connection, customer_id, kind, times=(since_ms, until_ms), item_id=item_id
            )


def count_events(
    connection: Connection,
    customer_id: str,
    kind: EventType,
    *,
    times: tuple[int | None, int],
    item_id: str | None,
) -> int:
    """How many events of the type the log holds of a customer, in the times and of the item."""
    since_ms, until_ms = times
    asked = select(func.count(events.c.seq.distinct())).where(
        events.c.type == kind.value,
        events.c.occurred_ms <= until_ms,
    )
    if since_ms is not None:
        asked = asked.where(events.c.occurred_ms >= since_ms)
    if item_id is not None:
        asked = asked.join(event_lines, event_lines.c.event_seq == events.c.seq).where(
            event_lines.c.item_id == item_id
        )
    # An event is the customer's own or that of a visitor joined to them, never both.
    own = asked.where(events.c.customer_id == customer_id)
    joined = asked.join(identities, IS_JOINED).where(identities.c.customer_id == customer_id)
    return sum(int(connection.scalar(each) or 0) for each in (own, joined))


def revision(connection: Connection) -> int:
    """A number that grows whenever a segment of the shop's own changes."""
    # Asked with every event, so in text.
    rows = found(connection, "SELECT value FROM shop WHERE name = 'segments_revision'")
    return int(rows[0][0]) if rows else 0


def _note_run(connection: Connection, name: str, *, now_ms: int) -> SegmentRun:
    members = connection.scalar(select(func.count()).where(segment_members.c.segment == name))
    run = SegmentRun(name, now_ms, int(members or 0))
    values = asdict(run)
    connection.execute(
        upsert(connection, segment_runs)
        .values(values)
        .on_conflict_do_update(index_elements=["segment"], set_=values)
    )
    return run


def _step(connection: Connection) -> None:
    """Count one more change, so that every process reads the segments again.

    In one statement: two changes at once are two.
    """
    connection.exec_driver_sql(
        "INSERT INTO shop (name, value) VALUES ('segments_revision', '1') "
        "ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(shop.value AS BIGINT) + 1 AS TEXT)"
    )
