"""The pages of the sample shop."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, render_template, request

from api import params
from api.access import json_answer, services
from api.headers import PRIVATE
from api.storefront import cart as carts
from api.storefront import orders, shelf, tiles
from api.storefront.visitor import (
    CART,
    CONSENT,
    CUSTOMER,
    DENIED,
    GRANTED,
    Visitor,
    check_origin,
    keep,
    sample,
    visitor,
)
from engine.domain.events import check_id

# As strict as a shop's own: no script and no style but from here.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HOME = "/storefront/"
BEST = 8
AISLES = 10
AISLE = 24
blueprint = Blueprint("storefront", __name__, template_folder="templates", static_folder="static")
blueprint.before_request(check_origin)


@blueprint.get("/")
def home() -> Response:
    """What the visitor should see now, and the way into the aisles."""
    best = shelf.shown(
        services(), shelf.best_sellers(services(), aisle=None, limit=params.MAX_SHOWN)
    )
    aisles = list(dict.fromkeys(each.aisle for each in best if each.aisle))[:AISLES]
    return _page("home", best=best[:BEST], aisles=aisles)


@blueprint.get("/aisles/<id:aisle>")
def one_aisle(aisle: str) -> Response:
    """What sells best in one aisle."""
    check_id(aisle, field="category")
    found = shelf.best_sellers(services(), aisle=aisle, limit=AISLE)
    if not found:
        return _page("gone", status=HTTPStatus.NOT_FOUND)
    return _page("aisle", aisle=aisle, items=shelf.shown(services(), found))


@blueprint.get("/items/<id:item_id>")
def item(item_id: str) -> Response:
    """One item, with what goes with it."""
    check_id(item_id, field="item_id")
    if services().catalog.get(item_id) is None:
        return _page("gone", status=HTTPStatus.NOT_FOUND)
    (found,) = shelf.shown(services(), [item_id])
    return _page("item", item=found)


@blueprint.get("/items.json")
def described() -> Response:
    """Items as the cards of a list show them."""
    asked = params.identifiers("ids", most=params.MAX_SHOWN)
    known = services().catalog.some(asked)
    items = [
        {**msgspec.structs.asdict(each), "url": f"{HOME}items/{quote(each.item_id, safe='')}"}
        for each in shelf.shown(services(), [each for each in asked if each in known])
    ]
    return json_answer(msgspec.json.encode({"items": items}))


@blueprint.get("/tiles/<shape>-<int:hue>-<int:tone>.svg")
def tile(shape: str, hue: int, tone: int) -> Response:
    """The picture of an item that has none."""
    if shape not in tiles.SHAPES or hue >= tiles.HUES or tone >= tiles.TONES:
        return _page("gone", status=HTTPStatus.NOT_FOUND)
    response = Response(tiles.drawn(shape, hue=hue, tone=tone), content_type="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@blueprint.get("/cart")
def cart() -> Response:
    """The cart. Its order has an id before it is placed, so that it is placed once."""
    return _page("cart", order_id=uuid.uuid4().hex, **_priced(visitor().cart))


@blueprint.post("/cart")
def change_cart() -> Response:
    """Put an item into the cart, or take it out."""
    item_id = request.form.get("item_id", "")
    check_id(item_id, field="item_id")
    by = -carts.MOST_OF_ONE if request.form.get("act") == "remove" else 1
    after = carts.changed(visitor().cart, item_id, by=by)
    return keep(_to(f"{HOME}cart"), CART, carts.written(after) if after else "")


@blueprint.post("/orders")
def order() -> Response:
    """Place the order: the shop's server tells of the purchase, not the page."""
    who = visitor()
    if not who.cart:
        return _to(f"{HOME}cart")
    order_id, visitor_id = request.form.get("order_id", ""), request.form.get("anonymous_id")
    check_id(order_id, field="order_id")
    known = {each.item_id: each for each in shelf.shown(services(), list(who.cart))}
    event = orders.purchase(
        order_id,
        who.cart,
        known,
        who={"customer_id": who.customer_id, "anonymous_id": visitor_id or None},
        currency=sample().currency(),
    )
    told = orders.told(services(), event)
    page = _page("thanks", told=told, who=Visitor(who.household, who.consent))
    return keep(page, CART, "")


@blueprint.post("/visitor")
def become() -> Response:
    """Be another visitor, with an empty cart."""
    said = request.form.get("customer", "")
    known = {each.customer_id for each in sample().households()}
    return keep(keep(_to(HOME), CART, ""), CUSTOMER, said if said in known else "")


@blueprint.post("/consent")
def consent() -> Response:
    """Remember what the visitor agreed to."""
    granted = request.form.get("granted") == "true"
    back = request.form.get("back", "")
    # To a page of this shop only: an address such as //other.example would lead elsewhere.
    target = back if back.startswith(HOME) else HOME
    return keep(_to(target), CONSENT, GRANTED if granted else DENIED)


def _page(
    name: str,
    *,
    status: HTTPStatus = HTTPStatus.OK,
    who: Visitor | None = None,
    **content: object,
) -> Response:
    who = who or visitor()
    html = render_template(
        f"storefront/{name}.html",
        visitor=who,
        households=sample().households(),
        currency=sample().currency(),
        key=sample().key,
        token=sample().token(who.customer_id),
        money=shelf.money,
        readable=shelf.readable,
        **content,
    )
    response = Response(html, status=status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    # Without it a form of these pages says it comes from nowhere.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = PRIVATE
    return response


def _priced(held: dict[str, int]) -> dict[str, Any]:
    items = shelf.shown(services(), list(held))
    known = [each.price * held[each.item_id] for each in items if each.price is not None]
    return {"items": items, "total": sum(known) if known else None}


def _to(address: str) -> Response:
    return Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address})
