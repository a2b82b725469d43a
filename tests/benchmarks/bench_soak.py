"""Lists and purchases together, with models published meanwhile; then hours at half the peak.

    python -m tests.benchmarks.bench_soak [--small] [--minutes 10]

Ninety-five lists to five purchases over 32 connections, every list computed before. As fast as it
goes; the same with another model published every second, which makes every list anew; then for long
at about half the first rate, with a publish now and then, looking at every process's memory and
open files.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path

from engine.store.model_store import ModelStore
from tests.benchmarks.report import machine, show, table
from tests.benchmarks.serving_shop import (
    FULL,
    SMALL,
    WORKERS,
    Plan,
    a_secret_key,
    a_synthetic_shop,
    ask_for_every_list,
)
from tests.benchmarks.wrk_load import Load, load
from tests.shop import Shop, children

CONNECTIONS = 32
PUBLISH_SECONDS = 1.0
# Looks, and publishes, during the long load.
LOOKS = 20
# Until caches, pools and allocators have what they need.
SETTLING_SHARE = 0.2


@dataclass
class Process:
    """Proportional memory in MB and open files of a process, look by look."""

    command: str
    memory: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def note(self, pid: int) -> None:
        """Look once more."""
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        (pss,) = (line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))
        self.memory.append(int(pss) / 1024)
        self.files.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))


@dataclass(frozen=True)
class Found:
    """The loads alone and with publishes, the long one, and the processes during that."""

    alone: Load
    publishing: Load
    long: Load
    processes: list[Process]


def soak(shop: Shop, plan: Plan, *, minutes: float) -> Found:
    """Every load, one after the other."""
    key, store = a_secret_key(shop), ModelStore(shop.home / "models")
    # Whoever is refused in one of many minutes is told of at the end.
    words = {"api_key": key, "customers": plan.size.customers, "strict": False}
    with shop.serving(workers=WORKERS) as server:
        ask_for_every_list(server.url, plan, key)
        alone = load(server.url, "mixed.lua", seconds=plan.seconds, run="alone", **words)
        with publishing(store, every=PUBLISH_SECONDS):
            anew = load(server.url, "mixed.lua", seconds=plan.seconds, run="anew", **words)
        pause = max(round(2000 * CONNECTIONS / alone.per_second - alone.p50_ms), 1)
        pids = (server.process.pid, *children(server.process.pid))
        seen = {pid: Process(command(pid)) for pid in pids}
        every = 60 * minutes / LOOKS
        with publishing(store, every=every), repeated(partial(look, seen), every=every):
            words |= {"seconds": 60 * minutes, "run": "long", "pause_ms": pause}
            long = load(server.url, "mixed.lua", **words)
    return Found(alone, anew, long, list(seen.values()))


@contextmanager
def publishing(store: ModelStore, *, every: float) -> Iterator[None]:
    """Publish one version after the other meanwhile."""
    versions = cycle(store.versions())
    with repeated(lambda: store.publish(next(versions)), every=every):
        yield


@contextmanager
def repeated(work: Callable[[], object], *, every: float) -> Iterator[None]:
    """Do it again and again meanwhile, in a thread of its own."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(every):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def look(seen: dict[int, Process]) -> None:
    """Look at every process once more."""
    for pid, process in seen.items():
        process.note(pid)


def command(pid: int) -> str:
    """What a process is, in a few words."""
    words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
    return " ".join(Path(word).name for word in words[:3])


def growth(values: list[float] | list[int]) -> str:
    """From the settled beginning to the end, in percent."""
    first = int(SETTLING_SHARE * len(values))
    early, late = values[first], values[-1]
    return f"{100 * (late - early) / early:+.1f} %"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="A few seconds, to see that it works.")
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    plan, minutes = (SMALL, 0.1) if asked.small else (FULL, asked.minutes)
    show(machine())
    with tempfile.TemporaryDirectory() as folder:
        shop = a_synthetic_shop(Path(folder) / "home", plan)
        shop.run("train", "--config", shop.home / "train.toml")
        began = time.monotonic()
        found = soak(shop, plan, minutes=minutes)
    show(f"\n{time.monotonic() - began:.0f} s in all\n")
    headings = ["95 lists to 5 purchases", "per second", "p50 ms", "p99 ms", "longest ms"]
    headings += ["refused", "broken off"]
    named = [
        ("as fast as it goes", found.alone),
        ("another model every second", found.publishing),
        (f"{minutes:g} minutes at half the first", found.long),
    ]
    show(table(headings, [_rates(name, got) for name, got in named]))
    show("")
    headings = ["process", "MB at first", "MB at last", "growth", "files at first", "at last"]
    show(table(headings, [_row(each) for each in found.processes if each.memory]))


def _rates(name: str, got: Load) -> list[str]:
    times = (f"{each:.2f}" for each in (got.p50_ms, got.p99_ms, got.max_ms))
    return [name, f"{got.per_second:,.0f}", *times, str(got.failed), str(got.broken)]


def _row(process: Process) -> list[str]:
    first = int(SETTLING_SHARE * len(process.memory))
    memory, files = process.memory, process.files
    return [
        process.command,
        f"{memory[first]:.1f}",
        f"{memory[-1]:.1f}",
        growth(memory),
        str(files[first]),
        str(files[-1]),
    ]


if __name__ == "__main__":
    main()
