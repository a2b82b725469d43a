"""A client of the API for the demo: it goes through the front door like any storefront."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from engine.errors import StoreUnavailable

TIMEOUT_SECONDS = 10
WAIT_SECONDS = 30


class Shop:
    """The API at one address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def recommendations(self, customer_id: str, *, limit: int) -> dict[str, Any]:
        """The customer's list as the API answers it."""
        return self._call(f"{_customer(customer_id)}/recommendations?limit={limit}")

    def similar(self, item_id: str, *, limit: int) -> dict[str, Any]:
        """Items bought by those who bought the item, as the API answers it."""
        return self._call(f"/v1/items/{quote(item_id, safe='')}/similar?limit={limit}")

    def profile(self, customer_id: str) -> dict[str, Any]:
        """The customer's profile with explanations, as the API answers it."""
        return self._call(f"{_customer(customer_id)}/profile?explain=1")

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """Send one event; what became of it."""
        return self._call("/v1/events", event)

    def wait(self, *, alive: Callable[[], bool]) -> None:
        """Return once the server is ready; raises StoreUnavailable when it will not be."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline and alive():
            try:
                self._call("/readyz")
                return
            except StoreUnavailable:
                time.sleep(0.1)
        raise StoreUnavailable(f"the server at {self._url} did not become ready")

    def _call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the address is our own, on loopback
            self._url + path,
            data=None if body is None else msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                content: dict[str, Any] = msgspec.json.decode(answer.read())
        except (urllib.error.URLError, OSError, msgspec.DecodeError) as error:
            raise StoreUnavailable(f"{self._url}{path}: {error}") from error
        return content


def _customer(customer_id: str) -> str:
    return f"/v1/customers/{quote(customer_id, safe='')}"
