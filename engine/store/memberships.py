"""Who is in which segment, for customers whom the transaction holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from engine.domain.features import Move
from engine.store.rows import among_texts, carry_out, found

_LEAVE = "DELETE FROM segment_members WHERE segment = ? AND customer_id = ?"
_ENTER = (
    "INSERT INTO segment_members (segment, customer_id, entered_ms) VALUES (?, ?, ?) "
    "ON CONFLICT DO NOTHING"
)
_NOTE_MOVE = "INSERT INTO segment_moves (segment, customer_id, entered, at_ms) VALUES (?, ?, ?, ?)"


def memberships(connection: Connection, customer_ids: Sequence[str]) -> dict[str, set[str]]:
    """The segments that each customer is in; those in none are left out."""
    within: defaultdict[str, set[str]] = defaultdict(set)
    among, asked = among_texts(connection, customer_ids)
    rows = found(
        connection,
        f"SELECT customer_id, segment FROM segment_members WHERE customer_id {among}",  # noqa: S608
        asked,
    )
    for customer_id, segment in rows:
        within[customer_id].add(segment)
    return dict(within)


def move(connection: Connection, moves: Sequence[Move]) -> None:
    """Write who entered which segment and who left it; what is so already stays as it is."""
    if not moves:
        return
    leaving = [(each.segment, each.customer_id) for each in moves if not each.entered]
    entering = [(each.segment, each.customer_id, each.at_ms) for each in moves if each.entered]
    for statement, rows in ((_LEAVE, leaving), (_ENTER, entering), (_NOTE_MOVE, list(moves))):
        if rows:
            # Every event may move its customer, and text costs a tenth of building a statement.
            carry_out(connection, statement, rows)
