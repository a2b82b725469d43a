"""A bounded load on a server: some processes, a kept-alive connection each."""

from __future__ import annotations

import http.client
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import TypeAlias

import numpy as np

CONNECTIONS = 8
TIMEOUT_SECONDS = 30
_MARK = b'"served_by":"cache"'


@dataclass(frozen=True)
class Ask:
    """One request."""

    path: str
    body: bytes | None = None


@dataclass(frozen=True)
class Load:
    """What came of a load; every request was answered with 200, or it would not be here."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    from_cache: float


# Begin, end, milliseconds of each request, how many answers came from the cache.
_Part: TypeAlias = tuple[float, float, list[float], int]


def load(port: int, asks: Sequence[Ask]) -> Load:
    """Send the requests over CONNECTIONS connections at once, each one after another.

    Raises SystemExit when any is not answered with 200.
    """
    # Forked: a new interpreter each would cost seconds, and there are no threads here.
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(CONNECTIONS)
    receiver, sender = context.Pipe(duplex=False)
    lock = context.Lock()

    def run(own: Sequence[Ask]) -> None:
        try:
            part: _Part | str = _send(port, own, barrier)
        except (OSError, http.client.HTTPException, RuntimeError) as error:
            barrier.abort()
            part = repr(error)
        with lock:
            sender.send(part)

    processes = [
        context.Process(target=run, args=(asks[n::CONNECTIONS],)) for n in range(CONNECTIONS)
    ]
    for each in processes:
        each.start()
    parts = [receiver.recv() for _ in processes]
    for each in processes:
        each.join()
    failed = [part for part in parts if isinstance(part, str)]
    if failed:
        raise SystemExit(f"the load broke off: {failed[0]}")
    return _summary(parts)


def _send(port: int, asks: Sequence[Ask], barrier: Barrier) -> _Part:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    connection.connect()
    barrier.wait(TIMEOUT_SECONDS)
    taken: list[float] = []
    cached = 0
    began = time.perf_counter()
    for ask in asks:
        sent = time.perf_counter()
        method = "GET" if ask.body is None else "POST"
        connection.request(method, ask.path, ask.body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        taken.append(1000 * (time.perf_counter() - sent))
        if answer.status != 200:
            raise RuntimeError(f"{ask.path}: {answer.status} {body[:200]!r}")
        cached += _MARK in body
    ended = time.perf_counter()
    connection.close()
    return began, ended, taken, cached


def _summary(parts: Sequence[_Part]) -> Load:
    begun, ended, taken, cached = zip(*parts, strict=True)
    times = np.concatenate(taken)
    return Load(
        requests=len(times),
        per_second=len(times) / (max(ended) - min(begun)),
        p50_ms=float(np.percentile(times, 50)),
        p99_ms=float(np.percentile(times, 99)),
        from_cache=sum(cached) / len(times),
    )
