"""What was sent as an event and could not be taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Reject(NamedTuple):
    """One event refused: who sent it, what was wrong with it, and its text as it came."""

    received_ms: int
    source: str
    field: str
    reason: str
    body: str
    customer_id: str | None = None
    anonymous_id: str | None = None


class Rejects(Protocol):
    """The events that were refused last."""

    def keep(self, rejects: Sequence[Reject]) -> None:
        """Keep more of them; the oldest make room. May raise StoreUnavailable."""

    def latest(self, *, limit: int) -> list[Reject]:
        """The last ones, the latest first. May raise StoreUnavailable."""
