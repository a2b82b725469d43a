"""Clients that ask without pause over kept-alive connections, and count what failed."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.waiting import PATIENCE_SECONDS


@dataclass
class Asked:
    """What came of the requests so far."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    retried: int = 0
    connections: int = 0


@contextmanager
def steady_clients(
    port: int, paths: list[str], *, clients: int, retries: int = 0
) -> Iterator[Asked]:
    """Clients at work inside; each goes through the paths again and again.

    A connection that the server said it would close is opened anew, which is no failure. One that
    breaks is, after so many `retries` of the request on a new connection.
    """
    asked, stop, lock = Asked(), threading.Event(), threading.Lock()

    def run(offset: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        number = offset
        while not stop.is_set():
            path = paths[number % len(paths)]
            number += 1
            for attempt in range(retries + 1):
                with lock:
                    asked.connections += connection.sock is None
                try:
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException) as error:
                    connection.close()
                    with lock:
                        if attempt == retries:
                            asked.failures.append(f"{path}: {error!r}")
                        else:
                            asked.retried += 1
                    continue
                with lock:
                    asked.answered += 1
                    if answer.status != 200:
                        asked.failures.append(f"{path}: {answer.status}")
                break
        connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for each in threads:
        each.start()
    try:
        yield asked
    finally:
        stop.set()
        for each in threads:
            each.join()
