"""A shop on synthetic purchases that serves, and a bare Flask server beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.settings import Settings
from engine.store.embedded_valkey import SOCKET_NAME
from engine.store.redis_cache import connect
from tests.benchmarks.purchases import Size, write_purchases
from tests.benchmarks.wrk_load import load
from tests.shop import Server, Shop, free_port, stop

WORKERS = 2
KEY = "bench:two-kilobytes"
TRAINING_SECONDS = 1_800


@dataclass(frozen=True)
class Plan:
    """How large the shop is, and for how long each load lasts."""

    size: Size
    seconds: float
    # A shop this small would tune for longer than it serves.
    config: str
    # Loads that are compared come in turns, so often: others use the machine too.
    turns: int = 3


FULL = Plan(Size(rows=120_000, customers=6_000, items=3_000), 10, "tuning_customers = 500")
SMALL = Plan(
    Size(rows=3_000, customers=200, items=60),
    1,
    "half_lives = [60.0]\ntuning_customers = 20\n[train.als]\nfactors = 8\niterations = 2",
    turns=1,
)


def a_synthetic_shop(home: Path, plan: Plan) -> Shop:
    """A shop with a model live, whether or not that beats counting on made-up purchases."""
    home.mkdir()
    shop = Shop(home)
    shop.done("ingest", write_purchases(home / "purchases.csv", plan.size), "--currency", "EUR")
    config = home / "train.toml"
    config.write_text(f"[train]\n{plan.config}\n")
    shop.run("train", "--config", config, patience=TRAINING_SECONDS)
    versions = sorted(path.parent.name for path in (home / "models").glob("*/manifest.json"))
    shop.done("models", "promote", versions[-1])
    return shop


def a_secret_key(shop: Shop) -> str:
    """A new key of the shop's."""
    told = shop.done("keys", "create", "--kind", "secret", "--name", "benchmark")
    return next(word for word in told.split() if word.startswith("rk_secret_"))


def ask_for_every_list(url: str, plan: Plan, key: str) -> None:
    """Have each customer's list computed, so that the server has it in its cache."""
    asked, words = 0, {"customers": plan.size.customers, "api_key": key}
    while asked < plan.size.customers:
        asked += load(
            url, "lists.lua", connections=4, seconds=plan.seconds, first=asked, **words
        ).requests


@contextmanager
def bare(shop: Shop, *, threads: int | None = None) -> Iterator[str]:
    """The address of the bare server, which reads from the running shop's own Valkey."""
    url = f"unix://{shop.home / SOCKET_NAME}"
    with connect(url) as client:
        client.set(KEY, "x" * 2048)
    port = free_port()
    words = [str(port), str(WORKERS), str(threads or Settings().threads)]
    variables = {"BARE_REDIS_URL": url, "BARE_KEY": KEY, "BARE_FILE": str(shop.home / "bare.db")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.bare_server", *words],
        env={**shop.environment, **variables},
    ) as process:
        server = Server(f"http://127.0.0.1:{port}", process)
        try:
            server.wait()
            yield server.url
        finally:
            stop(process)
