"""Lists: for a customer, for an item, for what is in hand, and popular ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, request

from api import params
from api.access import check_own, json_answer, services
from api.bodies import decode, read_json
from api.door.fast_lane import REQUEST_NAME
from api.list_answers import request_name
from api.telemetry.hints import leave_list
from api.wire_lists import BasketIn, ListIn, RerankIn, SessionIn
from engine.domain.events import check_id
from engine.recommend.answer import BUY_AGAIN, DISCOVER, Request
from engine.recommend.basket import Hand
from engine.recommend.control.config import ControlPatch

blueprint = Blueprint("recommendations", __name__)
_Body = TypeVar("_Body", BasketIn, SessionIn, RerankIn)


@blueprint.get("/customers/<id:customer_id>/recommendations")
def for_customer(customer_id: str) -> Response:
    """What this customer should see now; the placement may say which kind of list."""
    asked = params.list_request().of_placement()
    # For the fast lane: whoever asks the same again, asks for this.
    request.environ[REQUEST_NAME] = request_name(asked)
    return _personal(customer_id, asked)


@blueprint.get("/customers/<id:customer_id>/buy-again")
def buy_again(customer_id: str) -> Response:
    """What this customer bought and should be shown again."""
    asked = params.list_request(placement=BUY_AGAIN)
    return _personal(customer_id, replace(asked, again_only=True))


@blueprint.get("/customers/<id:customer_id>/discover")
def discover(customer_id: str) -> Response:
    """What this customer never bought and should see."""
    asked = params.list_request(placement=DISCOVER)
    return _personal(customer_id, replace(asked, new_only=True))


@blueprint.get("/items/<id:item_id>/similar")
def similar(item_id: str) -> Response:
    """Items like this one."""
    check_id(item_id, field="item_id")
    return _listed(services().lists.similar(item_id, params.list_request()))


@blueprint.get("/items/<id:item_id>/bought-together")
def bought_together(item_id: str) -> Response:
    """Items that are in one order with this one."""
    check_id(item_id, field="item_id")
    return _listed(services().lists.bought_together(item_id, params.list_request()))


@blueprint.get("/items/popular")
def popular() -> Response:
    """The items that sell best now, in the whole shop or in a segment."""
    asked, segment = params.list_request("segment"), params.identifier("segment")
    return _listed(services().lists.popular(asked, segment=segment))


@blueprint.post("/basket/recommendations")
def for_basket() -> Response:
    """What goes with a basket."""
    body = _body(BasketIn)
    if body.customer_id is not None:
        check_id(body.customer_id, field="customer_id")
        check_own(body.customer_id, field="customer_id")
    answer = services().lists.for_hand(
        Hand(body.items), _request(body), customer_id=body.customer_id
    )
    return _listed(answer, private=True)


@blueprint.post("/sessions/recommendations")
def for_session() -> Response:
    """What goes with what a visitor looked at."""
    body = _body(SessionIn)
    answer = services().lists.for_hand(Hand(body.items, viewed=True), _request(body))
    return _listed(answer, private=True)


@blueprint.post("/rerank")
def rerank() -> Response:
    """A given choice of items in a customer's order."""
    body = _body(RerankIn)
    check_id(body.customer_id, field="customer_id")
    check_own(body.customer_id, field="customer_id")
    answer = services().lists.rerank(body.customer_id, body.items, _request(body))
    return _listed(answer, private=True)


def _personal(customer_id: str, asked: Request) -> Response:
    check_id(customer_id, field="customer_id")
    return _listed(services().lists.for_customer(customer_id, asked), private=True)


def _listed(body: bytes, *, private: bool = False) -> Response:
    leave_list(request.environ, body)
    return json_answer(body, private=private)


def _body(kind: type[_Body]) -> _Body:
    params.allow()
    body = decode(msgspec.json.encode(read_json()), kind, closed=True)
    for index, each in enumerate(body.items):
        check_id(each, field=f"items[{index}]")
    return body


def _request(body: ListIn) -> Request:
    check_id(body.placement, field="placement")
    if body.category is not None:
        check_id(body.category, field="category")
    for index, each in enumerate(body.exclude_item_ids):
        check_id(each, field=f"exclude_item_ids[{index}]")
    wished = {name: getattr(body, name) for name in ControlPatch.__struct_fields__}
    return Request(
        limit=body.limit,
        placement=body.placement,
        category=body.category,
        exclude_item_ids=frozenset(body.exclude_item_ids),
        strict_filtering=body.strict_filtering,
        control=params.checked(ControlPatch(**wished)),
    )
