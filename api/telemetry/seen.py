"""What is seen of one answered request: nothing that says who it was about."""

from __future__ import annotations

import msgspec

# A request that no route took, and one that the guard answered before routes were asked.
UNMATCHED = "unmatched"
DOOR = "door"
FAST, FLASK = "fast", "flask"
# Anybody can make up a method; each of these is a label's value.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
OTHER = "other"


class Seen(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A request by its route's template and its answer.

    `method` is a known one or "other". `served_by` and `fallback_reason` are those of a list, ""
    for every other answer. `ended` is seconds since 1970.
    """

    route: str
    method: str
    status: int
    seconds: float
    lane: str
    request_id: str
    ended: float
    served_by: str = ""
    fallback_reason: str = ""
    trace_id: str = ""
    span_id: str = ""
    key_id: str = ""
    bytes: int = 0

    @property
    def outcome(self) -> str:
        """How it went, in one word."""
        return outcome_of(self.status)


def outcome_of(status: int) -> str:
    """What a status means to an operator: ok, limited, refused, unavailable or error."""
    if status < 400:
        return "ok"
    if status == 429:
        return "limited"
    if status < 500:
        return "refused"
    return "unavailable" if status == 503 else "error"
