"""What travels over HTTP of segments: what they are, who is in them, who came and went."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from engine.segments.limits import MAX_DESCRIPTION, MAX_TITLE


class SegmentIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A segment of the shop's own. `condition` is a comparison, or `all`, `any`, `not` of them."""

    # What else holds for them is told together with what is wrong with the condition.
    title: Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_TITLE})]
    condition: Annotated[Any, Meta(extra_json_schema={"type": "object"})]
    description: Annotated[str, Meta(extra_json_schema={"maxLength": MAX_DESCRIPTION})] = ""


class SegmentOut(Struct, frozen=True):
    """A segment. `members` counts those in it now; every event moves its own customer at once.

    At `refreshed_at` they were last worked out for everyone, null when they never were.
    """

    name: str
    title: str
    description: str
    builtin: bool
    condition: dict[str, Any]
    members: int
    refreshed_at: datetime | None


class SegmentsOut(Struct, frozen=True):
    """All segments, built-in ones and the shop's own, each after those it refers to."""

    segments: tuple[SegmentOut, ...]


class SegmentDeleted(Struct, frozen=True):
    """The segment that is no more."""

    name: str


class MemberOut(Struct, frozen=True):
    """A customer in a segment, and since when."""

    customer_id: str
    entered_at: datetime


class MembersOut(Struct, frozen=True):
    """A page of a segment's customers by id; `next` is what `after` takes for the next page."""

    name: str
    members: int
    refreshed_at: datetime | None
    customers: tuple[MemberOut, ...]
    next: str | None


class ChangeOut(Struct, frozen=True):
    """A customer who entered a segment, or left it."""

    customer_id: str
    change: Literal["entered", "left"]
    at: datetime


class ChangesOut(Struct, frozen=True):
    """Who came to a segment and who went, the latest first."""

    name: str
    refreshed_at: datetime | None
    changes: tuple[ChangeOut, ...]
