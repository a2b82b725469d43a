"""What a shop told of a customer, as conditions compare it: plain texts, numbers and flags."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from engine.segments.conditions import Scalar


def comparable(value: object) -> Scalar | None:
    """A text, a number as float, or a flag; None for what cannot be compared.

    That is anything else, numbers that are not finite, and texts that PostgreSQL cannot hold.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if storable(value) else None
    if isinstance(value, int | float):
        return _finite(value)
    return None


def storable(text: str) -> bool:
    """Whether every database holds the text: no NUL, no half of a surrogate pair."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def attributes_json(traits: Mapping[str, object]) -> str:
    """The attributes as the text that `customer_features.attributes` holds, sorted by name.

    What cannot be compared is left out, so that one odd value cannot spoil a query over everyone.
    """
    kept = {
        name: value
        for name, value in traits.items()
        if storable(name) and comparable(value) is not None
    }
    return msgspec.json.encode(kept, order="deterministic").decode()


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
