"""Catalogue columns into the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import duckdb
import msgspec

from engine.domain.catalog import ItemPatch
from engine.domain.events import MAX_MINOR_UNITS
from engine.ports import Catalog
from training.ingest.formats import CATALOG_FIELDS
from training.progress import Advance

CHUNK = 5_000
MAX_TEXT = 2_000
_NO = {"0", "false", "f", "no", "n", "out of stock", "out_of_stock", "sold out"}
_YES = {"1", "true", "t", "yes", "y", "in stock", "in_stock", "available"}


def describe_from_rows(connection: duckdb.DuckDBPyConnection, fields: Mapping[str, int]) -> None:
    """Make the table `described`: of each item sold, the latest value of each catalogue column."""
    given = [name for name in CATALOG_FIELDS if name in fields]
    if not given:
        return
    # Of rows of the same moment the later one in the file counts.
    columns = ", ".join(
        f"arg_max({_value(name)}, at_ms::HUGEINT * 4294967296 + judged.line) AS {name}"
        for name in given
    )
    connection.execute(
        f"""
        CREATE TABLE described AS
        SELECT judged.item_id, {columns}
        FROM judged JOIN fields USING (line)
        WHERE class IN ('accepted', 'guest_order', 'refund')
        GROUP BY judged.item_id
        """  # noqa: S608 - names of ours
    )


def describe_from_products(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `described` from the products that are no petrol, coupon or gift card."""
    connection.execute(
        """
        CREATE TABLE described AS
        SELECT
          item_id, nullif(concat_ws(' ', product_type, package_size), '') AS title, category, brand
        FROM products
        WHERE item_id NOT IN (SELECT item_id FROM judged WHERE class = 'not_a_product')
          AND (product_type IS NOT NULL OR category IS NOT NULL)
        """
    )


def put_items(connection: duckdb.DuckDBPyConnection, catalog: Catalog, *, done: Advance) -> int:
    """Write what is described into the catalogue; of how many items."""
    tables = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE table_name = 'described'"
    ).fetchone()
    if tables is None:
        return 0
    offset = 0
    cursor = connection.execute("SELECT * FROM described ORDER BY item_id")
    names = [column[0] for column in cursor.description or ()]
    while rows := cursor.fetchmany(CHUNK):
        patches = [_patch(dict(zip(names, row, strict=True))) for row in rows]
        catalog.put(patches)
        offset += len(rows)
        done(offset)
    return offset


def _patch(values: Mapping[str, Any]) -> ItemPatch:
    stated = {
        name: _READERS[name](value)
        for name, value in values.items()
        if name != "item_id" and value is not None
    }
    usable = {name: value for name, value in stated.items() if value is not None}
    return msgspec.structs.replace(ItemPatch(values["item_id"]), **usable)


def _value(name: str) -> str:
    return f"minor({name})" if name in ("price", "cost") else f"fields.{name}"


def _text(value: str) -> str | None:
    """The words with one blank between them, without control characters; None when none is left."""
    printable = "".join(each if each.isprintable() else " " for each in value)
    return " ".join(printable.split())[:MAX_TEXT] or None


def _money(value: float) -> int | None:
    return round(value) if 0 <= value <= MAX_MINOR_UNITS else None


def _flag(value: str) -> bool | None:
    said = value.casefold()
    return True if said in _YES else False if said in _NO else None


def _tags(value: str) -> tuple[str, ...]:
    """The words between commas, bars or semicolons, each once."""
    parts = value.replace("|", ",").replace(";", ",").split(",")
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


_READERS: dict[str, Callable[[Any], object]] = {
    **dict.fromkeys(("title", "category", "brand", "image_url", "url"), _text),
    **dict.fromkeys(("price", "cost"), _money),
    "available": _flag,
    "tags": _tags,
}
