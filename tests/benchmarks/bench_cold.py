"""Lists over HTTP that nobody asked for before, of a shop of 100,000 items.

    python -m tests.benchmarks.bench_cold [--small]

Every request is another customer's, so that nothing is cached; four clients ask at once. Beside
them the same answers once they are kept.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.purchases import Size
from tests.benchmarks.report import is_small, machine, show, table
from tests.benchmarks.serving_shop import FULL, SMALL, WORKERS, Plan, a_secret_key, a_synthetic_shop
from tests.benchmarks.wrk_load import Load, load
from tests.shop import Shop

LARGE = replace(FULL, size=Size(rows=300_000, customers=20_000, items=100_000))
CONNECTIONS = 4
HEADINGS = ["what", "connections", "per second", "p50 ms", "p95 ms", "p99 ms", "longest ms"]


def measure(shop: Shop, plan: Plan) -> dict[str, Load]:
    """The loads: of customers who come for the first time, and of the same again."""
    words = {"api_key": a_secret_key(shop), "customers": plan.size.customers}
    with shop.serving(workers=WORKERS) as server:

        def asked(seconds: float, *, first: int) -> Load:
            return load(
                server.url,
                "lists.lua",
                connections=CONNECTIONS,
                seconds=seconds,
                first=first,
                **words,
            )

        warm = asked(1, first=0)
        cold = asked(plan.seconds, first=warm.requests + CONNECTIONS)
        again = asked(1, first=0)
    return {"computed, each customer once": cold, "the first of them again": again}


def main() -> None:
    """Measure and print."""
    plan = SMALL if is_small(__doc__) else LARGE
    show(machine())
    with tempfile.TemporaryDirectory() as folder:
        found = measure(a_synthetic_shop(Path(folder) / "home", plan), plan)
    show(f"\n{plan.size.customers:,} customers, {plan.size.items:,} items, {WORKERS} workers\n")
    show(
        table(
            HEADINGS,
            [
                [
                    name,
                    str(CONNECTIONS),
                    f"{got.per_second:,.0f}",
                    *(f"{each:.2f}" for each in (got.p50_ms, got.p95_ms, got.p99_ms, got.max_ms)),
                ]
                for name, got in found.items()
            ],
        )
    )


if __name__ == "__main__":
    main()
