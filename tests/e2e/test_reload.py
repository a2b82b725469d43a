"""`regulars reload` and killed workers, under load, with everything real."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.shop import Server, Shop, a_trained_shop, children
from tests.steady_clients import steady_clients
from tests.waiting import comes_true

CUSTOMERS = [f"c{number:03d}" for number in range(7)]
PATHS = [f"/v1/customers/{each}/recommendations" for each in CUSTOMERS]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    home = tmp_path_factory.mktemp("reloaded")
    return a_trained_shop(home, REGULARS_CONFIG=str(_config(home, "")))


def _config(home: Path, text: str) -> Path:
    path = home / "shop.toml"
    path.write_text(text)
    return path


def _pinned(item: str) -> str:
    return f'[[control.pins]]\nplace = 1\nitem_id = "{item}"\n'


def _workers(server: Server) -> set[int]:
    commands = {
        pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in children(server.process.pid)
    }
    return {pid for pid, command in commands.items() if "serving.worker" in command}


def test_reloads_under_load_fail_no_request_and_bring_new_settings(shop: Shop) -> None:
    with shop.serving() as server:
        worst = server.items("c001")[-1]
        with steady_clients(urlsplit(server.url).port or 0, PATHS, clients=6) as asked:
            for text in (_pinned(worst), "", _pinned(worst)):
                before = _workers(server)
                _config(shop.home, text)
                assert "was reloaded" in shop.done("reload")
                assert before.isdisjoint(_workers(server))
            assert comes_true(lambda: asked.answered > 300)
        first = server.items("c001")[0]

    assert asked.failures == []
    assert first == worst, "the pin of the file as it is now"
    assert list((shop.home / "serving").iterdir()) == []


def test_a_reload_with_wrong_settings_is_refused_and_changes_nothing(shop: Shop) -> None:
    _config(shop.home, "")
    with shop.serving() as server:
        workers = _workers(server)
        _config(shop.home, "cooldown = 'soon'")
        # Found by the server, whoever asks.
        server.process.send_signal(signal.SIGHUP)
        assert comes_true(lambda: "not reloaded" in (shop.home / "server.log").read_text())
        _config(shop.home, "")

        assert _workers(server) == workers
        assert len(server.items("c001")) == 10


def test_a_reload_without_a_server_says_so(shop: Shop) -> None:
    _config(shop.home, "")
    refused = shop.run("reload")

    assert refused.returncode == 1
    assert "nobody serves" in refused.stderr


def test_clients_who_try_again_once_notice_no_killed_worker(shop: Shop) -> None:
    _config(shop.home, "")
    with shop.serving() as server:
        port = urlsplit(server.url).port or 0
        with steady_clients(port, PATHS, clients=6, retries=1) as asked:
            for _ in range(6):
                time.sleep(1)
                if workers := _workers(server):
                    os.kill(min(workers), signal.SIGKILL)

        assert asked.failures == []
        assert asked.retried > 0
        assert server.process.poll() is None


def test_a_second_server_at_a_port_is_refused(shop: Shop) -> None:
    _config(shop.home, "")
    with shop.serving() as server:
        port = str(urlsplit(server.url).port)

        refused = shop.run("serve", "--port", port)

    assert refused.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be listened on" in refused.stderr
