"""What an operation and its parameters are, and the parameters that several take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api import wire
from api.params import MAX_EXCLUDED
from engine.domain.events import MAX_ID_LENGTH
from engine.recommend.answer import DEFAULT_LIMIT, DEFAULT_PLACEMENT, MAX_LIMIT

ID_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID_LENGTH,
    "pattern": wire.ID_PATTERN,
}


@dataclass(frozen=True)
class Parameter:
    """A parameter in a path or a query, with its JSON schema."""

    name: str
    place: str
    description: str
    schema: Mapping[str, Any]
    example: Any


@dataclass(frozen=True)
class Operation:
    """One method of one path; `errors` are the statuses beside 200, `bodies` the types taken."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    answer: type
    errors: tuple[int, ...]
    parameters: tuple[Parameter, ...] = ()
    bodies: tuple[type, ...] = ()


CUSTOMER_ID = Parameter("customer_id", "path", "The shop's id of the customer.", ID_SCHEMA, "17850")
ITEM_ID = Parameter("item_id", "path", "The shop's id of the item.", ID_SCHEMA, "85123A")
SEGMENT = Parameter(
    "name",
    "path",
    "The segment's name.",
    {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"},
    "candle_friends",
)


def limit(what: str, *, default: int, most: int) -> Parameter:
    """How many of what an answer holds at most."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter("limit", "query", f"How many {what} at most.", schema, default)


def flag(name: str, description: str) -> Parameter:
    """A yes or no in the query; no when it is left out."""
    return Parameter(name, "query", description, {"type": "boolean", "default": False}, True)


LIST_PARAMETERS = (
    Parameter(
        "placement",
        "query",
        "Where the list will be shown.",
        {**ID_SCHEMA, "default": DEFAULT_PLACEMENT},
        "home",
    ),
    limit("items", default=DEFAULT_LIMIT, most=MAX_LIMIT),
    Parameter("category", "query", "Items of this category come first.", ID_SCHEMA, "kitchen"),
    Parameter(
        "exclude_item_ids",
        "query",
        "Items to leave out, such as those in the basket; repeated, or separated by commas.",
        {"type": "array", "items": ID_SCHEMA, "maxItems": MAX_EXCLUDED},
        ["85123A", "22423"],
    ),
    Parameter(
        "strict_filtering",
        "query",
        "With a category: nothing else, even if the list stays short.",
        {"type": "boolean", "default": False},
        False,
    ),
)
