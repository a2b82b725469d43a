"""Lists and events over HTTP, beside a bare Flask view that reads 2 KB from the same Valkey.

    python -m tests.benchmarks.bench_serving [--small]

The client runs on the same cores as the servers: the ratios tell more than the rates.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from engine.store.embedded_valkey import SOCKET_NAME
from engine.store.redis_cache import connect
from tests.benchmarks.load import Ask, Load, load
from tests.benchmarks.purchases import Size, write_purchases
from tests.benchmarks.report import is_small, machine, ratio, show, table
from tests.shop import Server, Shop, free_port, stop

WORKERS = 2
KEY = "bench:two-kilobytes"
BARE = "bare Flask + Redis GET"


@dataclass(frozen=True)
class Plan:
    """How large the shop is, and how many requests of each kind are sent."""

    size: Size
    requests: int
    posts: int
    # A shop this small would tune for longer than it serves.
    config: str


FULL = Plan(
    Size(rows=120_000, customers=6_000, items=3_000), 12_000, 4_000, "tuning_customers = 500"
)
SMALL = Plan(
    Size(rows=3_000, customers=200, items=60),
    200,
    80,
    "half_lives = [60.0]\ntuning_customers = 20\n[train.als]\nfactors = 8\niterations = 2",
)


def a_synthetic_shop(home: Path, plan: Plan) -> Shop:
    """A shop with a model live, whether or not that beats counting on made-up purchases."""
    home.mkdir()
    shop = Shop(home)
    shop.done("ingest", write_purchases(home / "purchases.csv", plan.size), "--currency", "EUR")
    config = home / "train.toml"
    config.write_text(f"[train]\n{plan.config}\n")
    shop.run("train", "--config", config)
    versions = sorted(path.parent.name for path in (home / "models").glob("*/manifest.json"))
    shop.done("models", "promote", versions[-1])
    return shop


@contextmanager
def bare(shop: Shop) -> Iterator[int]:
    """The port of the bare view, which reads from the running shop's own Valkey."""
    url = f"unix://{shop.home / SOCKET_NAME}"
    with connect(url) as client:
        client.set(KEY, "x" * 2048)
    port = free_port()
    words = [str(port), str(WORKERS), url, KEY]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bare_server", *words], env=shop.environment
    ) as process:
        try:
            Server(f"http://127.0.0.1:{port}", process).wait()
            yield port
        finally:
            stop(process)


def lists(customers: int, requests: int) -> list[Ask]:
    """Requests for the lists of that many customers, again and again."""
    return [Ask(f"/v1/customers/c{n % customers}/recommendations") for n in range(requests)]


def purchases(count: int) -> list[Ask]:
    """One purchase each, of a different customer and order."""
    return [Ask("/v1/events", _purchase(number)) for number in range(count)]


def _purchase(number: int) -> bytes:
    return json.dumps(
        {
            "event_id": f"bench-{number}",
            "type": "purchase",
            "customer_id": f"c{number}",
            "order_id": f"bench-{number}",
            "currency": "EUR",
            "lines": [{"item_id": f"i{number % 50}", "quantity": 1, "unit_price": 299}],
        }
    ).encode()


def measure(shop: Shop, plan: Plan) -> dict[str, Load]:
    """The load of each kind; what is to come from the cache is asked for once before."""
    warm, found = 50, {}
    with shop.serving(workers=WORKERS) as server, bare(shop) as bare_port:
        port = urlsplit(server.url).port or 0
        views = [Ask("/bare/c1")] * plan.requests
        load(bare_port, views[: 4 * warm])
        found[BARE] = load(bare_port, views)
        load(port, lists(warm, 4 * warm))
        found["cached list"] = load(port, lists(warm, plan.requests))
        fresh = lists(plan.size.customers, plan.size.customers)[warm:]
        found["computed list, each customer once"] = load(port, fresh)
        found["POST of one purchase"] = load(port, purchases(plan.posts))
    return found


def rows(found: dict[str, Load]) -> Sequence[Sequence[str]]:
    """The lines of the printed table."""
    least = found[BARE]
    return [
        [
            name,
            f"{own.requests:,}",
            f"{own.per_second:,.0f}",
            ratio(own.per_second, least.per_second),
            f"{own.p50_ms:.2f}",
            ratio(own.p50_ms, least.p50_ms),
            f"{own.p99_ms:.2f}",
            ratio(own.p99_ms, least.p99_ms),
            f"{own.from_cache:.0%}",
        ]
        for name, own in found.items()
    ]


HEADINGS = ["what", "requests", "per second", "to bare", "p50 ms", "to bare", "p99 ms", "to bare"]


def main() -> None:
    """Measure and print."""
    plan = SMALL if is_small(__doc__) else FULL
    show(machine())
    with tempfile.TemporaryDirectory() as folder:
        shop = a_synthetic_shop(Path(folder) / "home", plan)
        found = measure(shop, plan)
    size = plan.size
    show(
        f"\n{size.customers:,} customers, {size.items:,} items, {WORKERS} workers, 8 connections\n"
    )
    show(table([*HEADINGS, "from cache"], rows(found)))


if __name__ == "__main__":
    main()
