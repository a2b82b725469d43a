"""What the guard at the door asks of the outside; the adapters in `engine.store` fulfil it.

Every method may raise StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.domain.customer_tokens import TokenSecret
from engine.domain.keys import StoredKey
from engine.domain.rates import Rate


class ApiKeys(Protocol):
    """The API keys of the shop, and what customer tokens are signed with."""

    def revision(self) -> int:
        """A number that grows whenever a key or a secret of tokens changes."""

    def all(self) -> list[StoredKey]:
        """Every key that was ever made, oldest first."""

    def touch(self, used: Mapping[str, int]) -> None:
        """Note when keys were last used, in ms; a power cut may lose the last notes."""

    def token_secrets(self) -> list[TokenSecret]:
        """What tokens are signed with, oldest first; empty before the first need."""

    def need_token_secret(self, secret: str, *, now_ms: int) -> list[TokenSecret]:
        """What tokens are signed with; the given secret when there was none."""


class KeptKeys(Protocol):
    """The keys as this machine last saw them, for a start while the database is away."""

    def load(self) -> list[StoredKey] | None:
        """The keys, None when this machine never saw any."""

    def save(self, keys: Sequence[StoredKey]) -> None:
        """Keep the keys."""


class Permits(Protocol):
    """Counts what all workers together let in."""

    def reserve(self, name: str, *, rate: Rate, window: int, block: int) -> int:
        """How many of a block of permits are left for the caller to spend in the window."""
