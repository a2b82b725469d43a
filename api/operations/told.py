"""Operations by which a shop tells what happened and what it sells, and those of the service."""

from __future__ import annotations

from api import wire, wire_health, wire_items
from api.operations.described import ID_SCHEMA, ITEM_ID, Operation, Parameter, flag
from api.params import MAX_SHOWN

TOLD = (
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
            "of ours, or a Segment name such as `Order Completed`. `lines` are in minor units; "
            "GA4's `items`, `transaction_id` and `value` are taken in its major units. Content "
            "for which there is no field goes into `properties`."
        ),
        answer=wire.EventResults,
        errors=(400, 409, 413, 415, 500, 503),
        parameters=(flag("backfill", "The events are of long ago: none is held to be a robot's."),),
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
        answer=wire_items.ItemsStored,
        errors=(400, 413, 415, 500, 503),
        bodies=(wire_items.ItemIn, wire_items.ItemsIn),
    ),
    Operation(
        name="get_items",
        method="get",
        path="/v1/items",
        tag="Catalogue",
        summary="What a page may show of items",
        description=(
            "Titles, links, pictures and prices of the items of a list, without what they cost the "
            "shop. Those that were never described are left out."
        ),
        answer=wire_items.PublicItems,
        errors=(400, 500, 503),
        parameters=(
            Parameter(
                "ids",
                "query",
                "The items; repeated, or separated by commas.",
                {"type": "array", "items": ID_SCHEMA, "minItems": 1, "maxItems": MAX_SHOWN},
                ["85123A", "22423"],
                required=True,
            ),
        ),
    ),
    Operation(
        name="get_item",
        method="get",
        path="/v1/items/{item_id}",
        tag="Catalogue",
        summary="One item as the catalogue holds it",
        description=(
            "404 when it was never described. The ids `popular` and those that end in `/similar`, "
            "`/bought-together` or `/audience` name other operations here."
        ),
        answer=wire_items.ItemOut,
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
        answer=wire_health.Health,
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
        answer=wire_health.Readiness,
        errors=(500, 503),
    ),
)
