"""Shoppers and a checkout that go on while something breaks, and what became of each request."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.waiting import PATIENCE_SECONDS

# A connection that breaks off is opened again and the request sent once more, as every load
# balancer and client library does for what may be sent twice.
TRIES = 20
PAUSE_SECONDS = 0.02


@dataclass
class Seen:
    """What the shoppers and the checkout saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    served_by: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str | None] = field(default_factory=Counter)
    # When it was asked, in seconds since the load began, and how long it took.
    times: list[tuple[float, float]] = field(default_factory=list)
    broken_off: int = 0
    acknowledged: list[str] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def percentile(self, share: float, *, after: float = 0.0, before: float = 1e9) -> float:
        """The time that this share of the lists took at most, in ms, of those asked in a span."""
        taken = sorted(took for at, took in self.times if after <= at < before)
        return 1000 * taken[min(int(share * len(taken)), len(taken) - 1)]


class Client:
    """One shopper's connection."""

    def __init__(self, url: str, seen: Seen) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname or "", parts.port or 0)
        self._seen = seen
        self._connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body; a request whose connection broke off is sent again."""
        for _ in range(TRIES):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(
                        *self._place, timeout=PATIENCE_SECONDS
                    )
                headers = {"Content-Type": "application/json"}
                self._connection.request(method, path, body, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.close()
                with self._seen.lock:
                    self._seen.broken_off += 1
                time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"{method} {path} was never answered")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def load(
    url: str, *, customers: list[str], items: list[str], shoppers: int = 3, buyers: int = 2
) -> Iterator[Seen]:
    """Shoppers who ask for lists and buyers who post purchases, until the block ends."""
    seen, stop, began = Seen(), threading.Event(), time.monotonic()

    def shop(number: int) -> None:
        rng, client = random.Random(number), Client(url, seen)
        while not stop.is_set():
            customer = rng.choice(customers)
            limit = rng.choice((3, 5))
            asked = time.monotonic()
            status, body = client.call(
                "GET", f"/v1/customers/{customer}/recommendations?limit={limit}"
            )
            _note(seen, asked - began, time.monotonic() - asked, (status, body), customer)
        client.close()

    def buy(number: int) -> None:
        rng, client, count = random.Random(100 + number), Client(url, seen), 0
        while not stop.is_set():
            count += 1
            name = f"buy-{number}-{count}"
            status, body = client.call("POST", "/v1/events", _purchase(name, rng, customers, items))
            with seen.lock:
                if status == 200:
                    seen.acknowledged.append(name)
                else:
                    seen.refused[status] += 1
                if status not in (200, 503):
                    seen.wrong.append(f"{name}: {status} {body[:200]!r}")
            time.sleep(0.002)
        client.close()

    threads = [
        *(threading.Thread(target=shop, args=(number,)) for number in range(shoppers)),
        *(threading.Thread(target=buy, args=(number,)) for number in range(buyers)),
    ]
    for each in threads:
        each.start()
    try:
        yield seen
    finally:
        stop.set()
        for each in threads:
            each.join()


def _note(seen: Seen, at: float, took: float, answer: tuple[int, bytes], customer: str) -> None:
    status, body = answer
    told: dict[str, Any] = json.loads(body)
    with seen.lock:
        seen.statuses[status] += 1
        seen.times.append((at, took))
        if status != 200:
            seen.wrong.append(f"{status} {body[:200]!r}")
            return
        seen.served_by[told["served_by"]] += 1
        seen.reasons[told["fallback_reason"]] += 1
        if told["customer_id"] != customer or not told["items"]:
            seen.wrong.append(f"{customer}: {body[:200]!r}")


def _purchase(name: str, rng: random.Random, customers: list[str], items: list[str]) -> bytes:
    return json.dumps(
        {
            "event_id": name,
            "type": "purchase",
            "customer_id": rng.choice(customers),
            "order_id": name,
            "lines": [{"item_id": rng.choice(items), "quantity": 1, "unit_price": 299}],
        }
    ).encode()
