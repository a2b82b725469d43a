"""Numbers as people read them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from math import isnan
from types import MappingProxyType

from engine.domain.features import Value
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.explain import FORMATS
from engine.loyalty.shop.intervals import Share
from engine.loyalty.shop.months import first_of
from training.ingest.parse import minor_digits

UNKNOWN = "–"
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
# Parts of features' names that are no words, and names that say little even so.
_SPELLED = MappingProxyType(
    {
        "12m": "in 12 months",
        "180d": "in 180 days",
        "90d": "in 90 days",
        "clv": "customer value:",
        "csat": "CSAT",
        "nps": "NPS",
        "rfm": "RFM",
        "r": "recency",
        "f": "frequency",
        "m": "money",
    }
)
_NAMED = MappingProxyType({"p_alive": "Still a customer", "next_order_at": "Next order by"})
_FORMATS = MappingProxyType(
    {
        Kind.COUNT: "count",
        Kind.NUMBER: "number",
        # As in the sentences beside it.
        Kind.SHARE: "share",
        Kind.DAYS: "days",
        Kind.FLAG: "",
    }
)
_ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_MILLION = 1_000_000
# Below this many units cents matter, above they are noise.
_CENTS_BELOW = 100


def money(minor: float, currency: str | None) -> str:
    """An amount with its currency; a bare number when no currency was ever stated."""
    if isnan(minor):
        return UNKNOWN
    digits = minor_digits(currency)
    units = minor / 10**digits
    shown = _amount(abs(units), digits)
    sign = "−" if units < 0 and any(each in "123456789" for each in shown) else ""
    if currency is None:
        return f"{sign}{shown}"
    return f"{sign}{_SIGNS.get(currency, currency + ' ')}{shown}"


def share(value: float) -> str:
    """A share in percent, with a decimal where a whole number would say little."""
    if isnan(value):
        return UNKNOWN
    percent = value * 100
    if 0 < percent < 0.1:
        return "under 0.1%"
    if 0 < percent < 10 or 99 < percent < 100:
        return f"{percent:.1f}%".replace(".0%", "%")
    return f"{percent:.0f}%"


def between(found: Share) -> str:
    """A share with the bounds it lies between."""
    if isnan(found.value):
        return UNKNOWN
    return f"{share(found.value)} ({share(found.low)} to {share(found.high)})"


def change(value: float) -> str:
    """A change in percent with its sign."""
    if isnan(value):
        return UNKNOWN
    shown = f"{abs(value) * 100:.0f}%"
    if shown == "0%":
        return shown
    return f"{'+' if value > 0 else '−'}{shown}"


def signed(number: float) -> str:
    """A number with its sign, with a decimal where a whole number would say little."""
    if isnan(number):
        return UNKNOWN
    shown = f"{abs(number):,.0f}" if abs(number) >= 10 else f"{abs(number):.1f}"
    if not shown.strip("0."):
        return "0"
    return f"{'+' if number > 0 else '−'}{shown}"


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return UNKNOWN if isnan(number) else f"{number:,.0f}"


def counted(number: float, one: str, many: str = "") -> str:
    """A whole number and what it counts."""
    return f"{count(number)} {one if round(number) == 1 else many or one + 's'}"


def day(at_ms: int | None) -> str:
    """A UTC day."""
    if at_ms is None:
        return UNKNOWN
    return _spelled_day(datetime.fromtimestamp(at_ms / 1000, tz=UTC))


def short_day(at_ms: int) -> str:
    """A UTC day where there is little room."""
    moment = datetime.fromtimestamp(at_ms / 1000, tz=UTC)
    return f"{moment.day} {moment:%b %Y}"


def days_spelled(sentence: str) -> str:
    """The sentence with its days as 2026-01-31 written as elsewhere on the page."""
    return _ISO_DAY.sub(_respelled, sentence)


def month(number: int) -> str:
    """A month counted from January 1970."""
    return f"{first_of(number):%b %Y}"


def title(name: str) -> str:
    """A name of a choice or a segment as a title."""
    return name.replace("_", " ").capitalize().replace("Cant ", "Can't ")


def feature_name(name: str) -> str:
    """A feature's name as a reader says it."""
    spelled = " ".join(_SPELLED.get(part, part) for part in name.split("_"))
    return _NAMED.get(name, spelled[0].upper() + spelled[1:])


def feature_value(feature: Feature, value: Value, currency: str | None) -> str:
    """A feature's value as people read it."""
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value.replace("_", " ") if feature.choices else value
    match feature.kind:
        case Kind.MONEY:
            return money(value, currency)
        case Kind.MOMENT:
            return day(int(value))
        case _:
            return FORMATS[_FORMATS[feature.kind]](value)


def _respelled(found: re.Match[str]) -> str:
    try:
        return _spelled_day(date.fromisoformat(found[0]))
    except ValueError:
        # A category may be called anything.
        return found[0]


def _spelled_day(at: date) -> str:
    return f"{at.day} {at:%B %Y}"


def _amount(units: float, digits: int) -> str:
    if units >= _MILLION:
        return f"{units / _MILLION:,.2f} million"
    if units >= _CENTS_BELOW or digits == 0 or units == 0:
        return f"{units:,.0f}"
    return f"{units:,.{min(digits, 2)}f}"
