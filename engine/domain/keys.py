"""API keys: what they look like, what each kind may do, and what is kept of them."""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "rk"
ID_BYTES = 5
SECRET_BYTES = 32
_PARTS = 4


class KeyKind(StrEnum):
    """Who holds a key: browsers, the shop's servers, a marketer, or whoever runs it all."""

    PUBLISHABLE = "publishable"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    MARKETER = "marketer"
    ADMIN = "admin"


class Scope(StrEnum):
    """One thing that a key may allow."""

    SHOP_LISTS = "lists:shop"
    OWN_LISTS = "lists:own"
    CUSTOMER_LISTS = "lists:customers"
    BROWSING = "events:browsing"
    EVENTS = "events:all"
    ITEMS_READ = "items:read"
    ITEMS_WRITE = "items:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    SEGMENTS_READ = "segments:read"
    SEGMENTS_WRITE = "segments:write"
    TOKENS = "tokens:mint"
    OPERATION = "operation:read"


# What a page may know and tell is public: it holds its key where every visitor can read it.
SCOPES: dict[KeyKind, frozenset[Scope]] = {
    KeyKind.PUBLISHABLE: frozenset({Scope.SHOP_LISTS, Scope.OWN_LISTS, Scope.BROWSING}),
    KeyKind.SECRET: frozenset(Scope) - {Scope.SEGMENTS_WRITE},
    KeyKind.MARKETER: frozenset(
        {
            Scope.SHOP_LISTS,
            Scope.CUSTOMER_LISTS,
            Scope.ITEMS_READ,
            Scope.CUSTOMERS_READ,
            Scope.SEGMENTS_READ,
            Scope.SEGMENTS_WRITE,
        }
    ),
    KeyKind.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is kept of a key: everything but the key. Times are ms, None for never."""

    key_id: str
    kind: KeyKind
    name: str
    digest: bytes
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    last_used_ms: int | None = None

    def usable(self, now_ms: int) -> bool:
        """Whether it opens anything at the time."""
        if self.expires_ms is not None and now_ms >= self.expires_ms:
            return False
        return self.revoked_ms is None or now_ms < self.revoked_ms


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is handed out, once, and what is kept of it."""

    text: str
    stored: StoredKey


def new_key(
    kind: KeyKind,
    name: str,
    *,
    rng: Callable[[int], bytes],
    now_ms: int,
    expires_ms: int | None = None,
) -> NewKey:
    """A key that was never there; `rng` gives so many bytes that nobody can guess."""
    key_id, secret = _letters(rng(ID_BYTES)), _letters(rng(SECRET_BYTES))
    text = f"{PREFIX}_{kind}_{key_id}_{secret}"
    return NewKey(text, StoredKey(key_id, kind, name, digest_of(text), now_ms, expires_ms))


def id_of(text: str) -> str:
    """The id within a key, which is no secret; empty when the text has not the form of a key."""
    parts = text.split("_")
    return parts[2] if len(parts) == _PARTS and parts[0] == PREFIX else ""


def digest_of(text: str) -> bytes:
    """SHA-256 of a whole key, its kind and id included, so that neither can be exchanged.

    A slow hash is for what people choose. The secret is 32 random bytes: there is nothing to try,
    and a request costs a microsecond.
    """
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _letters(data: bytes) -> str:
    # Base 32 has neither the separator of the parts nor letters that differ in case only.
    return b32encode(data).decode().rstrip("=").lower()
