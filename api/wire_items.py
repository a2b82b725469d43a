"""Items as they travel over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from api.wire import MAX_BATCH, Id, Money, Text


class ItemIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Attributes to set on an item; what is left out stays, what is null becomes unknown."""

    item_id: Id
    title: Text | UnsetType | None = UNSET
    category: Id | UnsetType | None = UNSET
    brand: Text | UnsetType | None = UNSET
    price: Money | UnsetType | None = UNSET
    cost: Money | UnsetType | None = UNSET
    image_url: Text | UnsetType | None = UNSET
    url: Text | UnsetType | None = UNSET
    available: bool | UnsetType = UNSET
    tags: Annotated[tuple[Text, ...], Meta(max_length=100)] | UnsetType = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET


class ItemsIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 1,000 items, all stored or none."""

    items: Annotated[tuple[ItemIn, ...], Meta(max_length=MAX_BATCH)]


class ItemsStored(Struct, frozen=True):
    """How many items were stored, and the catalogue's revision since."""

    stored: int
    catalog_revision: int


class ItemOut(Struct, frozen=True):
    """An item as the catalogue holds it."""

    item_id: str
    title: str | None
    category: str | None
    brand: str | None
    price: int | None
    cost: int | None
    image_url: str | None
    url: str | None
    available: bool
    tags: tuple[str, ...]
    attributes: dict[str, Any]


class PublicItem(Struct, frozen=True):
    """What a page may show of an item: nothing of what it cost the shop."""

    item_id: str
    title: str | None
    category: str | None
    brand: str | None
    price: int | None
    image_url: str | None
    url: str | None
    available: bool


class PublicItems(Struct, frozen=True):
    """Items as a page may show them, in the order asked for; those not described are left out."""

    items: tuple[PublicItem, ...]
