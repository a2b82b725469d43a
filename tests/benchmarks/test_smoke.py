"""Every benchmark runs and prints its table; what it says of time is nobody's promise."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.benchmarks.wrk_load import has_wrk

NEEDS_WRK = pytest.mark.skipif(not has_wrk(), reason="it needs wrk: apt-get install wrk")


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "bench_customer_model",
            ["four value models", "all features", "bare SQLite", "event into"],
        ),
        ("bench_factors", ["fitted, best 10", "random, best 100", "fold-in"]),
        ("bench_ingest", ["DuckDB read_csv", "regulars ingest"]),
        ("bench_recommend", ["home, ranked", "discover, with reasons", "20 customers, implicit"]),
        ("bench_scale", ["400 ", "step, 400 customers"]),
        ("bench_segment", ["Segment, Python", "RudderStack, Node"]),
        ("bench_size", ["SQLite: log", "PostgreSQL: customers", "cache: a customer", "2 workers"]),
        pytest.param("bench_serving", ["bare Flask", "cached list", "every list"], marks=NEEDS_WRK),
        pytest.param("bench_cold", ["computed, each", "the first of"], marks=NEEDS_WRK),
        pytest.param("bench_peer_serving", ["LibRecommender", "Regulars"], marks=NEEDS_WRK),
        pytest.param("bench_events", ["SQLite", "PostgreSQL"], marks=NEEDS_WRK),
        pytest.param("bench_soak", ["as fast as it goes", "valkey-server"], marks=NEEDS_WRK),
    ],
)
def test_a_benchmark_prints_its_table(name: str, rows: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{name}", "--small"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "cores" in lines[0]
    for row in rows:
        assert any(line.startswith(f"| {row}") for line in lines)
