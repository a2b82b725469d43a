"""Operations on customers: what they are like, which segments they are in, what they want."""

from __future__ import annotations

from api import wire_customers as wire
from api import wire_tokens
from api.operations.described import (
    CUSTOMER_ID,
    ID_SCHEMA,
    ITEM_ID,
    Operation,
    Parameter,
    flag,
    limit,
)
from engine.recommend.answer import DEFAULT_LIMIT, MAX_LIMIT

ANONYMOUS_ID = Parameter(
    "anonymous_id", "path", "The id of the visitor's device or cookie.", ID_SCHEMA, "c1f6-77"
)
CUSTOMERS = (
    Operation(
        name="mint_token",
        method="post",
        path="/v1/customers/{customer_id}/token",
        tag="Customers",
        summary="A token for this customer's own page",
        description=(
            "For the shop's server, once it knows who is logged in. The page sends the token "
            "beside its publishable key, as the header `X-Customer-Token` or the parameter "
            "`token`, and is then shown this customer's lists, and no other's. It cannot be taken "
            "back before it ends: give it an hour, not a week."
        ),
        answer=wire_tokens.TokenOut,
        errors=(400, 413, 415, 500, 503),
        parameters=(CUSTOMER_ID,),
        bodies=(wire_tokens.TokenIn,),
    ),
    Operation(
        name="profile",
        method="get",
        path="/v1/customers/{customer_id}/profile",
        tag="Customers",
        summary="Who this customer is",
        description=(
            "Totals net of refunds, the 100 items bought last, every feature of the customer "
            "model, categories by preference, and segments, worked out at this moment: it shows "
            "the last acknowledged event. A feature's value is null where nothing is known; with "
            "`explain` each says in words what it is, or what would make it known."
        ),
        answer=wire.Profile,
        errors=(400, 404, 500, 503),
        parameters=(CUSTOMER_ID, flag("explain", "Add a sentence to every feature.")),
    ),
    Operation(
        name="customer_segments",
        method="get",
        path="/v1/customers/{customer_id}/segments",
        tag="Customers",
        summary="The segments this customer is in, and why",
        description=(
            "Worked out at this moment. `entered_at` is when the customer was first noted in it. "
            "With `why` every condition stands with its verdict and the value it saw; with `name` "
            "the answer is about that segment alone, also when the customer is not in it."
        ),
        answer=wire.CustomerSegments,
        errors=(400, 404, 500, 503),
        parameters=(
            CUSTOMER_ID,
            flag("why", "Add the conditions with their verdicts."),
            Parameter("name", "query", "One segment.", ID_SCHEMA, "champions"),
        ),
    ),
    Operation(
        name="audience",
        method="get",
        path="/v1/items/{item_id}/audience",
        tag="Customers",
        summary="The customers most likely to want this item",
        description=(
            "Looked at are buyers of the item and of the 50 nearest to it in the shop's last "
            "10,000 orders, and customers whose favourite category it is; each gets the score "
            "that the item has in their own list. Left out is who just bought it and who does not "
            "want personal service. An item the model does not know goes to those who like its "
            "category, labelled `unknown_item`; `no_model` likewise. 404 when nobody described or "
            "bought it."
        ),
        answer=wire.Audience,
        errors=(400, 404, 500, 503),
        parameters=(ITEM_ID, limit("customers", default=DEFAULT_LIMIT, most=MAX_LIMIT)),
    ),
    Operation(
        name="split_identity",
        method="delete",
        path="/v1/customers/{customer_id}/identities/{anonymous_id}",
        tag="Customers",
        summary="Take an anonymous visitor apart from this customer",
        description=(
            "What the visitor did is no longer the customer's, as if the two had never been "
            "joined, and later events that carry both ids do not join them again. 404 where they "
            "were not joined."
        ),
        answer=wire.IdentitySplit,
        errors=(400, 404, 500, 503),
        parameters=(CUSTOMER_ID, ANONYMOUS_ID),
    ),
)
