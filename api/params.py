"""Reading query parameters: known ones, once each, within their bounds."""

from __future__ import annotations

import re
from typing import Any, get_args

from flask import request

from api.guard.credentials import PARAMETERS
from engine.domain.events import check_id
from engine.errors import RequestInvalid
from engine.recommend.answer import DEFAULT_LIMIT, DEFAULT_PLACEMENT, MAX_LIMIT, Request
from engine.recommend.control.config import Control, ControlPatch, Likeness, problems_of

CONTROL_SHARES = ("diversity", "calibration", "price_affinity")
CONTROL_CAPS = ("category_cap", "brand_cap")
LIST_PARAMETERS = (
    "placement",
    "limit",
    "category",
    "exclude_item_ids",
    "strict_filtering",
    "diversity",
    "diversity_by",
    "calibration",
    "price_affinity",
    "category_cap",
    "brand_cap",
)
MAX_EXCLUDED = 1_000
# Of items that are shown together: as many as the longest list has.
MAX_SHOWN = MAX_LIMIT
# Of a page of customers.
DEFAULT_ROWS = 100
MAX_ROWS = 1_000
# float() takes more than decimal numbers: spaces, underscores, names, digits of other scripts.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def list_request(*others: str, placement: str = DEFAULT_PLACEMENT) -> Request:
    """What the query of the current request asks a list to hold; it may have the `others` too."""
    allow(*LIST_PARAMETERS, *others)
    return Request(
        limit=limit(default=DEFAULT_LIMIT, most=MAX_LIMIT),
        placement=identifier("placement") or placement,
        category=identifier("category"),
        exclude_item_ids=_excluded(request.args.getlist("exclude_item_ids")),
        strict_filtering=flag("strict_filtering"),
        control=_control(),
    )


def checked(patch: ControlPatch) -> ControlPatch | None:
    """What a request wants otherwise, None for nothing; RequestInvalid when it cannot be."""
    problems = problems_of(patch.applied_to(Control()))
    if problems:
        name, _, reason = problems[0].partition(" ")
        raise RequestInvalid(reason, field=name)
    return None if patch == ControlPatch() else patch


def _control() -> ControlPatch | None:
    given: dict[str, Any] = {
        name: number for name in CONTROL_SHARES if (number := _number(name)) is not None
    }
    low, high = Control.BOUNDS["category_cap"]
    for name in CONTROL_CAPS:
        if _one(name) is not None:
            given[name] = whole(name, low=int(low), high=int(high))
    by = _one("diversity_by")
    if by is not None:
        if by not in get_args(Likeness):
            allowed = ", ".join(get_args(Likeness))
            raise RequestInvalid(f"{by[:40]!r} is none of {allowed}", field="diversity_by")
        given["diversity_by"] = by
    return checked(ControlPatch(**given))


def _number(name: str) -> float | None:
    raw = _one(name)
    if raw is None:
        return None
    low, high = Control.BOUNDS[name]
    if _NUMBER.fullmatch(raw) and low <= float(raw) <= high:
        return float(raw)
    raise RequestInvalid(f"{raw[:40]!r} is no number from {low:g} to {high:g}", field=name)


def allow(*names: str) -> None:
    """Raise RequestInvalid when the query has a parameter beside the named ones."""
    for name in request.args:
        if name not in names and name not in PARAMETERS:
            allowed = f"allowed are {', '.join(names)}" if names else "this address takes none"
            raise RequestInvalid(f"no such parameter; {allowed}", field=name)


def limit(*, default: int, most: int) -> int:
    """How many are asked for, from 1 to `most`."""
    return default if _one("limit") is None else whole("limit", low=1, high=most)


def whole(name: str, *, low: int, high: int) -> int:
    """A whole number that the query must have, within its bounds."""
    raw = _one(name) or ""
    # int() takes more than digits: signs, spaces, underscores, digits of other scripts.
    if raw.isascii() and raw.isdecimal() and len(raw) < 10 and low <= int(raw) <= high:
        return int(raw)
    raise RequestInvalid(f"{raw[:40]!r} is no whole number from {low} to {high}", field=name)


def identifier(name: str) -> str | None:
    """An id, None when the query has none."""
    value = _one(name)
    if value is not None:
        check_id(value, field=name)
    return value


def identifiers(name: str, *, most: int) -> tuple[str, ...]:
    """The ids that the query must have, once each, from repeated and comma-separated values.

    An id may hold a comma itself: such a value stands for the whole and for its parts.
    """
    values = request.args.getlist(name)
    parts = [part for value in values for part in value.split(",")]
    if not 1 <= len(parts) <= most:
        raise RequestInvalid(f"1 to {most} ids, these are {len(parts)}", field=name)
    for part in parts:
        check_id(part, field=name)
    return tuple(dict.fromkeys([*parts, *values]))


def flag(name: str) -> bool:
    """Whether the query says yes to it."""
    raw = _one(name)
    if raw is None:
        return False
    if raw not in _FLAGS:
        raise RequestInvalid(f"{raw[:40]!r} is neither true nor false", field=name)
    return _FLAGS[raw]


def _one(name: str) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise RequestInvalid(f"given {len(values)} times; send it once", field=name)
    return values[0] if values else None


def _excluded(values: list[str]) -> frozenset[str]:
    """The ids to leave out, from repeated parameters and comma-separated ones.

    An id may hold a comma itself: such a value stands for the whole and for its parts.
    """
    parts = [part for value in values for part in value.split(",")]
    if len(parts) > MAX_EXCLUDED:
        raise RequestInvalid(
            f"at most {MAX_EXCLUDED} ids, these are {len(parts)}", field="exclude_item_ids"
        )
    for part in parts:
        check_id(part, field="exclude_item_ids")
    return frozenset(parts).union(values)
