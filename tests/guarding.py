"""A shop with a key of every kind, and a guard that knows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes
from typing import Any

from api.guard.guard import Guard
from api.guard.keyring import Keyring
from engine.domain.customer_tokens import minted
from engine.domain.keys import KeyKind, new_key
from engine.store.api_keys import SqlApiKeys
from engine.store.database import Database
from engine.store.kept_keys import KeyFile
from tests.fakes import Outage, Shop, a_shop

SECRET = "5ec7e7" * 10
DAY_MS = 86_400_000


def now_ms() -> int:
    return int(time.time() * 1000)


@dataclass
class Keys:
    """What is shown to the guard: a valid key of each kind, and keys that have ended."""

    kinds: dict[KeyKind, str]
    revoked: str
    expired: str
    stored: SqlApiKeys

    def token(self, customer_id: str, *, life: timedelta = timedelta(hours=1)) -> str:
        """A valid token of the customer."""
        return minted(customer_id, life, secrets=[SECRET], now_ms=now_ms())


def made(kind: KeyKind, stored: SqlApiKeys, *, expires_ms: int | None = None) -> str:
    """A key that the shop knows."""
    made_ms = now_ms() - 10 * DAY_MS
    key = new_key(kind, "", rng=token_bytes, now_ms=made_ms, expires_ms=expires_ms)
    stored.add(key.stored)
    return key.text


def all_keys(database: Database) -> Keys:
    """A key of every kind, and two that open nothing."""
    stored = SqlApiKeys(database)
    kinds = {kind: made(kind, stored) for kind in KeyKind}
    revoked = made(KeyKind.ADMIN, stored)
    stored.revoke(revoked.split("_")[2], now_ms=now_ms() - 1)
    expired = made(KeyKind.ADMIN, stored, expires_ms=now_ms() - 1)
    stored.need_token_secret(SECRET, now_ms=now_ms())
    return Keys(kinds, revoked, expired, stored)


def a_keyring(
    keys: Any, home: Path, *, clock: Callable[[], int] = now_ms, started: bool = True
) -> Keyring:
    """A keyring over the keys, with its file in the home."""
    keyring = Keyring(keys, kept=KeyFile(home), clock=clock)
    if started:
        keyring.start()
    return keyring


@contextmanager
def a_guarded_shop(home: Path, **of_guard: Any) -> Iterator[tuple[Shop, Keys]]:
    """The API over a fresh database, with a key of every kind."""
    database = Database.open(f"sqlite:///{home / 'regulars.db'}")
    database.upgrade()
    keys = all_keys(database)
    guard = Guard(a_keyring(keys.stored, home), **of_guard)
    with a_shop(database, guard=guard) as shop:
        yield shop, keys
    database.close()


def environ(**more: Any) -> dict[str, Any]:
    """What a server hands over for a request from this machine."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/v1/items/popular",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:8080",
        **more,
    }


def bearer(key: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {key}"}


class Counted:
    """Keys that count how often they are asked, and can be away."""

    def __init__(self, stored: SqlApiKeys) -> None:
        self.asked = 0
        self._stored = Outage(stored)

    def away(self, away: bool) -> None:
        """Let the database answer, or not."""
        self._stored.up = not away

    def revision(self) -> int:
        """The revision, counted."""
        self.asked += 1
        return int(self._stored.revision())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stored, name)
