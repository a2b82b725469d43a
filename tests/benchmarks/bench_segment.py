"""Orders by the clients of Segment and RudderStack: `python -m tests.benchmarks.bench_segment`.

Each client, unmodified, sends 10,000 orders to a running server of one worker on SQLite; all have
to be in the log exactly once. The time is the client's as well as the server's.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from engine.store.database import Database
from engine.store.tables import customers, events, rejected_events
from tests.benchmarks.report import is_small, machine, show, table
from tests.clients.installed import CLIENTS, Client, NotInstalled
from tests.shop import Shop

ORDERS, SMALL = 10_000, 200


def main() -> None:
    """Print the table."""
    count = SMALL if is_small(__doc__) else ORDERS
    show(machine())
    rows = [_row(client, count) for client in CLIENTS]
    show(table(["client", "sent", "in the log", "refused", "revenue", "seconds", "a second"], rows))


def _row(client: Client, count: int) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder))
        with shop.serving(workers=1) as server:
            try:
                # Once for what is made the first time: the client's folder, the server's model.
                client.send(server.url, 0)
                began = time.perf_counter()
                client.send(server.url, count)
            except NotInstalled as reason:
                return [client.name, "0", str(reason), "", "", "", ""]
            seconds = time.perf_counter() - began
        logged, refused, revenue = _found(shop)
    if (logged, refused, revenue) != (count, 0, count * 500):
        raise SystemExit(f"{client.name}: {logged} of {count} arrived, worth {revenue}")
    rate = f"{count / seconds:,.0f}"
    return [
        client.name,
        f"{count:,}",
        f"{logged:,}",
        f"{refused:,}",
        f"{revenue / 100:,.2f}",
        f"{seconds:.1f}",
        rate,
    ]


def _found(shop: Shop) -> tuple[int, int, int]:
    database = Database.open(f"sqlite:///{shop.home / 'regulars.db'}")
    try:
        with database.read() as connection:
            return (
                connection.scalar(select(func.count()).select_from(events)) or 0,
                connection.scalar(select(func.count()).select_from(rejected_events)) or 0,
                int(connection.scalar(select(func.sum(customers.c.revenue))) or 0),
            )
    finally:
        database.close()


if __name__ == "__main__":
    main()
