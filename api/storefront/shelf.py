"""Items as the sample shop shows them: readable titles, prices, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from api.services import Services
from api.storefront.tiles import tile_of
from api.wire import Recommendations
from engine.domain.catalog import Item
from engine.recommend.answer import MAX_LIMIT, Request

# Minor units of the currencies that have none, or more than two digits of them (ISO 4217).
_DIGITS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_SIGNS: Mapping[str, str] = {"USD": "$", "EUR": "€", "GBP": "£"}


class Shown(msgspec.Struct, frozen=True):
    """An item as it is shown; the price is in minor units, None when nobody knows it."""

    item_id: str
    title: str
    aisle: str | None
    brand: str | None
    price: int | None
    available: bool
    image_url: str


def shown(services: Services, item_ids: Sequence[str]) -> list[Shown]:
    """The items in the order given; one that was never described is shown by its id."""
    known = services.catalog.some(item_ids)
    items = [known.get(each) or Item(each) for each in item_ids]
    return [_shown(each, paid=_paid(services, each.item_id)) for each in items]


def best_sellers(services: Services, *, aisle: str | None, limit: int) -> list[str]:
    """What sells best now, in one aisle or in the whole shop."""
    asked = Request(
        limit=min(limit, MAX_LIMIT),
        placement="storefront",
        category=aisle,
        strict_filtering=aisle is not None,
    )
    answer = msgspec.json.decode(services.lists.popular(asked), type=Recommendations)
    return [each.item_id for each in answer.items]


def readable(words: str) -> str:
    """The words of a catalogue that is written in capitals in ordinary letters."""
    return words.capitalize() if words.isupper() else words


def money(minor: int | None, currency: str | None) -> str:
    """An amount in words for a reader, empty when it is not known."""
    if minor is None:
        return ""
    digits = _DIGITS.get(currency or "", 2)
    sign = _SIGNS.get(currency or "", f"{currency} " if currency else "")
    return f"{sign}{minor / 10**digits:,.{digits}f}"


def _shown(item: Item, *, paid: int | None) -> Shown:
    title = readable(item.title) if item.title else f"Item {item.item_id}"
    picture = tile_of(item.item_id, aisle=item.category, title=item.title or "")
    return Shown(
        item_id=item.item_id,
        title=title,
        aisle=item.category,
        brand=item.brand,
        price=paid if item.price is None else item.price,
        available=item.available,
        image_url=item.image_url or f"/storefront/tiles/{picture}.svg",
    )


def _paid(services: Services, item_id: str) -> int | None:
    """What customers paid for a unit on average, for a catalogue that states no prices."""
    recommender = services.models.current()
    if recommender is None or recommender.model.ranking is None:
        return None
    index = recommender.model.items.indices([item_id])[0]
    price = recommender.model.ranking.statistics.price[index] if index >= 0 else np.nan
    return None if np.isnan(price) else max(1, round(float(price)))
