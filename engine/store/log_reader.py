"""The log as columns, for training: a million lines in about a second."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import adbc_driver_manager
import pyarrow
from sqlalchemy import func, select

from engine.domain.events import EventType
from engine.errors import SettingsError, StoreUnavailable
from engine.store.database import SQLITE, Database
from engine.store.identities import JOINED, OWNER
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
# Of what else customers did and said: one row an event, or one a line where items are told.
EVENT_SCHEMA = pyarrow.schema(
    [
        ("type", pyarrow.string()),
        ("event_id", pyarrow.string()),
        ("customer_id", pyarrow.string()),
        ("at_ms", pyarrow.int64()),
        ("properties", pyarrow.string()),
        ("line_no", pyarrow.int64()),
        ("item_id", pyarrow.string()),
    ]
)
_MOVES_GOODS = (EventType.PURCHASE.value, EventType.REFUND.value)
# What a visitor did is whoever's the visitor is joined to.
_QUERY = f"""
SELECT e.type, e.event_id, l.line_no, {OWNER} AS customer_id, e.order_id, e.occurred_ms AS at_ms,
       l.item_id, l.quantity, l.unit_price, l.discount
FROM events AS e {JOINED} LEFT JOIN event_lines AS l ON l.event_seq = e.seq
WHERE e.type IN ('purchase', 'refund')
"""  # noqa: S608 - names of our own
# Items are read where features count them, properties once an event. Purchases are here for what
# their properties say; their lines are in the other table.
_EVENT_QUERY = f"""
SELECT e.type, e.event_id, {OWNER} AS customer_id, e.occurred_ms AS at_ms,
       CASE WHEN coalesce(l.line_no, 0) = 0 THEN e.properties END AS properties,
       l.line_no, l.item_id
FROM events AS e {JOINED} LEFT JOIN event_lines AS l ON l.event_seq = e.seq AND e.type IN
    ('view_item', 'select_item', 'add_to_cart', 'remove_from_cart', 'rating')
WHERE {OWNER} IS NOT NULL
  AND (e.type NOT IN ('purchase', 'refund') OR e.type = 'purchase' AND e.properties IS NOT NULL)
"""  # noqa: S608 - names of our own
# SQLite's columns have no types, and the driver guesses them from the first values it meets, which
# may all be NULL. A first row with a value in every column settles them; it is cut off again.
_TYPED = """
SELECT '' AS type, '' AS event_id, 0 AS line_no, '' AS customer_id, '' AS order_id, 0 AS at_ms,
       '' AS item_id, 0.5 AS quantity, 0 AS unit_price, 0 AS discount
UNION ALL
"""
_EVENT_TYPED = """
SELECT '' AS type, '' AS event_id, '' AS customer_id, 0 AS at_ms, '' AS properties, 0 AS line_no,
       '' AS item_id
UNION ALL
"""
_CHILD = Path(__file__).with_name("log_child.py")


@dataclass(frozen=True)
class ReadLog:
    """The log as two tables: `lines` of purchases and refunds, `events` of customers' rest."""

    lines: pyarrow.Table
    events: pyarrow.Table


def read_log(database: Database, *, until_ms: int | None = None) -> ReadLog:
    """Everything that customers' states are made of; with `until_ms` only what was before."""
    return ReadLog(
        lines=read_lines(database, until_ms=until_ms),
        events=read_events(database, until_ms=until_ms),
    )


def read_lines(database: Database, *, until_ms: int | None = None) -> pyarrow.Table:
    """Every purchase and refund line with its event, as SCHEMA says, in no particular order.

    A refund without lines is one row whose `line_no`, `item_id` and amounts are null. With
    `until_ms` only what happened before that time.
    """
    return _read(database, _Question(_QUERY, _TYPED, SCHEMA), until_ms)


def read_events(database: Database, *, until_ms: int | None = None) -> pyarrow.Table:
    """What customers did and said beside purchases and refunds, as EVENT_SCHEMA says, unordered.

    One row an event; one a line in types whose items are counted, where an event's first line
    (`line_no` 0) has its properties. Of purchases only those with properties, without lines.
    Events of nobody known are left out. With `until_ms` only what happened before that time.
    """
    return _read(database, _Question(_EVENT_QUERY, _EVENT_TYPED, EVENT_SCHEMA), until_ms)


def log_span(database: Database) -> tuple[int, int | None, int | None]:
    """How many purchases and refunds there are, and the first and the last one's time in ms."""
    asked = select(
        func.count(), func.min(events.c.occurred_ms), func.max(events.c.occurred_ms)
    ).where(events.c.type.in_(_MOVES_GOODS))
    with database.read() as connection:
        count, first, last = connection.execute(asked).one()
    return count, first, last


@dataclass(frozen=True)
class _Question:
    """A query that ends in a WHERE, the row that settles its types, and the table it gives."""

    query: str
    typed: str
    schema: pyarrow.Schema


def _read(database: Database, asked: _Question, until_ms: int | None) -> pyarrow.Table:
    query = asked.query
    if until_ms is not None:
        query = f"{query} AND e.occurred_ms < {int(until_ms)}"
    if database.dialect == SQLITE:
        return _read_sqlite(database, asked.typed + query).cast(asked.schema)
    return _read_postgresql(database, query).cast(asked.schema)


def _read_sqlite(database: Database, query: str) -> pyarrow.Table:
    path = quote(str(Path(str(database.url.database)).absolute()))
    # -P: the folder of the program does not become a place to import from.
    command = [sys.executable, "-P", str(_CHILD), path, query]
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
