"""Which column of a file holds which field: the view `fields` over `raw`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import duckdb

from engine.errors import DataRefused
from training.ingest.formats import PAIRS, PURCHASES, Format
from training.ingest.options import Reading

NUMERALS = ("unit_price", "discount", "quantity", "sales_value", "price", "cost")


def settled(header: Sequence[str], reading: Reading, *, source: str) -> Reading:
    """The reading as plain pairs where a file holds nothing else; as it is for any other.

    Only a file whose every column is understood that way: one that is left over may be a time.
    What has no time is not moved either.
    """
    pairs = replace(reading, format=PAIRS, shift_days=0)
    if reading.format is PAIRS:
        return pairs
    if reading.format is not PURCHASES or any(
        name not in PAIRS.columns for name in reading.columns
    ):
        return reading
    found = _positions(header, pairs, source=source)
    if set(found.values()) != set(range(len(header))) or not found.keys() >= set(PAIRS.required):
        return reading
    return pairs


def match_columns(header: Sequence[str], reading: Reading, *, source: str) -> dict[str, int]:
    """The position of each field's column; fields the file lacks are left out.

    Raises DataRefused when a column that is mapped or needed is not there, or is there twice.
    """
    found = _positions(header, reading, source=source)
    _check_needed(found, reading.format, header, source=source)
    return found


def _positions(header: Sequence[str], reading: Reading, *, source: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for field, usual in reading.format.columns.items():
        stated = reading.columns.get(field)
        position = _position(header, (stated,) if stated else usual, source=source)
        if position is not None:
            found[field] = position
        elif stated:
            raise DataRefused(
                f"--map {field}={stated}: no such column; {_listed(header)}", source=source
            )
    return found


def create_fields(
    connection: duckdb.DuckDBPyConnection, found: Mapping[str, int], form: Format
) -> None:
    """Make the view `fields`, the trimmed text of every field, and `numerals`, the numbers."""
    columns = ", ".join(
        f"{_expression(field, found, form)} AS {field}" for field in (*form.columns, *form.fixed)
    )
    connection.execute(
        f"CREATE VIEW fields AS SELECT line, broken, {columns} FROM raw"  # noqa: S608 - our names
    )
    numerals = [field for field in form.columns if field in NUMERALS and field in found]
    parts = [f"SELECT {field} AS t FROM fields" for field in numerals]  # noqa: S608 - our names
    connection.execute(
        "CREATE VIEW numerals AS " + (" UNION ALL ".join(parts) or "SELECT NULL::VARCHAR AS t")
    )


def _expression(field: str, found: Mapping[str, int], form: Format) -> str:
    if field in found:
        return f"clean(c{found[field]})"
    default = form.fixed.get(field, form.defaults.get(field))
    return "NULL::VARCHAR" if default is None else f"'{default}'"


def _position(header: Sequence[str], names: Sequence[str], *, source: str) -> int | None:
    """Where the first of the names is; upper and lower case count only when both are there."""
    for name in names:
        exact = [index for index, column in enumerate(header) if column == name]
        same = exact or [
            index for index, column in enumerate(header) if column.casefold() == name.casefold()
        ]
        if len(same) > 1:
            raise DataRefused(
                f"the column {name} is there {len(same)} times; rename the others", source=source
            )
        if same:
            return same[0]
    return None


def _check_needed(
    found: Mapping[str, int], form: Format, header: Sequence[str], *, source: str
) -> None:
    missing = [field for field in form.required if field not in found]
    if form.owners and not any(field in found for field in form.owners):
        missing.append(" or ".join(form.owners))
    if not missing:
        return
    example = missing[0].split(" or ")[0]
    plain = f"; pairs of customer and item without any time are --format {PAIRS.name}"
    raise DataRefused(
        f"no column for {', '.join(missing)}; {_listed(header)}; name it with "
        f"--map {example}=COLUMN, or the kind of file with --format"
        f"{plain if 'occurred_at' in missing else ''}",
        source=source,
    )


def _listed(header: Sequence[str], *, most: int = 30) -> str:
    shown = ", ".join(name if name.isprintable() else repr(name) for name in header[:most])
    more = f" and {len(header) - most} more" if len(header) > most else ""
    return f"the file has {shown[:600]}{more}"
