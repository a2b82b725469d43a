"""A customer's state: the fold of the customer's events.

`apply` keeps what happened, in an order of its own that does not depend on the order of arrival;
what a refund takes back is worked out from the whole (`engine.loyalty.net`), so that a refund may
come before its purchase. Exactly-once is the log's business: it hands every event over once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from engine.domain.events import Event, EventType
from engine.loyalty.fold.choices import (
    Consent,
    Preference,
    Trait,
    consents_after,
    preferences_after,
    traits_after,
)
from engine.loyalty.fold.interests import Interest, interests_after
from engine.loyalty.fold.mails import Mail, mails_after
from engine.loyalty.fold.opinions import Opinion, opinions_after
from engine.loyalty.fold.orders import (
    UNIT_DIGITS,
    Order,
    OrderLine,
    Refund,
    order_key,
    orders_after,
    refunds_after,
    summed,
)
from engine.loyalty.fold.rows import Told, time_ms, told
from engine.loyalty.fold.seen import Seen, seen_after
from engine.loyalty.fold.service import (
    Complaint,
    Contact,
    Reply,
    answers_after,
    complaints_after,
    contacts_after,
    resolutions_after,
)
from engine.loyalty.fold.visits import Visit, by_robot, visits_after

__all__ = [
    "NEW",
    "UNIT_DIGITS",
    "CustomerState",
    "Order",
    "OrderLine",
    "Refund",
    "apply",
    "apply_all",
    "decode",
    "encode",
    "order_key",
    "summed",
    "time_ms",
]


class CustomerState(msgspec.Struct, frozen=True, array_like=True):
    """All that is kept of one customer, every table sorted by a key of its own.

    Fields are only ever added, at the end and with a default: states written before still decode.
    `contacts` are without complaints, `answers` without resolutions; readers add them
    (`engine.loyalty.fold.service`).
    """

    orders: tuple[Order, ...] = ()
    refunds: tuple[Refund, ...] = ()
    seen: Seen = Seen()
    visits: tuple[Visit, ...] = ()
    interests: tuple[Interest, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    resolutions: tuple[Reply, ...] = ()
    answers: tuple[Reply, ...] = ()
    contacts: tuple[Contact, ...] = ()
    mails: tuple[Mail, ...] = ()
    preferences: tuple[Preference, ...] = ()
    consents: tuple[Consent, ...] = ()
    traits: tuple[Trait, ...] = ()


NEW = CustomerState()
# What somebody says, chooses, tells of themselves or is sent.
SPOKEN = frozenset(
    {
        EventType.RATING,
        EventType.SURVEY,
        EventType.COMPLAINT,
        EventType.COMPLAINT_RESOLVED,
        EventType.SERVICE_CONTACT,
        EventType.EMAIL_SENT,
        EventType.EMAIL_OPEN,
        EventType.EMAIL_CLICK,
        EventType.UNSUBSCRIBE,
        EventType.PREFERENCE,
        EventType.CONSENT,
        EventType.IDENTIFY,
        EventType.SIGN_UP,
    }
)
_decoder = msgspec.msgpack.Decoder(CustomerState)
_encoder = msgspec.msgpack.Encoder()


def apply(state: CustomerState, event: Event) -> CustomerState:
    """The state after one more event, whatever came before it."""
    return apply_all(state, (event,))


def apply_all(state: CustomerState, events: Iterable[Event]) -> CustomerState:
    """The state after several more events of the customer, in any order.

    Every event carries its time (`Event.at`), or ValueError is raised. Tables that no event
    concerns are kept as they are.
    """
    news = [told(event) for event in events]
    if not news:
        return state
    # What a robot did makes a robot's visit and nothing else.
    people = [each for each in news if not by_robot(each)]
    shopped = replace(
        state,
        orders=orders_after(state.orders, news),
        refunds=refunds_after(state.refunds, news),
        seen=seen_after(state.seen, people),
        visits=visits_after(state.visits, news),
        interests=interests_after(state.interests, people),
    )
    # Nine tables that hardly any event concerns take as long as the five.
    if SPOKEN.isdisjoint([each.event.type for each in news]):
        return shopped
    return _after_words(shopped, news)


def _after_words(state: CustomerState, news: Sequence[Told]) -> CustomerState:
    return replace(
        state,
        opinions=opinions_after(state.opinions, news),
        complaints=complaints_after(state.complaints, news),
        resolutions=resolutions_after(state.resolutions, news),
        answers=answers_after(state.answers, news),
        contacts=contacts_after(state.contacts, news),
        mails=mails_after(state.mails, news),
        preferences=preferences_after(state.preferences, news),
        consents=consents_after(state.consents, news),
        traits=traits_after(state.traits, news),
    )


def encode(state: CustomerState) -> bytes:
    """The state as bytes, equal for equal states."""
    return _encoder.encode(state)


def decode(data: bytes) -> CustomerState:
    """The state that `encode` wrote; no bytes at all is a new customer."""
    return _decoder.decode(data) if data else NEW
