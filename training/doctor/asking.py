"""A server asked over HTTP, briefly, and by a new connection each time."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine.errors import SettingsError, StoreUnavailable

ANSWER_SECONDS = 2.0
MOST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, and what the body says; empty when it is no JSON object."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """The API at a URL, with a key to show or none."""

    url: str
    key: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The URL without a password."""
        start, at, end = self.url.rpartition("@")
        return f"{start.partition('://')[0]}://{end}" if at else end

    def get(self, path: str) -> Answer:
        """The answer to a GET by a new connection, which any of the workers may take.

        Raises StoreUnavailable when there is none, SettingsError for a URL that is none.
        """
        if self.key and not (self.key.isascii() and self.key.isprintable()):
            # The library's own message would repeat it.
            raise SettingsError("--key holds letters that no key has; copy it again")
        connection, prefix = self._connection()
        headers = {"Accept": "application/json", "Connection": "close"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        try:
            connection.request("GET", prefix + path, headers=headers)
            answer = connection.getresponse()
            body = answer.read(MOST_BYTES)
        except (OSError, http.client.HTTPException, ValueError) as error:
            words = str(error) or type(error).__name__
            raise StoreUnavailable(f"{self.shown}{path}: {words}") from error
        finally:
            connection.close()
        return Answer(answer.status, _decoded(body))

    def _connection(self) -> tuple[http.client.HTTPConnection, str]:
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise SettingsError(f"{self.shown} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not host:
            raise SettingsError(f"{self.shown} is no URL; write it as http://127.0.0.1:8080")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else _PLAIN
        return kind(host, port, timeout=ANSWER_SECONDS), parts.path.rstrip("/")


_PLAIN = http.client.HTTPConnection


def _decoded(body: bytes) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
