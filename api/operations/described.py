"""What an operation and its parameters are, and the parameters that several take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from api import wire
from api.params import MAX_EXCLUDED
from engine.domain.events import MAX_ID_LENGTH
from engine.recommend.answer import DEFAULT_LIMIT, DEFAULT_PLACEMENT, MAX_LIMIT
from engine.recommend.control.config import Control, Likeness

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
    required: bool = False


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
SEGMENT_SCHEMA = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"}
SEGMENT = Parameter("name", "path", "The segment's name.", SEGMENT_SCHEMA, "candle_friends")


def limit(what: str, *, default: int, most: int) -> Parameter:
    """How many of what an answer holds at most."""
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return Parameter("limit", "query", f"How many {what} at most.", schema, default)


def flag(name: str, description: str) -> Parameter:
    """A yes or no in the query; no when it is left out."""
    return Parameter(name, "query", description, {"type": "boolean", "default": False}, True)


def placement(default: str, description: str = "Where the list will be shown.") -> Parameter:
    """Where a list will be shown."""
    schema = {**ID_SCHEMA, "default": default}
    return Parameter("placement", "query", description, schema, default)


def _share(name: str, description: str) -> Parameter:
    low, high = Control.BOUNDS[name]
    schema = {"type": "number", "minimum": low, "maximum": high}
    return Parameter(
        name, "query", f"{description}; as the shop has it when left out.", schema, 0.3
    )


def _cap(name: str, what: str) -> Parameter:
    low, high = Control.BOUNDS[name]
    schema = {"type": "integer", "minimum": low, "maximum": high}
    said = f"At most so many items of one {what}, while there are others."
    return Parameter(name, "query", said, schema, 3)


CONTROL_PARAMETERS = (
    _share("diversity", "0 to 1: how much items should differ from those above them"),
    Parameter(
        "diversity_by",
        "query",
        "By what items are alike.",
        {"type": "string", "enum": list(get_args(Likeness))},
        "category",
    ),
    _share(
        "calibration", "0 to 1: how closely the categories should mix as the customer buys them"
    ),
    _share("price_affinity", "0 to 1: how much prices should be such as the customer pays"),
    _cap("category_cap", "category"),
    _cap("brand_cap", "brand"),
)
_FILTERS = (
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
    *CONTROL_PARAMETERS,
)


def list_parameters(where: Parameter) -> tuple[Parameter, ...]:
    """What every list takes in its query."""
    return (where, *_FILTERS)


LIST_PARAMETERS = list_parameters(placement(DEFAULT_PLACEMENT))
