"""Amounts as people write them, 19.99, into minor units, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from engine.errors import RequestInvalid

# ISO 4217: digits behind the point of currencies that do not have two.
_NONE = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"),
    *("VND", "VUV", "XAF", "XOF", "XPF"),
)
MINOR_DIGITS: Mapping[str, int] = {
    **dict.fromkeys(_NONE, 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
USUAL_DIGITS = 2
# Far above any amount the log takes, and small enough to count with.
_MOST = Decimal(10) ** 15


def minor_digits(currency: str | None) -> int:
    """How many digits behind the point the currency has, 2 when none is named."""
    return MINOR_DIGITS.get(currency or "", USUAL_DIGITS)


def amount(told: object, *, field: str) -> Decimal | None:
    """The number that was written, as a number or as text, None when nothing was.

    Raises RequestInvalid for what is no amount.
    """
    if told is None or told == "":
        return None
    if isinstance(told, bool) or not isinstance(told, int | float | str | Decimal):
        raise RequestInvalid(f"{told!r:.60} is no amount; send a number", field=field)
    try:
        # The shortest text of a float is what its sender wrote, up to 15 digits.
        found = Decimal(str(told).strip())
    except InvalidOperation as error:
        raise RequestInvalid(f"{told!r:.60} is no amount; send 19.99", field=field) from error
    if not found.is_finite() or abs(found) > _MOST:
        raise RequestInvalid(f"{told!r:.60} is no amount that can be paid", field=field)
    return found


def in_minor_units(told: Decimal, currency: str | None) -> int:
    """The amount in minor units of the currency; what is smaller is rounded, half of one up."""
    scaled = told.scaleb(minor_digits(currency))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """The total in whole parts as the weights are, which sum up to it exactly.

    The largest remainders get what is left over, the first of equal ones first; where all weights
    are 0 nobody gets anything.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: -(total * weights[place] % whole))
    for place in by_remainder[: total - sum(parts)]:
        parts[place] += 1
    return parts
