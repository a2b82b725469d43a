"""A load by wrk, a client in C: on a machine of two cores one in Python would be what is measured.

It is in Debian's packages: `apt-get install wrk`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

SCRIPTS = Path(__file__).with_name("wrk")
PATIENCE_SECONDS = 60


class Load(msgspec.Struct, frozen=True):
    """What came of a load; `failed` were answered with an error, `broken` not at all."""

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    failed: int
    broken: int

    @property
    def per_second(self) -> float:
        """Requests answered a second."""
        return self.requests / self.seconds


def has_wrk() -> bool:
    """Whether wrk is here."""
    return shutil.which("wrk") is not None


def load(
    url: str,
    script: str,
    *,
    connections: int = 32,
    seconds: float = 10,
    strict: bool = True,
    **words: object,
) -> Load:
    """The load of a script in `wrk/`; `words` are its settings, without their BENCH_.

    Raises SystemExit where wrk is missing, or, if `strict`, when a request was refused or broke
    off.
    """
    if not has_wrk():
        raise SystemExit("this benchmark needs wrk: apt-get install wrk")
    environment = {
        **os.environ,
        "BENCH_SCRIPTS": str(SCRIPTS),
        **{f"BENCH_{name.upper()}": str(value) for name, value in words.items()},
    }
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--timeout", f"{PATIENCE_SECONDS}s"]
    command += ["--duration", f"{max(round(seconds), 1)}s", "--script", str(SCRIPTS / script), url]
    told = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + PATIENCE_SECONDS,
    )
    found = msgspec.json.decode(told.stdout.strip().splitlines()[-1], type=Load)
    if strict and (found.failed or found.broken):
        raise SystemExit(f"{found.failed} requests were refused, {found.broken} broke off")
    return found
