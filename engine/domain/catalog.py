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
    title: str | None | msgspec.UnsetType = msgspec.UNSET
    category: str | None | msgspec.UnsetType = msgspec.UNSET
    brand: str | None | msgspec.UnsetType = msgspec.UNSET
    price: int | None | msgspec.UnsetType = msgspec.UNSET
    cost: int | None | msgspec.UnsetType = msgspec.UNSET
    image_url: str | None | msgspec.UnsetType = msgspec.UNSET
    url: str | None | msgspec.UnsetType = msgspec.UNSET
    available: bool | msgspec.UnsetType = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    attributes: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
