"""The items and their attributes in the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, update

from engine.domain.catalog import Item, ItemPatch
from engine.store.database import Database
from engine.store.rows import chunks, found, upsert
from engine.store.tables import items, shop

CATALOG_REVISION = "catalog_revision"
_FIELDS = msgspec.structs.fields(Item)
_COLUMNS = tuple(items.c[field.name] for field in _FIELDS)


class SqlCatalog:
    """The catalogue in a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revision(self) -> int:
        """A number that grows whenever an item changes, 0 before the first."""
        with self._database.read() as connection:
            return _revision(connection)

    def get(self, item_id: str) -> Item | None:
        """One item, None when it was never described."""
        with self._database.read() as connection:
            return _items(connection, [item_id]).get(item_id)

    def some(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Those of the items that were described, by id."""
        with self._database.read() as connection:
            return _items(connection, item_ids)

    def titles(self, item_ids: Sequence[str]) -> dict[str, str]:
        """Titles of those items that have one."""
        asked = select(items.c.item_id, items.c.title).where(items.c.title.is_not(None))
        with self._database.read() as connection:
            return {
                item_id: title
                for some in chunks(list(dict.fromkeys(item_ids)))
                for item_id, title in connection.execute(asked.where(items.c.item_id.in_(some)))
            }

    def all(self) -> list[Item]:
        """Every described item, by id."""
        with self._database.read() as connection:
            return [_item(row) for row in connection.execute(_ALL)]

    def changed_since(self, revision: int) -> list[Item]:
        """The items that changed after a revision, by id."""
        with self._database.read() as connection:
            return [
                _item(row) for row in connection.execute(_ALL.where(items.c.revision > revision))
            ]

    def changes(self, *, since: int, limit: int) -> list[tuple[str, int]]:
        """Items that changed after a revision and when they last did, the latest first."""
        asked = (
            select(items.c.item_id, items.c.revision)
            .where(items.c.revision > since)
            .order_by(items.c.revision.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [(item_id, revision) for item_id, revision in connection.execute(asked)]

    def put(self, patches: Sequence[ItemPatch]) -> int:
        """Set attributes of items, new ones included; the catalogue's new revision.

        The revision stays when nothing really changed.
        """
        with self._database.write() as connection:
            before = _held_revision(connection)
            known = _items(connection, [patch.item_id for patch in patches])
            changed = _changed(known, patches)
            if not changed:
                return before
            _write(connection, changed, revision=before + 1)
            return before + 1


_ALL = select(*_COLUMNS).order_by(items.c.item_id)
_REVISION = f"SELECT value FROM shop WHERE name = '{CATALOG_REVISION}'"  # noqa: S608


def _revision(connection: Connection) -> int:
    # In text: every list asks this, more than once.
    known = found(connection, _REVISION)
    return int(known[0][0]) if known else 0


def _held_revision(connection: Connection) -> int:
    """The revision, with its row locked, so that changes of the catalogue take turns."""
    connection.execute(
        upsert(connection, shop).values(name=CATALOG_REVISION, value="0").on_conflict_do_nothing()
    )
    row = select(shop.c.value).where(shop.c.name == CATALOG_REVISION).with_for_update()
    return int(connection.scalar(row) or 0)


def _items(connection: Connection, item_ids: Sequence[str]) -> dict[str, Item]:
    return {
        row.item_id: _item(row)
        for some in chunks(list(dict.fromkeys(item_ids)))
        for row in connection.execute(select(*_COLUMNS).where(items.c.item_id.in_(some)))
    }


def _changed(known: dict[str, Item], patches: Sequence[ItemPatch]) -> list[Item]:
    now = dict(known)
    for patch in patches:
        before = now.get(patch.item_id, Item(patch.item_id))
        now[patch.item_id] = msgspec.structs.replace(before, **_stated(patch))
    return [item for item_id, item in now.items() if known.get(item_id) != item]


def _stated(patch: ItemPatch) -> dict[str, Any]:
    given = msgspec.structs.asdict(patch)
    return {name: value for name, value in given.items() if value is not msgspec.UNSET}


def _write(connection: Connection, changed: Sequence[Item], *, revision: int) -> None:
    statement = upsert(connection, items)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in items.columns
        if not column.primary_key
    }
    connection.execute(
        statement.on_conflict_do_update(index_elements=["item_id"], set_=replaced),
        [_row(item, revision=revision) for item in changed],
    )
    connection.execute(
        update(shop).where(shop.c.name == CATALOG_REVISION).values(value=str(revision))
    )


def _row(item: Item, *, revision: int) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(item),
        "tags": msgspec.json.encode(item.tags).decode(),
        "attributes": msgspec.json.encode(item.attributes).decode(),
        "revision": revision,
    }


def _item(row: Row[Any]) -> Item:
    # A catalogue is read whole when a worker starts: what most items lack is not decoded.
    values: list[Any] = list(row)
    tags, attributes = values[-2:]
    values[-2] = () if tags == "[]" else tuple(msgspec.json.decode(tags, type=list[str]))
    values[-1] = {} if attributes == "{}" else msgspec.json.decode(attributes)
    return Item(*values)
