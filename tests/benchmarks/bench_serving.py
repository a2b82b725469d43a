"""Cached and computed lists over HTTP, beside a bare Flask view that reads 2 KB from Valkey.

    python -m tests.benchmarks.bench_serving [--small]

The client runs on the same cores as the servers: the ratios tell more than the rates.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
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
from tests.shop import Shop

BARE, BARE_FEW = "bare Flask + Redis GET", "the same, 2 threads a worker"
CACHED_OF_ONE = "cached list, one customer"
HEADINGS = [
    "what",
    "connections",
    "per second",
    "to bare",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "p99 to bare",
]


def measure(shop: Shop, plan: Plan) -> dict[str, tuple[int, Load]]:
    """The best load of each kind."""
    key, found = a_secret_key(shop), dict[str, tuple[int, Load]]()

    def note(name: str, got: Load, connections: int = 32) -> None:
        best = found.get(name)
        if best is None or got.per_second > best[1].per_second:
            found[name] = (connections, got)

    with shop.serving(workers=WORKERS) as server, bare(shop) as wide, bare(shop, threads=2) as thin:
        one = f"{server.url}/v1/customers/c1/recommendations"
        words = {"api_key": key, "customers": plan.size.customers}
        load(one, "one_path.lua", seconds=1, **words)
        for _ in range(plan.turns):
            note(BARE, load(f"{wide}/bare/c1", "one_path.lua", seconds=plan.seconds))
            note(BARE_FEW, load(f"{thin}/bare/c1", "one_path.lua", seconds=plan.seconds))
            note(CACHED_OF_ONE, load(one, "one_path.lua", seconds=plan.seconds, **words))
        computed = load(server.url, "lists.lua", connections=4, seconds=plan.seconds, **words)
        note("every list computed", computed, 4)
        # Of those whose lists are there by now.
        words["customers"] = min(computed.requests, plan.size.customers)
        for _ in range(plan.turns):
            note(
                "cached lists, all customers",
                load(server.url, "lists.lua", seconds=plan.seconds, **words),
            )
    return found


def rows(found: dict[str, tuple[int, Load]]) -> Sequence[Sequence[str]]:
    """The lines of the printed table."""
    least = found[BARE][1]
    return [
        [
            name,
            str(connections),
            f"{own.per_second:,.0f}",
            ratio(own.per_second, least.per_second),
            f"{own.p50_ms:.2f}",
            f"{own.p95_ms:.2f}",
            f"{own.p99_ms:.2f}",
            ratio(own.p99_ms, least.p99_ms),
        ]
        for name, (connections, own) in found.items()
    ]


def main() -> None:
    """Measure and print."""
    plan = SMALL if is_small(__doc__) else FULL
    show(machine())
    with tempfile.TemporaryDirectory() as folder:
        shop = a_synthetic_shop(Path(folder) / "home", plan)
        found = measure(shop, plan)
    size = plan.size
    show(f"\n{size.customers:,} customers, {size.items:,} items, {WORKERS} workers\n")
    show(table(HEADINGS, rows(found)))


if __name__ == "__main__":
    main()
