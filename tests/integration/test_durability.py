"""An event that was acknowledged is there, whatever was killed in between."""

from __future__ import annotations

import subprocess
import sys

from sqlalchemy import select

from engine.ports import Outcome
from engine.receipts import entry_of
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.ledger import SqlLedger
from engine.store.tables import events
from tests.events import DAY_0, a_purchase

# Records purchases p0, p1 ... of one customer and prints each id once it is recorded.
WRITER = """
import sys
from datetime import UTC, datetime
from engine.domain.events import Event, EventType, Line
from engine.feedback import record_in
from engine.receipts import entry_of
from engine.store.database import Database
from engine.store.ledger import SqlLedger

url, count = sys.argv[1], int(sys.argv[2])
now = datetime(2024, 1, 1, tzinfo=UTC)
database = Database.open(url)
ledger = SqlLedger(database)
for number in range(count):
    lines = (Line("tea", 1.0, 100),)
    event = Event(f"p{number}", EventType.PURCHASE, now, "c1", order_id=f"o{number}", lines=lines)
    with ledger.transaction() as transaction:
        record_in(transaction, [entry_of(event, received_at=now)])
    print(event.event_id, flush=True)
database.close()
"""


def a_writer(url: str, *, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, url, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def logged(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.scalars(select(events.c.event_id)))


def test_a_writer_killed_at_work_leaves_every_acknowledged_event_counted(database: Database):
    with a_writer(database.url.render_as_string(hide_password=False), count=100_000) as writer:
        assert writer.stdout is not None
        acknowledged = {writer.stdout.readline().strip() for _ in range(150)}
        writer.kill()
        acknowledged |= {line.strip() for line in writer.stdout if line.endswith("\n")}

    found = logged(database)
    stored = SqlCustomers(database).load("c1")

    assert acknowledged <= found
    assert len(found - acknowledged) <= 1
    assert stored is not None
    assert stored.summary.orders == stored.revision == len(found)


def test_two_processes_that_record_the_same_events_count_each_once(database: Database):
    url = database.url.render_as_string(hide_password=False)

    writers = [a_writer(url, count=60) for _ in range(2)]
    for writer in writers:
        writer.communicate(timeout=60)

    stored = SqlCustomers(database).load("c1")
    assert [writer.returncode for writer in writers] == [0, 0]
    assert stored is not None
    assert stored.summary.orders == stored.revision == 60


def test_a_transaction_cut_off_half_way_can_be_repeated(database: Database):
    entry = entry_of(a_purchase("e1"), received_at=DAY_0)
    ledger = SqlLedger(database)
    try:
        with ledger.transaction() as transaction:
            transaction.append([entry])
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass

    with ledger.transaction() as transaction:
        assert transaction.append([entry]) == [Outcome.ACCEPTED]
