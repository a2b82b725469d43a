"""Operations that answer with a list of items."""

from __future__ import annotations

from api import wire, wire_lists
from api.operations.described import (
    CUSTOMER_ID,
    ITEM_ID,
    LIST_PARAMETERS,
    SEGMENT_SCHEMA,
    Operation,
    Parameter,
    list_parameters,
    placement,
)
from engine.recommend.answer import BUY_AGAIN, DEFAULT_PLACEMENT, DISCOVER

_TAG = "Recommendations"
_BODY_ERRORS = (400, 413, 415, 500)
_WHERE = (
    "Where the list will be shown. `discover`: only what is new to the customer; `buy_again`: "
    "only what they bought; any other: both."
)

LISTS = (
    Operation(
        name="recommend",
        method="get",
        path="/v1/customers/{customer_id}/recommendations",
        tag=_TAG,
        summary="What this customer should see now",
        description=(
            "Unavailable, just bought and excluded items are left out and the list is filled up "
            "to `limit`. A customer nobody has heard of gets popular items, labelled "
            "`unknown_customer`; so does everybody, labelled, while the database is away. One of "
            "whom only interests or segments are known gets what sells there."
        ),
        answer=wire.Recommendations,
        errors=(400, 500),
        parameters=(CUSTOMER_ID, *list_parameters(placement(DEFAULT_PLACEMENT, _WHERE))),
    ),
    Operation(
        name="buy_again",
        method="get",
        path="/v1/customers/{customer_id}/buy-again",
        tag=_TAG,
        summary="What this customer should buy again",
        description=(
            "Only items the customer bought, those due first. It stays short, or empty, for one "
            "who bought little."
        ),
        answer=wire.Recommendations,
        errors=(400, 500),
        parameters=(CUSTOMER_ID, *list_parameters(placement(BUY_AGAIN))),
    ),
    Operation(
        name="discover",
        method="get",
        path="/v1/customers/{customer_id}/discover",
        tag=_TAG,
        summary="What is new to this customer",
        description="Only items the customer never bought.",
        answer=wire.Recommendations,
        errors=(400, 500),
        parameters=(CUSTOMER_ID, *list_parameters(placement(DISCOVER))),
    ),
    Operation(
        name="similar",
        method="get",
        path="/v1/items/{item_id}/similar",
        tag=_TAG,
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
        name="bought_together",
        method="get",
        path="/v1/items/{item_id}/bought-together",
        tag=_TAG,
        summary="Items that go into one order with this one",
        description=(
            "More often than both sell by themselves. An item the model does not know gets "
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
        tag=_TAG,
        summary="The items that sell best now",
        description=(
            "For a visitor nothing is known of. With `segment`, what its members buy; a small one "
            "is mixed with the shop, one that bought nothing gets what sells in the shop, labelled "
            "`empty_segment`."
        ),
        answer=wire.Recommendations,
        errors=(400, 404, 500),
        parameters=(
            *LIST_PARAMETERS,
            Parameter(
                "segment", "query", "Among the members of this one.", SEGMENT_SCHEMA, "loyal"
            ),
        ),
    ),
    Operation(
        name="for_basket",
        method="post",
        path="/v1/basket/recommendations",
        tag=_TAG,
        summary="What goes with a basket",
        description=(
            "For a known customer, mixed with what they usually want. Nothing in the basket comes "
            "back. Without an item the model knows it is the customer's own list, or popular "
            "items, labelled `unknown_basket`."
        ),
        answer=wire.Recommendations,
        errors=_BODY_ERRORS,
        bodies=(wire_lists.BasketIn,),
    ),
    Operation(
        name="for_session",
        method="post",
        path="/v1/sessions/recommendations",
        tag=_TAG,
        summary="What goes with what a visitor looked at",
        description=(
            "For someone nobody knows. Nothing they looked at comes back. Without an item the "
            "model knows it is popular items, labelled `unknown_basket`."
        ),
        answer=wire.Recommendations,
        errors=_BODY_ERRORS,
        bodies=(wire_lists.SessionIn,),
    ),
    Operation(
        name="rerank",
        method="post",
        path="/v1/rerank",
        tag=_TAG,
        summary="A choice of items in a customer's order",
        description=(
            "Up to 1,000 items, such as the hits of a search; the first `limit` come back. "
            "Unavailable and excluded items are left out, just bought ones are not. Items the "
            "model does not know come last, in the order given, with the source `given`."
        ),
        answer=wire.Recommendations,
        errors=_BODY_ERRORS,
        bodies=(wire_lists.RerankIn,),
    ),
)
