"""Every operation of the API as data: what the document and the documentation page say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api import wire
from api.params import MAX_EXCLUDED
from engine.domain.events import MAX_ID_LENGTH
from engine.recommend.answer import DEFAULT_LIMIT, DEFAULT_PLACEMENT, MAX_LIMIT

_ID_SCHEMA = {
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


CUSTOMER_ID = Parameter(
    "customer_id", "path", "The shop's id of the customer.", _ID_SCHEMA, "17850"
)
ITEM_ID = Parameter("item_id", "path", "The shop's id of the item.", _ID_SCHEMA, "85123A")
LIST_PARAMETERS = (
    Parameter(
        "placement",
        "query",
        "Where the list will be shown.",
        {**_ID_SCHEMA, "default": DEFAULT_PLACEMENT},
        "home",
    ),
    Parameter(
        "limit",
        "query",
        "How many items at most.",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        10,
    ),
    Parameter("category", "query", "Items of this category come first.", _ID_SCHEMA, "kitchen"),
    Parameter(
        "exclude_item_ids",
        "query",
        "Items to leave out, such as those in the basket; repeated, or separated by commas.",
        {"type": "array", "items": _ID_SCHEMA, "maxItems": MAX_EXCLUDED},
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

OPERATIONS = (
    Operation(
        name="recommend",
        method="get",
        path="/v1/customers/{customer_id}/recommendations",
        tag="Recommendations",
        summary="What this customer should see now",
        description=(
            "Unavailable, just bought and excluded items are left out and the list is filled up "
            "to `limit`. A customer nobody has heard of gets popular items, labelled "
            "`unknown_customer`; so does everybody, labelled, while the database is away."
        ),
        answer=wire.Recommendations,
        errors=(400, 500),
        parameters=(CUSTOMER_ID, *LIST_PARAMETERS),
    ),
    Operation(
        name="similar",
        method="get",
        path="/v1/items/{item_id}/similar",
        tag="Recommendations",
        summary="Items like this one",
        description=(
            "Bought by the customers who bought this item. An item the model does not know gets "
            "popular items, labelled `unknown_item`."
        ),
        answer=wire.Recommendations,
        errors=(400, 500),
        parameters=(ITEM_ID, *LIST_PARAMETERS),
    ),
    Operation(
        name="popular",
        method="get",
        path="/v1/items/popular",
        tag="Recommendations",
        summary="The items that sell best now",
        description="For a visitor nothing is known of.",
        answer=wire.Recommendations,
        errors=(400, 500),
        parameters=LIST_PARAMETERS,
    ),
    Operation(
        name="profile",
        method="get",
        path="/v1/customers/{customer_id}/profile",
        tag="Customers",
        summary="Who this customer is",
        description=(
            "Totals net of refunds, the 100 items bought last, and recency, frequency and "
            "monetary scores by cuts frozen at training. It shows the last acknowledged event."
        ),
        answer=wire.Profile,
        errors=(400, 404, 500, 503),
        parameters=(CUSTOMER_ID,),
    ),
    Operation(
        name="record_events",
        method="post",
        path="/v1/events",
        tag="Events",
        summary="Tell what happened",
        description=(
            "One event or up to 1,000. When acknowledged, an event is durable, counted once "
            "however often it is sent, and the customer's next list and profile reflect it. A "
            "batch is always 200 and answers per event: `accepted`, `duplicate` (sent before: "
            "fine), `conflict` (same id, other content) or `rejected` with field and reason. A "
            "single event that conflicts is 409, a rejected one 400. The type is a GA4 name, one "
            "of ours, or a Segment name such as `Order Completed`. Content for which there is no "
            "field goes into `properties`."
        ),
        answer=wire.EventResults,
        errors=(400, 409, 413, 415, 500, 503),
        bodies=(wire.EventIn, wire.EventsIn),
    ),
    Operation(
        name="put_items",
        method="put",
        path="/v1/items",
        tag="Catalogue",
        summary="Set attributes of items",
        description=(
            "One item or up to 1,000, all stored or none. What is left out stays as it was; null "
            "makes it unknown. An item with `available` false is in no list from now on."
        ),
        answer=wire.ItemsStored,
        errors=(400, 413, 415, 500, 503),
        bodies=(wire.ItemIn, wire.ItemsIn),
    ),
    Operation(
        name="get_item",
        method="get",
        path="/v1/items/{item_id}",
        tag="Catalogue",
        summary="One item as the catalogue holds it",
        description=(
            "404 when it was never described. The ids `popular` and those that end in `/similar` "
            "name other operations here."
        ),
        answer=wire.ItemOut,
        errors=(400, 404, 500, 503),
        parameters=(ITEM_ID,),
    ),
    Operation(
        name="healthz",
        method="get",
        path="/healthz",
        tag="Operation",
        summary="Does the process answer?",
        description="200 whatever is missing around it.",
        answer=wire.Health,
        errors=(500,),
    ),
    Operation(
        name="readyz",
        method="get",
        path="/readyz",
        tag="Operation",
        summary="Does it answer in full?",
        description=(
            "`ready`; `degraded` with what is missing, while lists are still answered; or `down` "
            "(503) with neither a database nor a model."
        ),
        answer=wire.Readiness,
        errors=(500, 503),
    ),
)
