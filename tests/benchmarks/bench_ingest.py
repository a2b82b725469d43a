"""Loading purchases: seconds and memory, beside DuckDB merely reading the same file.

python -m tests.benchmarks.bench_ingest [--small]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.purchases import Size, write_purchases
from tests.benchmarks.report import is_small, machine, ratio, show, table
from tests.shop import Shop

FULL = Size(rows=500_000, customers=20_000, items=5_000)
SMALL = Size(rows=4_000, customers=200, items=100)
# What is left out: orders, states, totals, checks, and that it is on the disk when it says so.
READ_ONLY = """
import sys, duckdb
with duckdb.connect(sys.argv[1], config={"threads": 2}) as connection:
    connection.execute("CREATE TABLE t AS SELECT * FROM read_csv(?)", [sys.argv[2]])
"""
# The rows of the same file into SQLite, durable at the end, and nothing else.
INSERT_ONLY = """
import csv, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = FULL")
connection.execute("CREATE TABLE t (customer, item, orders, at, quantity, price)")
with open(sys.argv[2], newline="") as file:
    rows = csv.reader(file)
    next(rows)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
connection.close()
"""


# Memory is counted from a process that holds next to nothing: a child begins with what its parent
# had, and ours has all of Arrow.
METER = """
import os, sys, time
began = time.perf_counter()
quiet = os.open(os.devnull, os.O_WRONLY)
pid = os.posix_spawn(
    sys.argv[1], sys.argv[1:], os.environ,
    file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1), (os.POSIX_SPAWN_DUP2, quiet, 2)],
)
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - began, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Cost:
    """What a process took, its start included."""

    seconds: float
    peak_mb: float


def cost(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Seconds and peak memory of a command that must succeed."""
    metered = subprocess.run(
        [sys.executable, "-I", "-S", "-c", METER, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if metered.returncode:
        raise SystemExit(f"{command[:4]} ended with {metered.returncode}")
    seconds, peak = metered.stdout.split()
    # Linux counts kilobytes, macOS bytes.
    return Cost(float(seconds), int(peak) / (1e6 if sys.platform == "darwin" else 1e3))


def measure(size: Size, folder: Path) -> dict[str, Cost]:
    """The cost of each way through the file."""
    path = str(write_purchases(folder / "purchases.csv", size))
    environment = Shop(folder / "home").environment
    ingest = [sys.executable, "-m", "training", "ingest", path, "--currency", "EUR"]
    return {
        "DuckDB read_csv into a table": cost(
            [sys.executable, "-c", READ_ONLY, str(folder / "t.duckdb"), path], environment
        ),
        "csv + SQLite executemany": cost(
            [sys.executable, "-c", INSERT_ONLY, str(folder / "t.sqlite"), path], environment
        ),
        "regulars ingest": cost(ingest, environment),
        "regulars ingest, same file again": cost(ingest, environment),
    }


def main() -> None:
    """Measure and print."""
    size = SMALL if is_small(__doc__) else FULL
    show(machine())
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(size, Path(folder))
    ceiling = costs["DuckDB read_csv into a table"]
    show(f"\n{size.rows:,} rows, {size.customers:,} customers, {size.items:,} items\n")
    show(
        table(
            ["way", "seconds", "rows/s", "time to DuckDB's", "peak MB", "memory to DuckDB's"],
            [
                [
                    name,
                    f"{own.seconds:.2f}",
                    f"{size.rows / own.seconds:,.0f}",
                    ratio(own.seconds, ceiling.seconds),
                    f"{own.peak_mb:.0f}",
                    ratio(own.peak_mb, ceiling.peak_mb),
                ]
                for name, own in costs.items()
            ],
        )
    )


if __name__ == "__main__":
    main()
