"""A shop's database as older versions left it, with everything in it, brought to this one."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from engine.domain.events import Event, to_ms
from engine.errors import StoreUnavailable
from engine.loyalty.net import summary_of
from engine.loyalty.state import NEW, apply_all, encode
from engine.rebuild import rebuild_states
from engine.store import schema
from engine.store.database import Database
from engine.store.ledger import SqlLedger
from engine.store.tables import events
from tests.events import a_line, a_purchase, day

CUSTOMERS = [f"c{number}" for number in range(7)]
ORDERS = 60
# As each step's own module makes them; later steps start from these too.
TABLES = {
    "0001": {"events", "event_lines", "customers", "items", "shop", "invalidations", "ingest_runs"},
}
TABLES["0002"] = TABLES["0001"] | {
    "customer_features",
    "stage_changes",
    "segments",
    "segment_runs",
    "segment_members",
    "segment_moves",
}


def purchases() -> list[Event]:
    return [
        a_purchase(
            f"e{number}",
            a_line("tea", 1 + number % 3, 150),
            a_line("jäm", 0.5, 400),
            customer_id=CUSTOMERS[number % len(CUSTOMERS)],
            order_id=f"o{number}",
            occurred_at=day(number),
        )
        for number in range(ORDERS)
    ]


def insert(connection: Connection, table: str, *rows: dict[str, Any]) -> None:
    """Rows as SQL of that time would have written them, whatever the code says today."""
    names = list(rows[0])
    marks = ", ".join(f":{name}" for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), list(rows))


def fill_log(connection: Connection) -> None:
    told = purchases()
    insert(
        connection,
        "events",
        *(
            {
                "seq": 10 * seq,
                "event_id": each.event_id,
                "digest": b"%16d" % seq,
                "type": each.type.value,
                "customer_id": each.customer_id,
                "order_id": each.order_id,
                "occurred_ms": to_ms(each.occurred_at),
                "received_ms": to_ms(each.occurred_at) + 5,
                "currency": "EUR",
                "properties": '{"note": "é"}',
            }
            for seq, each in enumerate(told, start=1)
        ),
    )
    insert(
        connection,
        "event_lines",
        *(
            {
                "event_seq": 10 * seq,
                "line_no": number,
                "item_id": line.item_id,
                "quantity": line.quantity,
                "unit_price": line.unit_price,
                "discount": line.discount,
            }
            for seq, each in enumerate(told, start=1)
            for number, line in enumerate(each.lines)
        ),
    )


def fill_customers(connection: Connection) -> None:
    for customer_id in CUSTOMERS:
        state = apply_all(NEW, [each for each in purchases() if each.customer_id == customer_id])
        summary = summary_of(state)
        insert(
            connection,
            "customers",
            {
                "customer_id": customer_id,
                "revision": 3,
                "state": encode(state),
                "orders": summary.orders,
                "units": summary.units,
                "revenue": summary.revenue,
                "first_order_ms": summary.first_order_ms,
                "last_order_ms": summary.last_order_ms,
            },
        )


def fill_shop(connection: Connection) -> None:
    item = {"item_id": "tea", "revision": 2, "title": "Tea", "category": "drinks", "price": 150}
    insert(connection, "items", {**item, "available": True, "tags": '["a"]', "attributes": "{}"})
    insert(connection, "shop", {"name": "currency", "value": "EUR"})
    insert(connection, "shop", {"name": "catalog_revision", "value": "2"})
    insert(connection, "invalidations", {"customer_id": "c1", "revision": 3})
    run = {"fingerprint": "f", "source": "orders.csv", "position": 60, "counts": '{"rows": 60}'}
    insert(connection, "ingest_runs", {**run, "finished": True})


def fill_customer_model(connection: Connection) -> None:
    for customer_id in CUSTOMERS:
        row = {"customer_id": customer_id, "revision": 3, "as_of_ms": 7, "cuts_version": "m1"}
        insert(connection, "customer_features", {**row, "attributes": '{"city": "Taipei"}'})
        moved = {"customer_id": customer_id, "at_ms": 8, "before": None, "after": "exploration"}
        insert(connection, "stage_changes", moved)
        member = {"segment": "mine", "customer_id": customer_id}
        insert(connection, "segment_members", {**member, "entered_ms": 9})
        insert(connection, "segment_moves", {**member, "entered": True, "at_ms": 9})
    own = {"name": "mine", "title": "Mine", "description": "", "updated_ms": 6}
    insert(connection, "segments", {**own, "condition": '{"feature": "orders", "at_least": 1}'})
    insert(connection, "segment_runs", {"segment": "mine", "refreshed_ms": 9, "members": 7})


def build(url: str, revision: str) -> None:
    """A database as the version of that revision left it."""
    database = Database.open(url)
    with database.write() as connection:
        schema.upgrade(connection, name=database.name, to=revision)
        fill_log(connection)
        fill_customers(connection)
        fill_shop(connection)
        if revision >= "0002":
            fill_customer_model(connection)
        assert MigrationContext.configure(connection).get_current_heads() == (revision,)
    database.close()


def content(url: str, columns: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """The rows of every table, of the columns given or of those there are."""
    database = Database.open(url)
    with database.read() as connection:
        asked = columns or columns_of(connection)
        found = {
            table: sorted(
                (
                    tuple(row)
                    for row in connection.execute(
                        text("SELECT " + ", ".join(map(quoted, names)) + f" FROM {table}")
                    )
                ),
                key=repr,
            )
            for table, names in asked.items()
        }
    database.close()
    return found


def quoted(name: str) -> str:
    return f'"{name}"'


def columns_of(connection: Connection) -> dict[str, list[str]]:
    there = inspect(connection)
    return {
        table: [column["name"] for column in there.get_columns(table)]
        for table in there.get_table_names()
        if table != "alembic_version"
    }


@pytest.fixture(params=["0001", "0002"])
def old(request: pytest.FixtureRequest, database_url: str) -> str:
    """The URL of a database of an older version, with everything in it."""
    build(database_url, request.param)
    return database_url


def test_an_old_database_keeps_everything_it_holds(old: str):
    database = Database.open(old)
    with database.read() as connection:
        columns = columns_of(connection)
    before = content(old, columns)

    database.upgrade()

    assert content(old, columns) == before
    assert len(before["events"]) == ORDERS
    assert len(before["event_lines"]) == 2 * ORDERS
    assert set(columns) in TABLES.values()
    with database.read() as connection:
        assert schema.is_current(connection, name=database.name)
    database.close()


def test_what_it_holds_is_understood(old: str):
    database = Database.open(old)

    database.upgrade()

    ledger = SqlLedger(database)
    assert rebuild_states(ledger) == 0, "states are those of the log"
    with ledger.transaction() as transaction:
        assert transaction.history(["c1"])["c1"] == [
            each for each in understood() if each.customer_id == "c1"
        ]
    database.close()


def understood() -> list[Event]:
    return [
        Event(
            each.event_id,
            each.type,
            occurred_at=each.occurred_at,
            customer_id=each.customer_id,
            order_id=each.order_id,
            lines=each.lines,
            properties={"note": "é"},
        )
        for each in purchases()
    ]


def test_two_workers_that_start_at_once_upgrade_it_once(old: str):
    with_columns = Database.open(old)
    with with_columns.read() as connection:
        columns = columns_of(connection)
    with_columns.close()
    before = content(old, columns)
    program = (
        "import sys; from engine.store.database import Database; "
        "database = Database.open(sys.argv[1]); database.upgrade(); database.close()"
    )

    started = [subprocess.Popen([sys.executable, "-c", program, old]) for _ in range(2)]

    assert [process.wait(timeout=60) for process in started] == [0, 0]
    assert content(old, columns) == before


def test_the_log_stays_append_only(old: str):
    database = Database.open(old)
    database.upgrade()

    with pytest.raises(StoreUnavailable, match="append-only"), database.write() as connection:
        connection.execute(events.update().values(type="view_item"))

    database.close()
