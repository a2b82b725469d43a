"""Fixtures of a real Valkey server, one for the whole test session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from engine.store.embedded_valkey import start_valkey
from engine.store.redis_cache import connect


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that keeps what earlier tests wrote.

    REGULARS_TEST_REDIS_URL names one to be used, and emptied, instead of the embedded Valkey.
    """
    if url := os.environ.get("REGULARS_TEST_REDIS_URL"):
        yield url
        return
    with start_valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture
def valkey_url(valkey_server: str) -> str:
    """The URL of a server that holds nothing."""
    with connect(valkey_server, answer_seconds=10) as client:
        client.flushall()
    return valkey_server
