"""Lists over HTTP beside LibRecommender's own server, the same client on the same cores.

    python -m tests.benchmarks.bench_peer_serving [--small]

The peer is installed from the package registry into a folder of its own, which is kept:
REGULARS_BENCH_PEER names it. Its lists come from a model kept in Redis and are worked out when they
are asked for; ours are cached lists of all customers, each with its key, counted and logged.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from random import Random

from tests.benchmarks import peer_server
from tests.benchmarks.report import is_small, machine, ratio, show, table
from tests.benchmarks.serving_shop import (
    FULL,
    SMALL,
    Plan,
    a_secret_key,
    a_synthetic_shop,
    ask_for_every_list,
)
from tests.benchmarks.wrk_load import Load, load
from tests.shop import Shop

PEER, OURS = "LibRecommender 1.5.2", "Regulars"
WORKERS = (1, 2)
HEADINGS = ["what", "workers", "per second", "to the peer", "p50 ms", "p99 ms"]


def of_peer(folder: Path, plan: Plan, workers: int) -> Load:
    """The peer's best load, its tables filled for as many customers and items as our shop has."""
    python = peer_server.environment(_kept())
    size = plan.size
    with peer_server.a_valkey(folder) as (client, port):
        peer_server.fill(client, customers=size.customers, items=size.items, rng=Random(7))
        with peer_server.serving(python, redis_port=port, workers=workers) as url:
            words = {"customers": size.customers, "seconds": plan.seconds}
            return max(
                (load(url, "peer_lists.lua", **words) for _ in range(plan.turns)), key=_per_second
            )


def of_ours(shop: Shop, plan: Plan, workers: int) -> Load:
    """Our best load, once every list is there."""
    key = a_secret_key(shop)
    words = {"customers": plan.size.customers, "api_key": key}
    with shop.serving(workers=workers) as server:
        # Computed lists are slower than the peer's.
        ask_for_every_list(server.url, plan, key)
        turns = (
            load(server.url, "lists.lua", seconds=plan.seconds, **words) for _ in range(plan.turns)
        )
        return max(turns, key=_per_second)


def _per_second(of: Load) -> float:
    return of.per_second


def _kept() -> Path:
    default = Path(tempfile.gettempdir()) / "regulars-bench-peer"
    return Path(os.environ.get("REGULARS_BENCH_PEER", default))


def main() -> None:
    """Measure and print."""
    plan = SMALL if is_small(__doc__) else FULL
    show(machine())
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shop = a_synthetic_shop(folder / "home", plan)
        for workers in WORKERS:
            place = folder / f"peer{workers}"
            place.mkdir()
            peer, ours = of_peer(place, plan, workers), of_ours(shop, plan, workers)
            for what, got in ((PEER, peer), (OURS, ours)):
                against = ratio(got.per_second, peer.per_second)
                rate = f"{got.per_second:,.0f}"
                lines.append(
                    [what, str(workers), rate, against, f"{got.p50_ms:.2f}", f"{got.p99_ms:.2f}"]
                )
    show(table(HEADINGS, lines))


if __name__ == "__main__":
    main()
