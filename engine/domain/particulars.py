"""What an event's free properties say, in one shape: a topic, a number, a reference.

The log keeps properties as their sender wrote them. Whoever counts them reads them here, so that a
fold of events and a query over the log understand the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.domain.events import BOT, Event, EventType
from engine.errors import RequestInvalid

MAX_WORD = 100
# Whether more is better, and the most that can be answered, for questions with a usual scale.
SCALES: Mapping[str, float] = {
    "nps": 10.0,
    "csat": 5.0,
    "repurchase_intent": 7.0,
    "revisit_intent": 7.0,
    "share_of_wallet": 100.0,
}
RATING_BEST = 5.0
EXIT_REASON = "exit_reason"
WALLET_RANK = "wallet_rank"
SHARE_OF_WALLET = "share_of_wallet"
LIKES: Mapping[str, float] = {"like": 1.0, "neutral": 0.0, "dislike": -1.0, "exclude": -1.0}


class Said(NamedTuple):
    """What an event says beside who, when and which items.

    By type: `rating` (value 0 to 1), `survey` (topic: the question, value 0 to 1; for the exit
    reason the answer is `ref`), `complaint` (topic, ref: the case), `complaint_resolved` (ref: the
    case, None: every case that is open), `service_contact` (topic: the channel, value: 1 from the
    customer, 0 to the customer, ref: the case), `preference` (topic, value -1 to 1), `consent`
    (topic: the purpose, value 1 or 0), `unsubscribe` (topic: the reason), `email_*` (topic: the
    campaign), `purchase` (value: days until it was paid), and visits to the site (topic: the
    channel, value: 1 for a robot).
    """

    topic: str | None = None
    value: float | None = None
    ref: str | None = None


SILENT = Said()


def said(event: Event) -> Said:
    """What the event says; what cannot be understood is as if it had not been said."""
    try:
        return _read(event)
    except RequestInvalid:
        return SILENT


def check_particulars(event: Event) -> None:
    """Raise RequestInvalid, naming the property, when an event says something impossible."""
    _read(event)


def traits(event: Event) -> dict[str, str | float | bool]:
    """What an `identify` or `sign_up` tells of the customer: plain values by name."""
    if event.type not in (EventType.IDENTIFY, EventType.SIGN_UP):
        return {}
    told = event.properties.get("traits")
    if not isinstance(told, Mapping):
        return {}
    return {
        name: value
        for name, value in told.items()
        if isinstance(name, str)
        and 0 < len(name) <= MAX_WORD
        and isinstance(value, str | int | float | bool)
    }


def _read(event: Event) -> Said:
    reader = _READERS.get(event.type)
    return reader(event.event_id, event.properties) if reader else SILENT


def _rating(_: str, told: Mapping[str, Any]) -> Said:
    value = _number(told, "rating")
    if value is None:
        return SILENT
    return Said(value=_scaled(value, _best(told, RATING_BEST), "rating"))


def _survey(_: str, told: Mapping[str, Any]) -> Said:
    question = _word(told, "question")
    if question is None:
        return SILENT
    if question == EXIT_REASON:
        return Said(EXIT_REASON, ref=_word(told, "answer"))
    if question == WALLET_RANK:
        return Said(SHARE_OF_WALLET, _allocated(told))
    answer = _number(told, "answer")
    best = _best(told, SCALES.get(question))
    if answer is None or best is None:
        return SILENT
    return Said(question, _scaled(answer, best, "answer"))


def _allocated(told: Mapping[str, Any]) -> float | None:
    """The share of wallet of the brand ranked so among so many, by the Wallet Allocation Rule."""
    rank, brands = _number(told, "rank"), _number(told, "brands")
    if rank is None or brands is None:
        return None
    if not 1 <= rank <= brands:
        raise RequestInvalid(f"rank {rank:g} is not in 1 to {brands:g}", field="properties.rank")
    return (1 - rank / (brands + 1)) * (2 / brands)


def _complaint(event_id: str, told: Mapping[str, Any]) -> Said:
    return Said(_word(told, "topic"), ref=_word(told, "case_id") or event_id)


def _resolution(_: str, told: Mapping[str, Any]) -> Said:
    return Said(ref=_word(told, "case_id"))


def _contact(_: str, told: Mapping[str, Any]) -> Said:
    inbound = _word(told, "direction") != "out"
    return Said(_word(told, "channel"), float(inbound), _word(told, "case_id"))


def _preference(_: str, told: Mapping[str, Any]) -> Said:
    topic, value = _word(told, "topic"), told.get("value")
    if topic is None:
        return SILENT
    if isinstance(value, str):
        if value not in LIKES:
            known = ", ".join(LIKES)
            raise RequestInvalid(
                f"{value[:MAX_WORD]!r} is none of {known}, nor a number from -1 to 1",
                field="properties.value",
            )
        return Said(topic, LIKES[value])
    number = _number(told, "value")
    if number is not None and not -1 <= number <= 1:
        raise RequestInvalid(f"{number:g} is not in -1 to 1", field="properties.value")
    return Said(topic, number)


def _consent(_: str, told: Mapping[str, Any]) -> Said:
    purpose, granted = _word(told, "purpose"), told.get("granted")
    if purpose is None or granted is None:
        return SILENT
    if not isinstance(granted, bool):
        raise RequestInvalid(f"{granted!r:.100} is not true or false", field="properties.granted")
    return Said(purpose, float(granted))


def _unsubscribe(_: str, told: Mapping[str, Any]) -> Said:
    return Said(_word(told, "reason"))


def _mail(_: str, told: Mapping[str, Any]) -> Said:
    return Said(_word(told, "campaign_id"))


def _purchase(_: str, told: Mapping[str, Any]) -> Said:
    days = _number(told, "days_to_pay")
    if days is not None and not 0 <= days <= 3_650:
        raise RequestInvalid(f"{days:g} is not in 0 to 3650 days", field="properties.days_to_pay")
    return Said(value=days)


def _visit(_: str, told: Mapping[str, Any]) -> Said:
    return Said(_word(told, "channel"), 1.0 if told.get(BOT) is True else None)


def _word(told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_WORD or not value.isprintable():
        raise RequestInvalid(
            f"{value!r:.100} is no text of 1 to {MAX_WORD} printable characters",
            field=f"properties.{name}",
        )
    return value


def _number(told: Mapping[str, Any], name: str) -> float | None:
    value = told.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestInvalid(f"{value!r:.100} is no number", field=f"properties.{name}")
    return float(value)


def _best(told: Mapping[str, Any], usual: float | None) -> float | None:
    best = _number(told, "best")
    if best is not None and best <= 0:
        raise RequestInvalid(f"best {best:g} is not above 0", field="properties.best")
    return usual if best is None else best


def _scaled(value: float, best: float | None, name: str) -> float:
    if best is None or not 0 <= value <= best:
        raise RequestInvalid(
            f"{value:g} is not in 0 to {best or 0:g}; `best` names another top of the scale",
            field=f"properties.{name}",
        )
    return value / best


# What a person does on the site, and what makes up a visit.
VISIT_TYPES = frozenset(
    {
        EventType.VIEW_ITEM,
        EventType.VIEW_ITEM_LIST,
        EventType.SELECT_ITEM,
        EventType.SEARCH,
        EventType.ADD_TO_CART,
        EventType.REMOVE_FROM_CART,
        EventType.BEGIN_CHECKOUT,
        EventType.PURCHASE,
        EventType.PAGE_VIEW,
        EventType.VIEW_CART,
        EventType.ADD_TO_WISHLIST,
        EventType.ADD_SHIPPING_INFO,
        EventType.ADD_PAYMENT_INFO,
    }
)
_READERS: Mapping[EventType, Callable[[str, Mapping[str, Any]], Said]] = {
    **dict.fromkeys(VISIT_TYPES, _visit),
    EventType.PURCHASE: _purchase,
    EventType.RATING: _rating,
    EventType.SURVEY: _survey,
    EventType.COMPLAINT: _complaint,
    EventType.COMPLAINT_RESOLVED: _resolution,
    EventType.SERVICE_CONTACT: _contact,
    EventType.PREFERENCE: _preference,
    EventType.CONSENT: _consent,
    EventType.UNSUBSCRIBE: _unsubscribe,
    EventType.EMAIL_SENT: _mail,
    EventType.EMAIL_OPEN: _mail,
    EventType.EMAIL_CLICK: _mail,
}
