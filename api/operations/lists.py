"""Operations that answer with a list of items."""

from __future__ import annotations

from api import wire
from api.operations.described import CUSTOMER_ID, ITEM_ID, LIST_PARAMETERS, Operation

LISTS = (
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
)
