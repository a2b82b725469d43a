"""The log as columns, for training: a million lines in about a second."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import adbc_driver_manager
import pyarrow
from sqlalchemy import func, select

from engine.domain.events import EventType
from engine.errors import SettingsError, StoreUnavailable
from engine.store.database import SQLITE, Database
from engine.store.tables import events

SCHEMA = pyarrow.schema(
    [
        ("type", pyarrow.string()),
        ("event_id", pyarrow.string()),
        ("line_no", pyarrow.int64()),
        ("customer_id", pyarrow.string()),
        ("order_id", pyarrow.string()),
        ("at_ms", pyarrow.int64()),
        ("item_id", pyarrow.string()),
        ("quantity", pyarrow.float64()),
        ("unit_price", pyarrow.int64()),
        ("discount", pyarrow.int64()),
    ]
)
_MOVES_GOODS = (EventType.PURCHASE.value, EventType.REFUND.value)
_QUERY = """
SELECT e.type, e.event_id, l.line_no, e.customer_id, e.order_id, e.occurred_ms AS at_ms,
       l.item_id, l.quantity, l.unit_price, l.discount
FROM events AS e LEFT JOIN event_lines AS l ON l.event_seq = e.seq
WHERE e.type IN ('purchase', 'refund')
"""
# SQLite's columns have no types, and the driver guesses them from the first values it meets, which
# may all be NULL. A first row with a value in every column settles them; it is cut off again.
_TYPED = """
SELECT '' AS type, '' AS event_id, 0 AS line_no, '' AS customer_id, '' AS order_id, 0 AS at_ms,
       '' AS item_id, 0.5 AS quantity, 0 AS unit_price, 0 AS discount
UNION ALL
"""
_CHILD = Path(__file__).with_name("log_child.py")


def read_lines(database: Database, *, until_ms: int | None = None) -> pyarrow.Table:
    """Every purchase and refund line with its event, as SCHEMA says, in no particular order.

    A refund without lines is one row whose `line_no`, `item_id` and amounts are null. With
    `until_ms` only what happened before that time.
    """
    query = _QUERY if until_ms is None else f"{_QUERY} AND e.occurred_ms < {int(until_ms)}"
    read = _read_sqlite if database.dialect == SQLITE else _read_postgresql
    return read(database, query).cast(SCHEMA)


def log_span(database: Database) -> tuple[int, int | None, int | None]:
    """How many purchases and refunds there are, and the first and the last one's time in ms."""
    asked = select(
        func.count(), func.min(events.c.occurred_ms), func.max(events.c.occurred_ms)
    ).where(events.c.type.in_(_MOVES_GOODS))
    with database.read() as connection:
        count, first, last = connection.execute(asked).one()
    return count, first, last


def _read_sqlite(database: Database, query: str) -> pyarrow.Table:
    path = quote(str(Path(str(database.url.database)).absolute()))
    # -P: the folder of the program does not become a place to import from.
    command = [sys.executable, "-P", str(_CHILD), path, _TYPED + query]
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        try:
            table = pyarrow.ipc.open_stream(child.stdout).read_all().slice(1)
        except (pyarrow.ArrowException, OSError):
            # Nothing came, or not all of it: the program says why below.
            table = None
        complaint = child.stderr.read() if child.stderr else b""
    if table is None or child.returncode:
        lines = complaint.decode(errors="replace").strip().splitlines() or ["no answer"]
        raise StoreUnavailable(f"{database.name} cannot be read: {lines[-1]}")
    return table


def _read_postgresql(database: Database, query: str) -> pyarrow.Table:
    driver = _optional("adbc_driver_postgresql.dbapi")
    try:
        with driver.connect(_conninfo(database)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetch_arrow_table()
    except adbc_driver_manager.Error as error:
        raise StoreUnavailable(
            f"{database.name} cannot be read: {str(error).splitlines()[0]}"
        ) from error


def _conninfo(database: Database) -> str:
    """The connection as libpq writes it: in SQLAlchemy's URLs + and blanks mean other things."""
    url = database.url
    parts = url.translate_connect_args(username="user", database="dbname")
    written: str = _optional("psycopg.conninfo").make_conninfo("", **parts, **url.query)
    return written


def _optional(module: str) -> ModuleType:
    """A module of the extra `postgres`, which a shop on SQLite does not install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise SettingsError(
            "database_url: reading PostgreSQL needs its driver; "
            "run pip install 'regulars[postgres]'"
        ) from error
