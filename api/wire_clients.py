"""What clients made for Segment, RudderStack and Google Analytics 4 send, as it is described.

Every text may come as a number, and more fields may come than these: such clients hear no refusal.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

ClientId: TypeAlias = str | int | None


class CallIn(Struct, frozen=True, rename="camel"):
    """One call of Segment's; which fields it needs its address says, and `type` in a batch."""

    type: str | None = None
    message_id: ClientId = None
    user_id: ClientId = None
    anonymous_id: ClientId = None
    previous_id: ClientId = None
    group_id: ClientId = None
    event: str | None = None
    name: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    timestamp: str | None = None
    sent_at: str | None = None
    context: dict[str, Any] | None = None


class CallsIn(Struct, frozen=True, rename="camel"):
    """Up to 10,000 calls."""

    batch: tuple[CallIn, ...]
    sent_at: str | None = None


class CallTaken(Struct, frozen=True):
    """That the calls came; what could not be used of them is kept with the reason."""

    success: bool


class GaCollectedIn(Struct, frozen=True):
    """One event of GA4's: its recommended names and parameters count, others are kept."""

    name: str
    params: dict[str, Any] = {}
    timestamp_micros: int | str | None = None


class GaCollectIn(Struct, frozen=True):
    """Up to 1,000 events of one client."""

    events: tuple[GaCollectedIn, ...]
    client_id: str | None = None
    app_instance_id: str | None = None
    user_id: str | None = None
    timestamp_micros: int | str | None = None
