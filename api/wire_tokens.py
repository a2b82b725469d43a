"""What travels when a customer token is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from engine.domain.customer_tokens import DEFAULT_LIFE, LONGEST_LIFE


class TokenIn(Struct, frozen=True, forbid_unknown_fields=True):
    """How long a customer token should live."""

    ttl_seconds: Annotated[int, Meta(ge=1, le=int(LONGEST_LIFE.total_seconds()))] = int(
        DEFAULT_LIFE.total_seconds()
    )


class TokenOut(Struct, frozen=True):
    """A customer token and when it ends."""

    customer_id: str
    token: str
    expires_at: datetime
