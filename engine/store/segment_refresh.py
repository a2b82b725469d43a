"""Who is in a segment, worked out for everyone beside events that move single customers.

Whoever writes a membership holds its customer: an event, and every page here. So two writers wait
for each other customer by customer, in the order of the ids, and each decides by what the other
has left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, select

from engine.domain.features import Move
from engine.store.database import SQLITE, Database
from engine.store.memberships import move
from engine.store.rows import among_texts, chunks
from engine.store.tables import segment_members

# Customers at a time: events of theirs wait for so many, on SQLite all events do.
PAGE = 500
_LEFT = """
SELECT m.customer_id FROM segment_members AS m WHERE m.segment = {name} AND NOT EXISTS (
    SELECT 1 FROM customer_features AS f WHERE f.customer_id = m.customer_id AND ({condition}))
"""
_ENTERED = """
SELECT f.customer_id FROM customer_features AS f WHERE ({condition}) AND NOT EXISTS (
    SELECT 1 FROM segment_members AS m WHERE m.segment = {name} AND m.customer_id = f.customer_id)
"""
_HOLDING = """
SELECT f.customer_id FROM customer_features AS f WHERE f.customer_id {among} AND ({condition})
"""
_MEMBERS = """
SELECT m.customer_id FROM segment_members AS m
WHERE m.segment = {name} AND m.customer_id {among}
"""
_NAMES = {
    SQLITE: {"name": ":segment_name", "among": "IN (SELECT value FROM json_each(:segment_page))"},
    "postgresql": {"name": "%(segment_name)s", "among": "= ANY(%(segment_page)s::text[])"},
}


def refresh_members(
    database: Database, name: str, condition: str, params: Mapping[str, Any], *, now_ms: int
) -> None:
    """Let in who meets the condition and let go who does not, noting each, a page at a time."""
    given = {**params, "segment_name": name}
    with database.read() as connection:
        concerned = sorted(
            {
                *_ids(connection, _LEFT, condition, given),
                *_ids(connection, _ENTERED, condition, given),
            }
        )
    for some in chunks(concerned, size=PAGE):
        with database.write() as connection:
            hold(connection, some)
            page = {**given, "segment_page": among_texts(connection, some)[1][0]}
            holding = set(_ids(connection, _HOLDING, condition, page))
            members = set(_ids(connection, _MEMBERS, condition, page))
            move(
                connection,
                [
                    *(Move(name, each, False, now_ms) for each in sorted(members - holding)),
                    *(Move(name, each, True, now_ms) for each in sorted(holding - members)),
                ],
            )


def remove_members(database: Database, name: str) -> None:
    """Let go everyone who is in the segment, without a note."""
    own = segment_members.c
    asked = select(own.customer_id).where(own.segment == name).order_by(own.customer_id)
    while True:
        with database.write() as connection:
            some = [row[0] for row in connection.execute(asked.limit(PAGE))]
            if not some:
                return
            hold(connection, some)
            connection.execute(
                delete(segment_members).where(own.segment == name, own.customer_id.in_(some))
            )


def hold(connection: Connection, customer_ids: Sequence[str]) -> None:
    """Keep events of the customers waiting until the transaction ends.

    On SQLite every transaction that writes is alone.
    """
    if connection.dialect.name != SQLITE:
        among, asked = among_texts(connection, customer_ids)
        connection.exec_driver_sql(
            f"SELECT 1 FROM customers WHERE customer_id {among} "  # noqa: S608 - no text of theirs
            "ORDER BY customer_id FOR UPDATE",
            asked,
        )


def _ids(connection: Connection, asked: str, condition: str, given: Mapping[str, Any]) -> list[str]:
    names = _NAMES[connection.dialect.name]
    statement = asked.format(condition=condition, **names)
    return [row[0] for row in connection.exec_driver_sql(statement, dict(given))]
