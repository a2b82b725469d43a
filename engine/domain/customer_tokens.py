"""Customer tokens: what a page shows to prove which customer looks at it, and until when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadData, URLSafeSerializer

from engine.errors import RequestInvalid

DEFAULT_LIFE = timedelta(hours=1)
LONGEST_LIFE = timedelta(days=7)
SECRET_BYTES = 32
# An id has at most 200 characters, of up to 12 as escaped JSON; the rest is small.
LONGEST_TOKEN = 4_096
_PURPOSE = "regulars.customer-token"


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """What tokens are signed with; after `until_ms` it is accepted no more, None for no end."""

    secret: str
    made_ms: int
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CustomerToken:
    """A token as signed: whose it is, and when it ends, in seconds since 1970."""

    customer_id: str
    ends_at: int


class TokenSigner:
    """Signs with the last of the secrets and accepts those of any."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._serializer = URLSafeSerializer(
            list(secrets),
            salt=_PURPOSE,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def sign(self, token: CustomerToken) -> str:
        """The token as text that fits into a header and an address."""
        return str(self._serializer.dumps([token.customer_id, token.ends_at]))

    def read(self, text: str) -> CustomerToken | None:
        """The token, also one that has ended; None when we did not sign it."""
        if len(text) > LONGEST_TOKEN:
            return None
        try:
            customer_id, ends_at = self._serializer.loads(text)
        except (BadData, ValueError, TypeError):
            return None
        return CustomerToken(customer_id, ends_at)


def minted(customer_id: str, life: timedelta, *, secrets: Sequence[str], now_ms: int) -> str:
    """A token of the customer that ends after the given life."""
    return TokenSigner(secrets).sign(CustomerToken(customer_id, end_of(life, now_ms=now_ms)))


def end_of(life: timedelta, *, now_ms: int) -> int:
    """When a token ends, in seconds since 1970; RequestInvalid when it would live too long."""
    if not timedelta(seconds=1) <= life <= LONGEST_LIFE:
        most = int(LONGEST_LIFE.total_seconds())
        raise RequestInvalid(f"a token lives 1 to {most} seconds", field="ttl_seconds")
    return now_ms // 1000 + int(life.total_seconds())
