"""A customer's features in words: sentences with the customer's own numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from string import Formatter
from types import MappingProxyType

from engine.domain.features import Value
from engine.loyalty.feature import Feature, Kind

UNKNOWN = "unknown"
# Minor units of a currency to its unit: cents.
_CENTS = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Templates speak of orders in the plural; one is an order.
_ONE = re.compile(
    r"(?<![\d.,])1 (order|contact|complaint|visit|mail|month|unit|answer|rating|point)s\b"
)


def sentence(feature: Feature, row: Mapping[str, Value]) -> str:
    """What the feature's value is for the customer whose values are in `row`, as a sentence.

    A value that is unknown gives what would make it known; one that the sentence mentions beside
    it is called unknown. Money is written in units of a hundred minor ones, without a currency.
    """
    value = row.get(feature.name)
    if value is None:
        return f"Unknown; it takes {feature.needs}."
    template = feature.sentences.get(str(value), feature.sentence)
    if feature.kind is Kind.FLAG:
        template = feature.sentences.get("yes" if value else "no", template)
    written = "".join(
        literal + (_rendered(name, shown or "", feature, row) if name is not None else "")
        for literal, name, shown, _ in Formatter().parse(template)
    )
    return _ONE.sub(r"1 \1", written)


def _rendered(name: str, shown: str, feature: Feature, row: Mapping[str, Value]) -> str:
    value = row.get(name)
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value.replace("_", " ") if name == feature.name and feature.choices else value
    return FORMATS[shown](value)


def _days(value: float) -> str:
    whole = round(value)
    return f"{whole:,} day" if whole == 1 else f"{whole:,} days"


def _share(value: float) -> str:
    # One in a hundred thousand is not none.
    if 0 < value < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= value < 1:
        return "over 99.9 %"
    return (
        f"{100 * value:.1f} %" if 0 < value < 0.1 or 0.99 <= value < 1 else f"{100 * value:.0f} %"
    )


def _money(value: float) -> str:
    return f"{value / _CENTS:,.2f}"


def _date(value: float) -> str:
    return (_EPOCH + timedelta(milliseconds=value)).date().isoformat()


def _number(value: float) -> str:
    if value == 0:
        return "0"
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _flag(value: float) -> str:
    return "yes" if value else "no"


FORMATS: Mapping[str, Callable[[float], str]] = MappingProxyType(
    {
        "days": _days,
        "share": _share,
        "money": _money,
        "date": _date,
        "number": _number,
        "count": _count,
        # Without a format a value is a flag, or a text and written as it is.
        "": _flag,
    }
)
