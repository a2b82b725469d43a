"""What travels over HTTP of customers: profiles, the segments they are in, audiences."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

# A flag, a whole number (counts, money), a number (shares, days), a word or text, a moment.
Told: TypeAlias = bool | int | float | str


class BoughtItem(Struct, frozen=True):
    """An item the customer bought and kept, with how many orders hold it."""

    item_id: str
    orders: int
    units: float
    last_bought_at: datetime


class FeatureOut(Struct, frozen=True):
    """One thing known of a customer; a `value` of null is unknown.

    Counts and money (minor units) are whole numbers, shares lie in 0 to 1, moments are ISO 8601.
    `evidence` counts the observations a value rests on, `confidence` grows with them from 0
    towards 1. `explanation` says it in words, or what would make it known.
    """

    value: Told | None
    evidence: Annotated[int, Meta(ge=0)]
    confidence: Annotated[float, Meta(ge=0, le=1)]
    explanation: str | UnsetType = UNSET


class PreferenceOut(Struct, frozen=True):
    """A category the customer wants, or does not: what was said, what was done, and both in one.

    `excluded` ones the customer said not to want.
    """

    category: str
    explicit: float
    implicit: float
    score: float
    excluded: bool


class Profile(Struct, frozen=True):
    """One customer, net of refunds; sums in minor units.

    `features` are of the moment `as_of`, by thresholds frozen in the training `cuts_version`, an
    empty one before any. `preferences` begin with the category wanted most; `segments` are names.
    """

    customer_id: str
    revision: int
    orders: int
    units: float
    revenue: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    items: tuple[BoughtItem, ...]
    as_of: datetime
    cuts_version: str
    features: dict[str, FeatureOut]
    preferences: tuple[PreferenceOut, ...]
    segments: tuple[str, ...]


class WhyOut(Struct, frozen=True):
    """One condition's verdict on one customer.

    `pointer` leads to it in its segment's JSON; below a reference to a segment stand that
    segment's conditions. `decisive` marks what made the whole come out as it did. `value` is what
    the customer has, null when unknown and for groups; `asked` is the comparison.
    """

    pointer: str
    holds: bool
    decisive: bool
    sentence: str
    value: Told | None
    asked: dict[str, Any] | None
    parts: tuple[WhyOut, ...]


class CustomerSegment(Struct, frozen=True):
    """A segment beside one customer; `entered_at` is null while nobody noted it."""

    name: str
    title: str
    member: bool
    entered_at: datetime | None
    why: WhyOut | UnsetType = UNSET


class CustomerSegments(Struct, frozen=True):
    """The segments that a customer is in at the moment `as_of`, or the one asked for."""

    customer_id: str
    as_of: datetime
    segments: tuple[CustomerSegment, ...]


class AudienceReason(StrEnum):
    """Why somebody may want an item."""

    BUY_AGAIN = "buy_again"
    BECAUSE_YOU_BOUGHT = "because_you_bought"
    LIKES_CATEGORY = "likes_category"
    POPULAR = "popular"


class AudienceReasonOut(Struct, frozen=True, omit_defaults=True):
    """Why a customer is in an audience; `item_id` is the bought item that speaks most for it."""

    code: AudienceReason
    item_id: str | None = None


class AudienceMember(Struct, frozen=True):
    """One customer of an audience; rank from 1, score unitless and never rising."""

    customer_id: str
    rank: Annotated[int, Meta(ge=1)]
    score: float
    reason: AudienceReasonOut


class Audience(Struct, frozen=True):
    """The customers most likely to want an item, out of `candidates` that were looked at.

    `fallback_reason` says why the choice is plainer than it could be.
    """

    item_id: str
    model_version: str | None
    generated_at: datetime
    fallback_reason: (
        Annotated[str, Meta(extra_json_schema={"enum": ["unknown_item", "no_model"]})] | None
    )
    candidates: int
    customers: tuple[AudienceMember, ...]


class IdentitySplit(Struct, frozen=True):
    """That the visitor's events are no longer the customer's."""

    customer_id: str
    anonymous_id: str
