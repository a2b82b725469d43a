"""What a shop's processes tell each other: whose turn it is, and since when something is so."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, select

from engine.store.database import Database
from engine.store.rows import upsert
from engine.store.tables import shop

_TURN, _SINCE = "turn:", "since:"


class _Turn(msgspec.Struct, frozen=True):
    holder: str
    until_ms: int


class _Since(msgspec.Struct, frozen=True):
    value: str
    at_ms: int


class SqlNotes:
    """Notes in a SQL database. A power cut may lose the last ones, which does no harm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, turn: str, holder: str, *, now_ms: int, until_ms: int) -> bool:
        """Whether the turn is the holder's until then: it was free, run out or theirs already."""
        with self._database.write_lazily() as connection:
            kept = _read(connection, _TURN + turn)
            found = msgspec.json.decode(kept, type=_Turn) if kept else None
            if found and found.holder != holder and found.until_ms > now_ms:
                return False
            _write(connection, _TURN + turn, _Turn(holder, until_ms))
        return True

    def release(self, turn: str, holder: str) -> None:
        """Let the next one have the turn, if the holder still has it."""
        with self._database.write_lazily() as connection:
            kept = _read(connection, _TURN + turn)
            if kept and msgspec.json.decode(kept, type=_Turn).holder == holder:
                connection.execute(delete(shop).where(shop.c.name == _TURN + turn))

    def since(self, name: str, value: str, *, now_ms: int) -> int:
        """Since when the name stands for the value, in ms; from now on when it is a new one."""
        with self._database.write_lazily() as connection:
            kept = _read(connection, _SINCE + name)
            found = msgspec.json.decode(kept, type=_Since) if kept else None
            if found is None or found.value != value:
                found = _Since(value, now_ms)
                _write(connection, _SINCE + name, found)
        return found.at_ms


def _read(connection: Connection, name: str) -> str | None:
    """The note, held against others until the end of the transaction."""
    # PostgreSQL holds only rows that are there.
    connection.execute(
        upsert(connection, shop).values(name=name, value="").on_conflict_do_nothing()
    )
    asked = select(shop.c.value).where(shop.c.name == name).with_for_update()
    return connection.scalar(asked) or None


def _write(connection: Connection, name: str, note: msgspec.Struct) -> None:
    value = {"value": msgspec.json.encode(note).decode()}
    connection.execute(
        upsert(connection, shop)
        .values(name=name, **value)
        .on_conflict_do_update(index_elements=["name"], set_=value)
    )
