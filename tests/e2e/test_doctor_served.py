"""`regulars doctor` beside a server that runs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.shop import Shop, a_trained_shop, children


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return a_trained_shop(tmp_path_factory.mktemp("examined") / "home")


def _severities(output: str) -> dict[str, str]:
    return {line[9:24].strip(): line[:8].strip() for line in output.splitlines()[:-1]}


def test_a_server_that_runs_well_is_found_by_its_home_and_by_its_url(shop: Shop) -> None:
    shop.home.chmod(0o700)
    with shop.serving() as server:
        found = shop.done("doctor")
        by_url = shop.done("doctor", "--url", server.url)

    assert set(_severities(found).values()) == {"ok"}
    assert "2 at port" in found
    assert f"{server.url} is ready: database, cache, model, keys, disk ok" in found
    assert "Valkey" in found
    assert f"{server.url} is ready" in by_url
    assert _severities(by_url)["server model"] == "ok"


def test_a_server_with_keys_is_asked_with_one(shop: Shop, tmp_path: Path) -> None:
    key = shop.done("keys", "create", "--kind", "secret").strip()
    with shop.serving():
        without = shop.done("doctor")
        given = shop.done("doctor", "--key", key)

    assert _severities(without)["server model"] == "warning"
    assert _severities(given)["server model"] == "ok"
    assert key not in given


def test_a_server_that_is_stuck_is_broken(shop: Shop) -> None:
    with shop.serving() as server:
        stuck = [server.process.pid, *children(server.process.pid)]
        for pid in stuck:
            os.kill(pid, signal.SIGSTOP)
        result = shop.run("doctor")
        for pid in stuck:
            os.kill(pid, signal.SIGCONT)

    assert result.returncode == 1
    assert result.stderr == ""
    severities = _severities(result.stdout)
    assert severities["server"] == severities["cache"] == "broken"
