"""What the shop sells."""

from __future__ import annotations

from typing import Any

import msgspec


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item's attributes; None is unknown. Price and cost in minor units."""

    item_id: str
    title: str | None = None
    category: str | None = None
    brand: str | None = None
    price: int | None = None
    cost: int | None = None
    image_url: str | None = None
    url: str | None = None
    available: bool = True
    tags: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}


class ItemPatch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Attributes to set on an item; what is UNSET stays as it was."""

    item_id: str
    title: str | msgspec.UnsetType | None = msgspec.UNSET
    category: str | msgspec.UnsetType | None = msgspec.UNSET
    brand: str | msgspec.UnsetType | None = msgspec.UNSET
    price: int | msgspec.UnsetType | None = msgspec.UNSET
    cost: int | msgspec.UnsetType | None = msgspec.UNSET
    image_url: str | msgspec.UnsetType | None = msgspec.UNSET
    url: str | msgspec.UnsetType | None = msgspec.UNSET
    available: bool | msgspec.UnsetType = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    attributes: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
