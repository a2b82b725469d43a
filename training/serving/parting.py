"""How a worker parts from its clients: no new connections, and the last answer on each says so."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol, TypeAlias

StartResponse: TypeAlias = Callable[..., Any]
_DESCRIPTORS = Path("/dev/fd")


class Application(Protocol):
    """A WSGI application."""

    def __call__(
        self, environ: dict[str, Any], start_response: StartResponse, /
    ) -> Iterable[bytes]: ...


class Attended:
    """An application whose answers in the making are known, and which can part from clients."""

    def __init__(
        self, application: Application, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._application = application
        self._clock = clock
        self._began: dict[int, float] = {}
        self._parting = False

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer."""
        thread = threading.get_ident()
        self._began[thread] = self._clock()
        try:
            start = _last(start_response) if self._parting else start_response
            return self._application(environ, start)
        finally:
            del self._began[thread]

    def part(self) -> None:
        """From now on tell every client with its answer that the connection ends with it."""
        self._parting = True

    def busy_longer_than(self, seconds: float) -> int:
        """How many threads have been making one and the same answer for longer."""
        before = self._clock() - seconds
        return sum(began < before for began in tuple(self._began.values()))


def _last(start_response: StartResponse) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *rest: object) -> object:
        return start_response(status, [*headers, ("Connection", "close")], *rest)

    return start


def step_back(listener: int) -> None:
    """Accept no more connections in this process; other processes go on with the same listener.

    The server has no word for that, and closes what it accepted last when it is told to end. So
    each of its descriptors of the listener is exchanged for a socket that nobody knows: asked for
    a connection, it has none.
    """
    own = os.fstat(listener)
    with socket.socket() as unknown:
        unknown.setblocking(False)
        unknown.bind(("127.0.0.1", 0))
        unknown.listen(1)
        for descriptor in [int(each.name) for each in _DESCRIPTORS.iterdir()]:
            if descriptor != listener and _is_same(descriptor, own):
                os.dup2(unknown.fileno(), descriptor, inheritable=False)
        os.dup2(unknown.fileno(), listener, inheritable=False)


def _is_same(descriptor: int, own: os.stat_result) -> bool:
    try:
        found = os.fstat(descriptor)
    except OSError:
        # The descriptor of the folder itself is in the list, and is closed by now.
        return False
    return (found.st_dev, found.st_ino, found.st_mode) == (own.st_dev, own.st_ino, own.st_mode)
