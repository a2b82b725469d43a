"""Asking Redis on a connection that the thread holds."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from engine.store.embedded_valkey import start_valkey
from engine.store.held_connection import HeldConnections, packed
from engine.store.redis_cache import connect

SECONDS = 0.1


@pytest.fixture
def held(valkey_url: str) -> Iterator[HeldConnections]:
    client = connect(valkey_url)
    client.flushdb()
    made = HeldConnections(client)
    yield made
    made.close()
    client.close()


def test_replies_come_in_the_order_of_the_commands(held: HeldConnections):
    asked = packed("SET", "a", "é\r\n") + packed("GET", "a") + packed("GET", "none")

    assert held.ask(asked, replies=3) == [b"OK", "é\r\n".encode(), None]


def test_a_reply_of_many_pieces_is_put_together(held: HeldConnections):
    long = "x" * 3_000_000

    assert held.ask(packed("SET", "long", long) + packed("GET", "long"), replies=2)[1] == (
        long.encode()
    )


def test_an_error_is_raised_and_the_next_question_is_answered(held: HeldConnections):
    with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
        held.ask(packed("GET") + packed("PING"), replies=2)

    assert held.ask(packed("PING"), replies=1) == [b"PONG"]


def test_every_thread_has_its_own_connection(held: HeldConnections):
    told: list[bytes] = []

    def ask() -> None:
        for _ in range(3):
            told.extend(held.ask(packed("CLIENT", "ID"), replies=1))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(told) == 12
    assert len(set(told)) == 4


def test_a_connection_that_was_closed_meanwhile_is_made_anew(held: HeldConnections):
    held.ask(packed("PING"), replies=1)
    held.close()

    assert held.ask(packed("PING"), replies=1) == [b"PONG"]


def test_a_server_that_came_back_is_asked_again(tmp_path: Path):
    with start_valkey(tmp_path) as server, closing(connect(server.url)) as client:
        held = HeldConnections(client)
        held.ask(packed("PING"), replies=1)
    with start_valkey(tmp_path) as again, closing(client):
        assert again.url == server.url
        assert held.ask(packed("PING"), replies=1) == [b"PONG"]
        held.close()


@pytest.mark.parametrize("said", [b"", b"$10\r\nhalf"], ids=["silent", "half an answer"])
def test_who_does_not_answer_in_full_is_not_waited_for(tmp_path: Path, said: bytes):
    path = tmp_path / "slow.sock"
    url = f"unix://{path}"
    with speaking(path, said), closing(connect(url, answer_seconds=SECONDS)) as client:
        held = HeldConnections(client)
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            held.ask(packed("GET", "a"), replies=1)

        assert SECONDS * 0.9 <= time.monotonic() - began < SECONDS * 50
        held.close()


@contextmanager
def speaking(path: Path, said: bytes) -> Iterator[None]:
    """A server that introduces itself, and then answers every question with the same bytes."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=_speak, args=(listener, said))
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _speak(listener: socket.socket, said: bytes) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    with connection:
        while received := connection.recv(65_536):
            connection.sendall(said if b"GET" in received else b"+OK\r\n" * received.count(b"*"))
