"""Workers under their supervisor: real processes, stopped, killed and replaced."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from engine.errors import SettingsError, StoreUnavailable
from tests.shop import alive, free_port
from tests.steady_clients import steady_clients
from tests.waiting import comes_true
from training.serving.listeners import Listeners
from training.serving.supervisor import Limits, Supervisor

ROOT = Path(__file__).parents[2]


class Served:
    """A supervisor at work in a thread of its own."""

    def __init__(self, *, workers: int = 2, limits: Limits | None = None, **variables: str) -> None:
        self.port = free_port()
        self.supervisor = Supervisor(
            "tests.small_app:create",
            Listeners.open("127.0.0.1", self.port, count=workers),
            workers=workers,
            threads=2,
            limits=limits or Limits(),
            environment=environment(**variables),
        )
        self._stop = threading.Event()
        self._asked: list[Callable[[], None]] = []
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        def each_turn() -> None:
            while self._asked:
                self._asked.pop(0)()

        try:
            self.supervisor.run(self._stop.is_set, each_turn)
        except StoreUnavailable as error:
            self.failure = error

    def reload(self, **variables: str) -> None:
        """Replace all workers and wait for it."""
        began = threading.Event()

        def begin() -> None:
            self.supervisor.replace_all(environment(**variables))
            began.set()

        self._asked.append(begin)
        assert began.wait(5)
        assert comes_true(lambda: not self.supervisor.replacing)

    def ask(self, path: str = "/") -> tuple[int, str]:
        """The process that answered, and its word."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with closing(connection):
            connection.request("GET", path)
            said = connection.getresponse().read().decode().split(" ")
        return int(said[0]), said[1]

    def stop(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join()

    def ended(self) -> bool:
        """Whether it gave up or was stopped."""
        return not self._thread.is_alive()


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **variables}


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(**options: object) -> Served:
        started.append(Served(**options))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def test_connections_are_dealt_to_all_workers(serve: Callable[..., Served]):
    served = serve(workers=2)
    # One that came before any worker may wait for the second, while all others go to the first.
    assert comes_true(lambda: len(_settled(_shares(served, 20))) == 2)

    shares = _shares(served, 100)

    assert set(shares) == set(served.supervisor.pids)
    # One in a hundred thousand runs is further from half than 22.
    assert min(shares.values()) >= 28


def _shares(served: Served, asked: int) -> Counter[int]:
    return Counter(served.ask()[0] for _ in range(asked))


def _settled(shares: Counter[int]) -> list[int]:
    return [pid for pid, share in shares.items() if share > 4]


def test_stopping_finishes_what_is_under_way_and_leaves_no_process(
    serve: Callable[..., Served],
):
    served = serve()
    served.ask()
    answers: list[tuple[int, str]] = []
    slow = threading.Thread(target=lambda: answers.append(served.ask("/?seconds=2")))
    slow.start()
    time.sleep(0.6)
    workers = served.supervisor.pids

    served.stop()

    slow.join()
    assert answers[0][0] in workers
    assert not [pid for pid in workers if alive(pid)]
    with pytest.raises(ConnectionRefusedError):
        served.ask()


def test_a_client_that_left_before_its_answer_makes_stopping_no_fault(
    serve: Callable[..., Served], capfd: pytest.CaptureFixture[str]
):
    served = serve(workers=1)
    served.ask()
    with socket.create_connection(("127.0.0.1", served.port)) as left:
        left.sendall(b"GET /?work=3 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)

    served.stop()

    assert "panicked" not in capfd.readouterr().err


def test_reloading_under_load_fails_no_request_and_brings_the_new_settings(
    serve: Callable[..., Served],
):
    served = serve(SMALL_APP_WORD="v0")
    served.ask()

    with steady_clients(served.port, ["/", "/?seconds=0.02"], clients=8) as asked:
        for number in range(1, 4):
            before = set(served.supervisor.pids)
            served.reload(SMALL_APP_WORD=f"v{number}")
            assert before.isdisjoint(served.supervisor.pids)
            assert {served.ask()[1] for _ in range(10)} == {f"v{number}"}
        assert comes_true(lambda: asked.answered > 300)

    assert asked.failures == []
    # Each of 8 clients was bidden farewell once a reload or so, and not with every answer.
    assert asked.connections < asked.answered / 2


def test_clients_who_try_again_once_notice_no_killed_worker(serve: Callable[..., Served]):
    served = serve()
    served.ask()

    with steady_clients(served.port, ["/"], clients=8, retries=1) as asked:
        for _ in range(5):
            time.sleep(1)
            os.kill(served.supervisor.pids[0], signal.SIGKILL)

    assert asked.failures == []
    assert asked.retried > 0
    assert comes_true(lambda: len(served.supervisor.pids) == 2)


def test_all_workers_killed_at_once_keep_nobody_from_an_answer(serve: Callable[..., Served]):
    served = serve()
    served.ask()

    for pid in served.supervisor.pids:
        os.kill(pid, signal.SIGKILL)

    # The connection waits for the next worker; nobody is refused.
    assert served.ask()[0] in served.supervisor.pids


def test_a_worker_that_says_nothing_any_more_is_replaced(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.serving.supervisor.SILENT_SECONDS", 2.5)
    served = serve()
    served.ask()
    frozen = served.supervisor.pids[0]

    os.kill(frozen, signal.SIGSTOP)

    assert comes_true(lambda: not alive(frozen))
    assert comes_true(lambda: len(served.supervisor.pids) == 2)


def test_one_whose_threads_are_all_stuck_is_replaced(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.serving.supervisor.SILENT_SECONDS", 2.5)
    served = serve(workers=1, limits=Limits(stuck=1.0))
    stuck, _ = served.ask()
    vain = [threading.Thread(target=_ask_in_vain, args=(served,)) for _ in range(2)]
    for each in vain:
        each.start()

    assert comes_true(lambda: not alive(stuck))
    assert served.ask()[0] != stuck
    for each in vain:
        each.join()


def test_one_slow_answer_is_no_reason_to_be_replaced(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.serving.supervisor.SILENT_SECONDS", 2.5)
    served = serve(workers=1, limits=Limits(stuck=1.0))
    served.ask()

    assert served.ask("/?seconds=5")[0] in served.supervisor.pids


def _ask_in_vain(served: Served) -> None:
    with suppress(OSError, http.client.HTTPException):
        served.ask("/?seconds=60")


def test_a_worker_is_replaced_when_its_time_is_over(serve: Callable[..., Served]):
    served = serve(limits=Limits(lifetime=2.0))
    served.ask()
    first = set(served.supervisor.pids)

    with steady_clients(served.port, ["/"], clients=4) as asked:
        assert comes_true(lambda: first.isdisjoint(served.supervisor.pids))

    assert asked.failures == []


def test_a_worker_is_replaced_when_it_has_grown_too_large(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("training.serving.supervisor.MEMORY_INTERVAL", 0.5)
    served = serve(workers=1, limits=Limits(memory=300_000_000))
    first, _ = served.ask()
    time.sleep(1.5)
    assert served.supervisor.pids == [first], "it is small"

    served.ask("/?keep=400")

    assert comes_true(lambda: first not in served.supervisor.pids)


def test_a_reload_that_cannot_start_leaves_what_served(serve: Callable[..., Served]):
    served = serve(SMALL_APP_WORD="good")
    served.ask()
    before = served.supervisor.pids

    served.reload(SMALL_APP_BROKEN="1")

    assert "ended before it served" in served.supervisor.refusal
    assert served.supervisor.pids == before
    # And one that dies is started as it was.
    os.kill(before[0], signal.SIGKILL)
    assert comes_true(lambda: before[0] not in served.supervisor.pids)
    assert {served.ask()[1] for _ in range(10)} == {"good"}


def test_workers_that_never_served_are_not_tried_for_ever(serve: Callable[..., Served]):
    served = serve(SMALL_APP_BROKEN="1")

    assert comes_true(served.ended)
    assert "ended before it served" in str(served.failure)
    assert served.supervisor.pids == []


def test_a_port_that_is_taken_is_refused_by_name():
    with Listening() as port, pytest.raises(SettingsError, match=f"port {port} of 127.0.0.1"):
        Listeners.open("127.0.0.1", port, count=2)


def test_an_answer_does_not_wait_for_its_client_to_acknowledge_half_of_it():
    port = free_port()
    listeners = Listeners.open("127.0.0.1", port, count=1)
    own = socket.socket(fileno=os.dup(listeners.descriptor(0)))
    own.setblocking(True)

    with own, socket.create_connection(("127.0.0.1", port)):
        accepted, _ = own.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    listeners.close()


class Listening:
    """Somebody else's port."""

    def __enter__(self) -> int:
        self._listeners = Listeners.open("127.0.0.1", port := free_port(), count=1)
        return port

    def __exit__(self, *_: object) -> None:
        self._listeners.close()
