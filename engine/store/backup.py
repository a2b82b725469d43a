"""The truth into an archive, and back: every table, one state of the database.

Only `invalidations` stays out: what the cache must still be told, and a restored shop begins with
an empty cache. All else is kept, also what the log could give back, so that a restored shop is
the shop that was saved: customers keep their states, features their memory of earlier stages,
segments the day that each member entered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Double,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    func,
    inspect,
    select,
    text,
)

from engine.errors import DataRefused, StoreUnavailable
from engine.store import schema
from engine.store.archive import Archive, ArchiveWriter, TableNote
from engine.store.database import POSTGRESQL, SQLITE, Database
from engine.store.feature_table import customer_features
from engine.store.tables import metadata

LEFT_OUT = ("invalidations",)
# The features there are change with the code; a column that is gone is no loss, it is worked out.
_FOLLOWS_CODE = (customer_features.name,)
PAGE = 10_000
LINGER_SECONDS = 3
_TYPES: Sequence[tuple[type, pa.DataType]] = (
    (Boolean, pa.bool_()),
    (SmallInteger, pa.int64()),
    (BigInteger, pa.int64()),
    (Integer, pa.int64()),
    (Double, pa.float64()),
    (LargeBinary, pa.binary()),
    (Text, pa.string()),
)
_GIVEN_POSTGRESQL = "SELECT last_value FROM pg_sequences WHERE sequencename = :name"
_OTHERS_POSTGRESQL = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'regulars' AND pid <> pg_backend_pid()
"""
_GIVEN_SQLITE = "SELECT seq FROM sqlite_sequence WHERE name = :name"

Told = Callable[[str, int], None]


def saved_tables() -> list[Table]:
    """What goes into a backup, each table after those it refers to."""
    return [each for each in metadata.sorted_tables if each.name not in LEFT_OUT]


def rows_in(database: Database) -> int:
    """About how many rows a backup will hold, for those who wait."""
    with database.snapshot() as connection:
        return sum(
            int(connection.scalar(select(func.count()).select_from(each)) or 0)
            for each in saved_tables()
        )


def save(database: Database, archive: ArchiveWriter, told: Told) -> dict[str, TableNote]:
    """Write every table as of one moment; events may be recorded meanwhile.

    `told` hears the table and the rows written so far, of all tables.
    """
    notes: dict[str, TableNote] = {}
    done = 0
    with database.snapshot() as connection:
        for table in saved_tables():
            fields = _schema(table)
            rows = 0
            with archive.table(table.name, fields) as writer:
                found = connection.execution_options(yield_per=PAGE).execute(select(table))
                for page in found.partitions():
                    columns = zip(*page, strict=True)
                    arrays = [
                        pa.array(values, type=field.type)
                        for values, field in zip(columns, fields, strict=True)
                    ]
                    writer.write_batch(pa.record_batch(arrays, schema=fields))
                    rows, done = rows + len(page), done + len(page)
                    told(table.name, done)
            notes[table.name] = TableNote(rows, _last_number(connection, table))
    return notes


def check_known(archive: Archive) -> None:
    """Raise DataRefused for an archive whose tables this code does not know."""
    contents = archive.contents
    if not schema.knows(contents.revision):
        raise DataRefused(
            f"the backup has the table version {contents.revision}, which this version of "
            "regulars does not know; upgrade regulars"
        )


def holds_anything(database: Database) -> bool:
    """Whether the database has rows of ours; also false where there are no tables yet."""
    with database.read() as connection:
        there = set(inspect(connection).get_table_names())
        return any(
            connection.execute(select(1).select_from(each).limit(1)).first() is not None
            for each in saved_tables()
            if each.name in there
        )


def drop_all(connection: Connection) -> None:
    """Remove every table of ours, and what hangs on them."""
    metadata.drop_all(connection)
    connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    if connection.dialect.name == POSTGRESQL:
        connection.execute(text("DROP FUNCTION IF EXISTS refuse_change_of_log"))


def load(database: Database, archive: Archive, told: Told) -> None:
    """Fill the database, which loses what it held, and bring it to the version of this code.

    On PostgreSQL all of it is one transaction. A SQLite file is for nobody else until it is done:
    the caller fills one aside and gives it its name afterwards. Raises StoreUnavailable.
    """
    tables = archive.contents.tables
    done = 0
    with database.write_patiently() as connection:
        _refuse_if_used(connection, name=database.name)
        drop_all(connection)
        schema.upgrade(connection, name=database.name, to=archive.contents.revision)
        for name, note in tables.items():
            names = _columns(connection, name)
            for batch in archive.batches(name, rows=PAGE):
                _insert(connection, name, batch.select(_kept(name, batch.schema.names, names)))
                done += batch.num_rows
                told(name, done)
            _check(connection, name, note)
            _go_on_from(connection, name, note.last_number)
        schema.upgrade(connection, name=database.name)


def _refuse_if_used(connection: Connection, *, name: str) -> None:
    # A SQLite file that is filled is nobody else's; whether the other is used is asked later.
    if connection.dialect.name != POSTGRESQL:
        return
    others = connection.scalar(text(_OTHERS_POSTGRESQL))
    until = time.monotonic() + LINGER_SECONDS
    while others and time.monotonic() < until:
        # Connections of a server that just ended may linger.
        time.sleep(0.1)
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        others = connection.scalar(text(_OTHERS_POSTGRESQL))
    if others:
        raise StoreUnavailable(
            f"{name}: {others} connections of regulars are open; stop `regulars serve` and every "
            "other command first, on every host"
        )


def _schema(table: Table) -> pa.Schema:
    return pa.schema([(column.name, _type(column.type)) for column in table.columns])


def _type(kind: object) -> pa.DataType:
    return next(arrow for sql, arrow in _TYPES if isinstance(kind, sql))


def _columns(connection: Connection, name: str) -> set[str]:
    if not inspect(connection).has_table(name):
        raise StoreUnavailable(f"the backup's table {name} is not one of its table version")
    return {column["name"] for column in inspect(connection).get_columns(name)}


def _kept(name: str, held: Sequence[str], there: set[str]) -> list[str]:
    gone = [each for each in held if each not in there]
    if gone and name not in _FOLLOWS_CODE:
        raise StoreUnavailable(f"the backup's table {name} has a column {gone[0]} too many")
    return [each for each in held if each in there]


def _insert(connection: Connection, name: str, batch: pa.RecordBatch) -> None:
    columns = ", ".join(f'"{each}"' for each in batch.schema.names)
    rows: Any = zip(*(column.to_pylist() for column in batch.columns), strict=True)
    if connection.dialect.name == SQLITE:
        marks = ", ".join("?" * batch.num_columns)
        statement = f"INSERT INTO {name} ({columns}) VALUES ({marks})"  # noqa: S608 - our own names
        connection.exec_driver_sql(statement, list(rows))
        return
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _check(connection: Connection, name: str, note: TableNote) -> None:
    found = connection.scalar(text(f"SELECT count(*) FROM {name}"))  # noqa: S608 - our own name
    if found != note.rows:
        raise StoreUnavailable(f"{name}: {found} rows arrived of {note.rows}; nothing was changed")


def _numbered(table: Table) -> str | None:
    column = table.autoincrement_column
    return None if column is None else column.name


def _last_number(connection: Connection, table: Table) -> int | None:
    """The last number that was ever given, also when its row is gone."""
    column = _numbered(table)
    if column is None:
        return None
    highest = connection.scalar(select(func.max(table.c[column]))) or 0
    if connection.dialect.name == POSTGRESQL:
        asked, name = _GIVEN_POSTGRESQL, f"{table.name}_{column}_seq"
        given = connection.scalar(text(asked), {"name": name}) or 0
    elif table.dialect_options[SQLITE]["autoincrement"]:
        given = connection.scalar(text(_GIVEN_SQLITE), {"name": table.name}) or 0
    else:
        given = highest
    return max(int(highest), int(given))


def _go_on_from(connection: Connection, name: str, last: int | None) -> None:
    """Give the rows to come numbers after the last one."""
    table = metadata.tables.get(name)
    if not last or table is None:
        return
    if connection.dialect.name == POSTGRESQL:
        sequence = f"{name}_{_numbered(table)}_seq"
        connection.execute(text("SELECT setval(:name, :last)"), {"name": sequence, "last": last})
    elif table.dialect_options[SQLITE]["autoincrement"]:
        for statement in (
            "DELETE FROM sqlite_sequence WHERE name = :name",
            "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)",
        ):
            connection.execute(text(statement), {"name": name, "last": last})
