"""Something that happened between a customer and the shop."""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from engine.errors import RequestInvalid

MAX_ID_LENGTH = 200
MAX_LINES = 1_000
MAX_QUANTITY = 1e9
MAX_MINOR_UNITS = 10**12
# A client's clock may run ahead by this much; later than that the time is wrong, not early.
MAX_AHEAD = timedelta(days=1)
# The property that says a robot did it.
BOT = "bot"
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class EventType(StrEnum):
    """Canonical event types: GA4's e-commerce names, and ours for the rest."""

    VIEW_ITEM = "view_item"
    VIEW_ITEM_LIST = "view_item_list"
    SELECT_ITEM = "select_item"
    SEARCH = "search"
    ADD_TO_CART = "add_to_cart"
    REMOVE_FROM_CART = "remove_from_cart"
    BEGIN_CHECKOUT = "begin_checkout"
    PURCHASE = "purchase"
    REFUND = "refund"
    IMPRESSION = "impression"
    RATING = "rating"
    SURVEY = "survey"
    COMPLAINT = "complaint"
    COMPLAINT_RESOLVED = "complaint_resolved"
    SERVICE_CONTACT = "service_contact"
    PREFERENCE = "preference"
    CONSENT = "consent"
    SIGN_UP = "sign_up"
    EMAIL_SENT = "email_sent"
    EMAIL_OPEN = "email_open"
    EMAIL_CLICK = "email_click"
    UNSUBSCRIBE = "unsubscribe"
    IDENTIFY = "identify"
    PAGE_VIEW = "page_view"
    VIEW_CART = "view_cart"
    ADD_TO_WISHLIST = "add_to_wishlist"
    ADD_SHIPPING_INFO = "add_shipping_info"
    ADD_PAYMENT_INFO = "add_payment_info"
    # What has no meaning here: kept, and counted by nothing.
    CUSTOM = "custom"


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item of a purchase or refund; money in minor units, None when the shop did not say.

    In a refund a quantity of None means all units of the item that the order still holds.
    """

    item_id: str
    quantity: float | None = None
    unit_price: int | None = None
    discount: int = 0

    def value(self) -> int | None:
        """What was paid for the line in minor units, None when no price was given."""
        if self.unit_price is None:
            return None
        return round((self.quantity or 0) * self.unit_price) - self.discount


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened, as its sender told it.

    `occurred_at` is None when the sender left the time to us. A purchase or refund without
    `customer_id` is a guest's: it counts for items, and for no customer.
    """

    event_id: str
    type: EventType
    occurred_at: datetime | None = None
    customer_id: str | None = None
    anonymous_id: str | None = None
    order_id: str | None = None
    lines: tuple[Line, ...] = ()
    currency: str | None = None
    recommendation_id: str | None = None
    placement: str | None = None
    properties: dict[str, Any] = {}

    def at(self, received_at: datetime) -> Event:
        """The event with a time: its own in UTC, or when it was received."""
        moment = self.occurred_at.astimezone(UTC) if self.occurred_at else received_at
        return msgspec.structs.replace(self, occurred_at=moment)


def to_ms(moment: datetime) -> int:
    """A time with a zone as ms since 1970 UTC, what is smaller cut off."""
    return (moment - EARLIEST) // timedelta(milliseconds=1)


def digest(event: Event) -> bytes:
    """Sixteen bytes that are equal exactly for events of equal content.

    Whether a robot did it is a judgement, which may be another one when the event is sent again.
    """
    content = event if event.occurred_at is None else event.at(event.occurred_at)
    if BOT in content.properties:
        told = {name: value for name, value in content.properties.items() if name != BOT}
        content = msgspec.structs.replace(content, properties=told)
    encoded = msgspec.json.encode(content, order="deterministic")
    return hashlib.sha256(encoded).digest()[:16]


def check(event: Event, *, now: datetime) -> None:
    """Raise RequestInvalid, naming the field, when an event breaks a rule of the log."""
    check_id(event.event_id, field="event_id")
    for field in ("customer_id", "anonymous_id", "order_id", "recommendation_id", "placement"):
        value = getattr(event, field)
        if value is not None:
            check_id(value, field=field)
    _check_time(event.occurred_at, now=now)
    _check_who(event)
    _check_lines(event)
    if event.currency is not None and not is_currency(event.currency):
        raise RequestInvalid(
            f"{event.currency!r} is no ISO 4217 code; send three capital letters such as EUR",
            field="currency",
        )


def check_id(value: str, *, field: str) -> None:
    """Raise RequestInvalid unless the value is an id: 1 to 200 printable characters."""
    if not value or len(value) > MAX_ID_LENGTH:
        raise RequestInvalid(
            f"an id has 1 to {MAX_ID_LENGTH} characters, this one has {len(value)}", field=field
        )
    if not value.isprintable():
        raise RequestInvalid("an id has printable characters only", field=field)


def is_currency(code: str) -> bool:
    """Whether the code has the form of an ISO 4217 currency."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()


def _check_time(occurred_at: datetime | None, *, now: datetime) -> None:
    if occurred_at is None:
        return
    if occurred_at.tzinfo is None:
        raise RequestInvalid(
            f"{occurred_at.isoformat()} has no time zone; add Z or an offset such as +02:00",
            field="occurred_at",
        )
    if not EARLIEST <= occurred_at <= now + MAX_AHEAD:
        raise RequestInvalid(
            f"{occurred_at.isoformat()} is outside 1970-01-01 to one day from now; "
            "send the time at which it happened",
            field="occurred_at",
        )


def _check_who(event: Event) -> None:
    moves_goods = event.type in (EventType.PURCHASE, EventType.REFUND)
    if event.customer_id or event.anonymous_id or (moves_goods and event.order_id):
        return
    raise RequestInvalid(
        "say whose event this is: customer_id, anonymous_id, or order_id for a guest's order",
        field="customer_id",
    )


def _check_lines(event: Event) -> None:
    if event.type is EventType.PURCHASE and not event.lines:
        raise RequestInvalid("a purchase needs at least one line", field="lines")
    if event.type is EventType.REFUND and not event.lines and not event.order_id:
        raise RequestInvalid("a refund names an order_id or the lines taken back", field="lines")
    if len(event.lines) > MAX_LINES:
        raise RequestInvalid(f"at most {MAX_LINES} lines an event", field="lines")
    for index, line in enumerate(event.lines):
        _check_line(line, field=f"lines[{index}]", purchase=event.type is EventType.PURCHASE)


def _check_line(line: Line, *, field: str, purchase: bool) -> None:
    check_id(line.item_id, field=f"{field}.item_id")
    if line.quantity is None:
        if purchase:
            raise RequestInvalid("a purchase states how many", field=f"{field}.quantity")
    elif not (math.isfinite(line.quantity) and 0 < line.quantity <= MAX_QUANTITY):
        raise RequestInvalid(
            f"{line.quantity} is not in 0 < quantity <= {MAX_QUANTITY:.0f}",
            field=f"{field}.quantity",
        )
    for name, amount in (("unit_price", line.unit_price), ("discount", line.discount)):
        if amount is not None and not 0 <= amount <= MAX_MINOR_UNITS:
            raise RequestInvalid(
                f"{amount} is not in 0 <= minor units <= {MAX_MINOR_UNITS}",
                field=f"{field}.{name}",
            )
    value = line.value()
    if line.quantity is not None and value is not None and not 0 <= value <= MAX_MINOR_UNITS:
        raise RequestInvalid(
            f"quantity x unit_price - discount is {value}; it must lie in "
            f"0 to {MAX_MINOR_UNITS} minor units",
            field=field,
        )
