"""Readiness beside parts that take a connection and then say nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.app import create_app
from api.wiring import connected
from engine.settings import Settings


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are taken and nothing is ever answered."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(256)
        yield listening.getsockname()[1]


def test_a_storm_of_probes_beside_silent_parts_is_answered_at_once(
    silent_port: int, tmp_path: Path
):
    settings = Settings(
        home=tmp_path,
        database_url=f"postgresql://me:secret@127.0.0.1:{silent_port}/shop",
        redis_url=f"redis://127.0.0.1:{silent_port}/0",
    )
    services = connected(settings)
    app = create_app(services)

    def ask(_: int) -> tuple[int, dict[str, str]]:
        answer = app.test_client().get("/readyz")
        return answer.status_code, answer.json["parts"]

    began = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(200)))
    took = time.monotonic() - began
    again = ask(0)
    services.close()

    # Two parts may each be waited for half a second, once, by whoever asks first.
    # If everyone did, it would take eight at a time 25 seconds.
    assert took < 12
    for status, parts in (*answers, again):
        assert status == 503
        assert parts["database"] == parts["cache"] == "unavailable"
