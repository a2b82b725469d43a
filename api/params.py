"""Reading query parameters: known ones, once each, within their bounds."""

from __future__ import annotations

from flask import request

from engine.domain.events import check_id
from engine.errors import RequestInvalid
from engine.recommend.answer import DEFAULT_LIMIT, DEFAULT_PLACEMENT, MAX_LIMIT, Request

LIST_PARAMETERS = ("placement", "limit", "category", "exclude_item_ids", "strict_filtering")
MAX_EXCLUDED = 1_000
# Of a page of customers.
DEFAULT_ROWS = 100
MAX_ROWS = 1_000
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def list_request() -> Request:
    """What the query of the current request asks a list to hold."""
    allow(*LIST_PARAMETERS)
    return Request(
        limit=limit(default=DEFAULT_LIMIT, most=MAX_LIMIT),
        placement=identifier("placement") or DEFAULT_PLACEMENT,
        category=identifier("category"),
        exclude_item_ids=_excluded(request.args.getlist("exclude_item_ids")),
        strict_filtering=flag("strict_filtering"),
    )


def allow(*names: str) -> None:
    """Raise RequestInvalid when the query has a parameter beside the named ones."""
    for name in request.args:
        if name not in names:
            allowed = f"allowed are {', '.join(names)}" if names else "this address takes none"
            raise RequestInvalid(f"no such parameter; {allowed}", field=name)


def limit(*, default: int, most: int) -> int:
    """How many are asked for, from 1 to `most`."""
    raw = _one("limit")
    if raw is None:
        return default
    # int() takes more than digits: signs, spaces, underscores, digits of other scripts.
    if raw.isascii() and raw.isdecimal() and len(raw) < 10 and 1 <= int(raw) <= most:
        return int(raw)
    raise RequestInvalid(f"{raw[:40]!r} is no whole number from 1 to {most}", field="limit")


def identifier(name: str) -> str | None:
    """An id, None when the query has none."""
    value = _one(name)
    if value is not None:
        check_id(value, field=name)
    return value


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
