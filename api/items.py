"""The catalogue: what the shop sells, and what can be sold now."""

from __future__ import annotations

import logging

import msgspec
from flask import Blueprint, Response

from api import params
from api.access import json_answer, services
from api.bodies import check_free, decode, one_or_many, read_json
from api.problems import ItemsInvalid, ItemUnknown
from api.wire import FieldProblem, encode
from api.wire_items import ItemIn, ItemOut, ItemsStored, PublicItem, PublicItems
from engine.domain.catalog import ItemPatch
from engine.domain.events import check_id
from engine.errors import RequestInvalid, StoreUnavailable

ERRORS_SHOWN = 100
SECONDS_SHOWN = 60
_log = logging.getLogger(__name__)
blueprint = Blueprint("items", __name__)


@blueprint.put("/items")
def put() -> Response:
    """Set attributes of one item or of a batch; all of it is stored, or nothing."""
    params.allow()
    content = read_json()
    batch = one_or_many(content, key="items")
    named = (
        [("", msgspec.json.encode(content))]
        if batch is None
        else [(f"items[{index}]", data) for index, data in enumerate(batch)]
    )
    patches = _patches(named)
    revision = services().catalog.put(patches)
    _tell_cache(revision)
    return json_answer(encode(ItemsStored(stored=len(patches), catalog_revision=revision)))


@blueprint.get("/items")
def some() -> Response:
    """What a page may show of the items of a list."""
    params.allow("ids")
    asked = params.identifiers("ids", most=params.MAX_SHOWN)
    known = services().catalog.some(asked)
    names = PublicItem.__struct_fields__
    items = (known[each] for each in asked if each in known)
    shown = tuple(PublicItem(**{name: getattr(item, name) for name in names}) for item in items)
    response = json_answer(encode(PublicItems(items=shown)))
    # The same page shows the same items again and again.
    response.headers["Cache-Control"] = f"private, max-age={SECONDS_SHOWN}"
    return response


@blueprint.get("/items/<id:item_id>")
def get(item_id: str) -> Response:
    """One item as the catalogue holds it."""
    check_id(item_id, field="item_id")
    params.allow()
    item = services().catalog.get(item_id)
    if item is None:
        raise ItemUnknown("the catalogue does not describe this item; PUT /v1/items does")
    fields = {name: getattr(item, name) for name in ItemOut.__struct_fields__}
    return json_answer(encode(ItemOut(**fields)))


def _patches(named: list[tuple[str, bytes]]) -> list[ItemPatch]:
    patches: list[ItemPatch] = []
    problems: list[FieldProblem] = []
    for place, data in named:
        try:
            patches.append(_patch(data, place))
        except RequestInvalid as error:
            problems.append(FieldProblem(error.field, error.reason))
    if problems:
        raise ItemsInvalid(tuple(problems[:ERRORS_SHOWN]), count=len(problems))
    return patches


def _patch(data: bytes, place: str) -> ItemPatch:
    item = decode(data, ItemIn, field=place)
    prefix = f"{place}." if place else ""
    check_id(item.item_id, field=f"{prefix}item_id")
    if isinstance(item.category, str):
        check_id(item.category, field=f"{prefix}category")
    for name in ("title", "brand", "image_url", "url", "tags"):
        if "\0" in "".join(getattr(item, name) or ""):
            raise RequestInvalid("the text holds a NUL character", field=f"{prefix}{name}")
    if item.attributes is not msgspec.UNSET:
        check_free(item.attributes, field=f"{prefix}attributes")
    return ItemPatch(**msgspec.structs.asdict(item))


def _tell_cache(revision: int) -> None:
    try:
        services().cache.set_catalog_revision(revision)
    except StoreUnavailable as error:
        # The items are stored. The background tells the cache again, every second.
        _log.warning("the cache was not told of catalogue revision %d: %s", revision, error)
