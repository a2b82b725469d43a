"""When the customer was seen: the first and last time they did or said something."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.domain.events import EventType
from engine.loyalty.fold.rows import Told
from engine.loyalty.states import NEVER

# What is done to the customer, not by them, and what may be either.
PASSIVE = frozenset({EventType.EMAIL_SENT, EventType.IMPRESSION, EventType.CUSTOM})


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Times in ms since 1970 UTC, NEVER (-1) for what did not happen."""

    first: int = NEVER
    last: int = NEVER
    signed_up: int = NEVER


def seen_after(seen: Seen, news: Sequence[Told]) -> Seen:
    """When the customer was seen, given the news; the first sign-up counts."""
    times = [each.at_ms for each in news if each.event.type not in PASSIVE]
    if not times:
        return seen
    signed_up = [each.at_ms for each in news if each.event.type is EventType.SIGN_UP]
    return Seen(
        first=_least((seen.first, *times)),
        last=max(seen.last, *times),
        signed_up=_least((seen.signed_up, *signed_up)),
    )


def _least(times: Sequence[int]) -> int:
    return min((each for each in times if each != NEVER), default=NEVER)
