"""Small files of purchases, and a shop to load them into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from engine.domain.customers import CustomerSummary
from engine.domain.events import Event, EventType, Line
from engine.ports import Catalog, Ledger
from engine.store.catalog import SqlCatalog
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.ledger import SqlLedger
from engine.store.tables import event_lines, events
from training.ingest.options import IngestOptions
from training.ingest.report import FileReport, IngestReport
from training.ingest.run import ingest
from training.progress import Silent

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = "customer_id,item_id,order_id,occurred_at,quantity,unit_price"
ROW = "anna,apple,o1,2026-01-02T10:00:00Z,2,1.50"


class Shop:
    """A log, a catalogue and a home, and what is in them."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database = database
        self.home = home
        self.ledger: Ledger = SqlLedger(database)
        self.catalog: Catalog = SqlCatalog(database)

    def ingest(self, *paths: Path, now: datetime = NOW, **options: Any) -> IngestReport:
        """The account of an ingest of the files."""
        return ingest(
            paths,
            IngestOptions(**options),
            ledger=self.ledger,
            catalog=self.catalog,
            home=self.home,
            now=now,
            progress=Silent(),
        )

    def log(self) -> list[Event]:
        """Every event in the log, as it was told."""
        with self.database.read() as connection:
            rows = connection.execute(select(events).order_by(events.c.seq)).all()
            lines = connection.execute(select(event_lines)).all()
        return [
            Event(
                event_id=row.event_id,
                type=EventType(row.type),
                occurred_at=datetime.fromtimestamp(row.occurred_ms / 1000, UTC),
                customer_id=row.customer_id,
                order_id=row.order_id,
                lines=tuple(
                    Line(each.item_id, each.quantity, each.unit_price, each.discount)
                    for each in sorted(lines, key=lambda line: line.line_no)
                    if each.event_seq == row.seq
                ),
                currency=row.currency,
            )
            for row in rows
        ]

    def summary(self, customer_id: str) -> CustomerSummary | None:
        """The customer's totals, None for an unknown one."""
        stored = SqlCustomers(self.database).load(customer_id)
        return stored.summary if stored else None

    def states(self) -> dict[str, bytes]:
        """Every customer's state."""
        pages = SqlCustomers(self.database).pages(size=100)
        return {each.customer_id: each.state for page in pages for each in page}


@contextmanager
def a_shop(url: str, home: Path) -> Iterator[Shop]:
    """A shop whose database is new, closed afterwards."""
    database = Database.open(url)
    try:
        database.upgrade()
        yield Shop(database, home)
    finally:
        database.close()


def a_csv(
    path: Path, rows: Iterable[str], *, header: str = COLUMNS, encoding: str = "utf-8"
) -> Path:
    """A file of the rows below the header."""
    path.write_bytes("\n".join([header, *rows, ""]).encode(encoding))
    return path


def a_row(**cells: str) -> str:
    """A row of COLUMNS that is a good purchase, but for the cells given."""
    usual = dict(zip(COLUMNS.split(","), ROW.split(","), strict=True))
    return ",".join({**usual, **cells}.values())


def counts_of(report: FileReport | IngestReport) -> Mapping[str, int]:
    """Rows by class, once the sum has been checked against the rows read."""
    assert sum(report.counts.values()) == report.rows
    return report.counts


def lines_of(logged: Sequence[Event]) -> list[tuple[str | None, Line]]:
    """Every line with its order."""
    return [(event.order_id, line) for event in logged for line in event.lines]


def without_ids(logged: Sequence[Event]) -> list[Event]:
    """The events with nothing for an id, to compare their content."""
    return [msgspec.structs.replace(event, event_id="-") for event in logged]
