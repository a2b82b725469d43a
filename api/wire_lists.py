"""Requests for lists that travel in a body: a basket, a session, a choice to put in order."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from api.params import MAX_EXCLUDED
from api.wire import Id
from engine.recommend.answer import DEFAULT_LIMIT, DEFAULT_PLACEMENT, MAX_LIMIT
from engine.recommend.control.config import Control, Likeness

MAX_GIVEN = 1_000
_LEAST_PLACES, _MOST_PLACES = Control.BOUNDS["category_cap"]

Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Cap: TypeAlias = Annotated[int, Meta(ge=int(_LEAST_PLACES), le=int(_MOST_PLACES))]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
Items: TypeAlias = Annotated[tuple[Id, ...], Meta(max_length=MAX_GIVEN)]


class ListIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a list should hold; a cap of null is none, whatever the shop has set."""

    limit: Limit = DEFAULT_LIMIT
    placement: Id = DEFAULT_PLACEMENT
    category: Id | None = None
    exclude_item_ids: Annotated[tuple[Id, ...], Meta(max_length=MAX_EXCLUDED)] = ()
    strict_filtering: bool = False
    diversity: Share | UnsetType = UNSET
    diversity_by: Likeness | UnsetType = UNSET
    calibration: Share | UnsetType = UNSET
    price_affinity: Share | UnsetType = UNSET
    category_cap: Cap | UnsetType | None = UNSET
    brand_cap: Cap | UnsetType | None = UNSET


class BasketIn(ListIn, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A basket: its items, the newest last, and whose it is, if that is known."""

    items: Items
    customer_id: Id | None = None
    placement: Id = "basket"


class SessionIn(ListIn, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a visitor looked at, the newest last."""

    items: Items
    placement: Id = "session"


class RerankIn(ListIn, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Items to put in order for a customer."""

    customer_id: Id
    items: Items
    limit: Limit = MAX_LIMIT
    placement: Id = "rerank"
