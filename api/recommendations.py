"""Lists: for a customer, like an item, and popular ones."""

from __future__ import annotations

from flask import Blueprint, Response

from api import params
from api.access import json_answer, services
from engine.domain.events import check_id

blueprint = Blueprint("recommendations", __name__)


@blueprint.get("/customers/<id:customer_id>/recommendations")
def for_customer(customer_id: str) -> Response:
    """What this customer should see now."""
    check_id(customer_id, field="customer_id")
    body = services().lists.for_customer(customer_id, params.list_request())
    return json_answer(body, private=True)


@blueprint.get("/items/<id:item_id>/similar")
def similar(item_id: str) -> Response:
    """Items like this one."""
    check_id(item_id, field="item_id")
    return json_answer(services().lists.similar(item_id, params.list_request()))


@blueprint.get("/items/popular")
def popular() -> Response:
    """The items that sell best now."""
    return json_answer(services().lists.popular(params.list_request()))
