"""What travels over HTTP: every request and every answer, as types that decode and validate."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from engine.domain.events import MAX_ID_LENGTH, MAX_LINES, MAX_MINOR_UNITS, MAX_QUANTITY, EventType
from engine.receipts import Status
from engine.recommend.answer import Dropped, ReasonCode
from engine.recommend.control.shortlist import Rule

MAX_BATCH = 1_000
MAX_TEXT = 2_000
RULES = tuple(each.name.lower() for each in Rule if each is not Rule.NONE)

# Segment's e-commerce names, stored as the canonical ones.
SEGMENT_NAMES: dict[str, EventType] = {
    "Products Searched": EventType.SEARCH,
    "Product List Viewed": EventType.VIEW_ITEM_LIST,
    "Product List Filtered": EventType.VIEW_ITEM_LIST,
    "Product Clicked": EventType.SELECT_ITEM,
    "Product Viewed": EventType.VIEW_ITEM,
    "Product Added": EventType.ADD_TO_CART,
    "Product Removed": EventType.REMOVE_FROM_CART,
    "Cart Viewed": EventType.VIEW_CART,
    "Product Added to Wishlist": EventType.ADD_TO_WISHLIST,
    "Wishlist Product Added to Cart": EventType.ADD_TO_CART,
    "Checkout Started": EventType.BEGIN_CHECKOUT,
    "Payment Info Entered": EventType.ADD_PAYMENT_INFO,
    "Order Completed": EventType.PURCHASE,
    "Order Refunded": EventType.REFUND,
    "Order Cancelled": EventType.REFUND,
    "Product Reviewed": EventType.RATING,
    "Signed Up": EventType.SIGN_UP,
    "Email Opened": EventType.EMAIL_OPEN,
    "Email Link Clicked": EventType.EMAIL_CLICK,
    "Unsubscribed": EventType.UNSUBSCRIBE,
}
EVENT_TYPES: dict[str, EventType] = {each.value: each for each in EventType} | SEGMENT_NAMES

# `check_id` decides what an id may hold. The pattern tells those who read the schema: exact for
# Latin-1; the unprintable characters beyond it have no name in the patterns of JSON Schema.
ID_PATTERN = r"^[^\u0000-\u001f\u007f-\u00a0\u00ad]+$"
Id: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_ID_LENGTH,
        description="An opaque id of 1 to 200 printable characters.",
        extra_json_schema={"pattern": ID_PATTERN},
    ),
]
Text: TypeAlias = Annotated[
    str, Meta(max_length=MAX_TEXT, extra_json_schema={"pattern": r"^[^\u0000]*$"})
]
Money: TypeAlias = Annotated[
    int, Meta(ge=0, le=MAX_MINOR_UNITS, description="Minor units of the shop's currency.")
]
Quantity: TypeAlias = Annotated[float, Meta(gt=0, le=MAX_QUANTITY)]


class ServedBy(StrEnum):
    """Where a list comes from."""

    CACHE = "cache"
    MODEL = "model"
    POPULAR = "popular"
    SNAPSHOT = "snapshot"


class FallbackReason(StrEnum):
    """Why a list is plainer than it could be."""

    UNKNOWN_CUSTOMER = "unknown_customer"
    NO_KNOWN_PURCHASE = "no_known_purchase"
    UNKNOWN_ITEM = "unknown_item"
    UNKNOWN_BASKET = "unknown_basket"
    EMPTY_SEGMENT = "empty_segment"
    STORE_UNAVAILABLE = "store_unavailable"
    NO_MODEL = "no_model"
    OUT_OF_TIME = "out_of_time"


class LineIn(Struct, frozen=True, forbid_unknown_fields=True):
    """One item of a purchase or refund; a refund without quantity takes all of it back."""

    item_id: Id
    quantity: Quantity | None = None
    unit_price: Money | None = None
    discount: Money = 0


class GaItemIn(Struct, frozen=True):
    """One of GA4's items, its amounts in major units; other fields of GA4's are not kept.

    `price` is what a unit cost after `discount`, the reduction a unit, as GA4 defines them.
    """

    item_id: Id
    price: float | str | None = None
    quantity: float | str | None = None
    discount: float | str | None = None


class EventIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happened. `event_id` is the sender's: sent twice, it counts once."""

    event_id: Id
    type: Annotated[
        str,
        Meta(
            description="A GA4 e-commerce name, one of ours, or a Segment name.",
            extra_json_schema={"enum": list(EVENT_TYPES)},
        ),
    ]
    occurred_at: (
        Annotated[datetime, Meta(description="With an offset; the time of receipt when left out.")]
        | None
    ) = None
    customer_id: Id | None = None
    anonymous_id: Id | None = None
    order_id: Id | None = None
    lines: Annotated[tuple[LineIn, ...], Meta(max_length=MAX_LINES)] = ()
    currency: (
        Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217; one a shop.")] | None
    ) = None
    recommendation_id: Id | None = None
    placement: Id | None = None
    properties: dict[str, Any] = {}
    items: Annotated[
        tuple[GaItemIn, ...] | None,
        Meta(description="GA4's items in major units, instead of lines in minor units."),
    ] = None
    transaction_id: Annotated[Id | None, Meta(description="GA4's name of order_id.")] = None
    value: Annotated[
        float | None, Meta(description="GA4's: the sum of the items in major units.")
    ] = None
    backfill: Annotated[
        bool, Meta(description="It happened long ago and tells nothing of a robot.")
    ] = False


class EventsIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 1,000 events, each answered by itself."""

    events: Annotated[tuple[EventIn, ...], Meta(max_length=MAX_BATCH)]


class FieldProblem(Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    reason: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """An error: what is wrong, where, and what to do."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    field: str | None = None
    errors: tuple[FieldProblem, ...] = ()


class ReasonOut(Struct, frozen=True, omit_defaults=True):
    """Why an item is in a list; `item_id` is the item bought or in hand that speaks for it."""

    code: ReasonCode
    item_id: str | None = None


class ListedItem(Struct, frozen=True, omit_defaults=True):
    """One place of a list; rank from 1, score unitless.

    Scores never rise down the list but where a `rule` of the shop put the item at its place.
    `propensity` is the chance that just this item came there: below 1 where the list explores,
    left out where it is 1.
    """

    item_id: str
    rank: Annotated[int, Meta(ge=1)]
    score: float
    source: str
    reasons: tuple[ReasonOut, ...]
    rule: Annotated[str, Meta(extra_json_schema={"enum": list(RULES)})] | None = None
    propensity: Annotated[float, Meta(gt=0, le=1)] = 1.0


class Recommendations(Struct, frozen=True):
    """A list of items. `fallback_reason` says why it is plainer than it could be."""

    recommendation_id: str
    placement: str
    customer_id: str | None
    model_version: str | None
    generated_at: datetime
    served_by: ServedBy
    fallback_reason: (
        Annotated[str, Meta(extra_json_schema={"enum": [each.value for each in FallbackReason]})]
        | None
    )
    items: tuple[ListedItem, ...]
    requested: int
    returned: int
    dropped: dict[Dropped, int]


class EventResult(Struct, frozen=True, omit_defaults=True):
    """What became of one event; `field` and `reason` say why it was refused."""

    index: int
    event_id: str | None
    status: Status
    field: str | None = None
    reason: str | None = None


class EventResults(Struct, frozen=True):
    """What became of each event, in the order sent, and how many of each."""

    accepted: int
    duplicate: int
    conflict: int
    rejected: int
    results: tuple[EventResult, ...]


def encode(answer: Struct) -> bytes:
    """The answer as JSON."""
    return msgspec.json.encode(answer)
