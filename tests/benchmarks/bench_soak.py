"""Lists and purchases together, with models published meanwhile; then hours at half the peak.

    python -m tests.benchmarks.bench_soak [--small] [--minutes 10]

Ninety-five lists to five purchases over 32 connections. First as fast as it goes, a model published
every second; then at about half that rate, looking at every process's memory and open files.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from engine.store.model_store import ModelStore
from tests.benchmarks.report import machine, show, table
from tests.benchmarks.serving_shop import FULL, SMALL, WORKERS, Plan, a_secret_key, a_synthetic_shop
from tests.benchmarks.wrk_load import Load, load
from tests.shop import Shop, children

CONNECTIONS = 32
PUBLISH_SECONDS = 1.0
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


def soak(shop: Shop, plan: Plan, *, minutes: float) -> tuple[Load, int, Load, list[Process]]:
    """The peak with publishes, how many there were, the long load, and the processes during it."""
    words = {"api_key": a_secret_key(shop), "customers": plan.size.customers}
    with shop.serving(workers=WORKERS) as server:
        with Publishing(ModelStore(shop.home / "models")) as publishes:
            peak = load(server.url, "mixed.lua", seconds=plan.seconds, run="peak", **words)
        pause = max(round(2000 * CONNECTIONS / peak.per_second - peak.p50_ms), 1)
        pids = (server.process.pid, *children(server.process.pid))
        seen = {pid: Process(command(pid)) for pid in pids}
        stop = threading.Event()
        watch = threading.Thread(target=look, args=(seen, stop, 60 * minutes / LOOKS))
        watch.start()
        words |= {"seconds": 60 * minutes, "run": "long", "pause_ms": pause}
        long = load(server.url, "mixed.lua", **words)
        stop.set()
        watch.join()
    return peak, publishes[0], long, list(seen.values())


class Publishing:
    """Publishes one version after the other in the background, every second; counts them."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._stop = threading.Event()
        self._count = [0]
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> list[int]:
        self._thread.start()
        return self._count

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        versions = self._store.versions()
        while not self._stop.wait(PUBLISH_SECONDS):
            self._store.publish(versions[self._count[0] % len(versions)])
            self._count[0] += 1


def look(seen: dict[int, Process], stop: threading.Event, seconds: float) -> None:
    """Look at every process again and again."""
    while not stop.wait(seconds):
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
        peak, publishes, long, processes = soak(shop, plan, minutes=minutes)
    taken = time.monotonic() - began
    show(f"\n{publishes} publishes in the first {plan.seconds:.0f} s; {taken:.0f} s in all\n")
    headings = ["95 lists to 5 purchases", "per second", "p50 ms", "p99 ms", "longest ms", "errors"]
    named = [("as fast as it goes", peak), (f"{minutes:g} minutes at half of it", long)]
    show(table(headings, [_rates(name, got) for name, got in named]))
    show("")
    headings = ["process", "MB at first", "MB at last", "growth", "files at first", "at last"]
    show(table(headings, [_row(each) for each in processes if each.memory]))


def _rates(name: str, got: Load) -> list[str]:
    times = (f"{each:.2f}" for each in (got.p50_ms, got.p99_ms, got.max_ms))
    # Any request that failed would have ended the load.
    return [name, f"{got.per_second:,.0f}", *times, "0"]


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
