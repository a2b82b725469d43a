"""What the catalogue says of the items of a table, as columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from engine.domain.arrays import AnyArray, IntArray, LongArray
from engine.domain.catalog import Item
from engine.domain.ids import MISSING, IdTable

UNKNOWN_MONEY = -1
_COLUMNS = ("category", "brand", "kind", "price", "cost")
_TABLES = ("categories", "brands")


@dataclass(frozen=True)
class Assortment:
    """Attributes of n items by position; what is not known is MISSING (-1).

    `category` and `brand` (n,) are positions in `categories` and `brands`; `kind` (n,) is equal
    for items whose titles have the same words, which makes them sizes, colours or packs of one
    thing; `price` and `cost` (n,) are minor units.
    """

    category: IntArray
    brand: IntArray
    kind: IntArray
    price: LongArray
    cost: LongArray
    categories: IdTable
    brands: IdTable

    def __len__(self) -> int:
        return int(self.category.shape[0])

    @property
    def kinds(self) -> int:
        """How many kinds there are."""
        return int(self.kind.max(initial=MISSING)) + 1

    @classmethod
    def of(cls, items: IdTable, catalog: Mapping[str, Item]) -> Assortment:
        """What a catalogue says of the items; it may lack some, and hold others."""
        told = [catalog.get(item_id) for item_id in items.ids]
        categories = _names(item.category if item else None for item in told)
        brands = _names(item.brand if item else None for item in told)
        return cls(
            category=categories.indices([(item and item.category) or "" for item in told]),
            brand=brands.indices([(item and item.brand) or "" for item in told]),
            kind=_kinds([(item and item.title) or "" for item in told]),
            price=_money(item.price if item else None for item in told),
            cost=_money(item.cost if item else None for item in told),
            categories=categories,
            brands=brands,
        )

    def arrays(self) -> dict[str, AnyArray]:
        """All columns and names as arrays, by name."""
        named: dict[str, AnyArray] = {name: getattr(self, name) for name in _COLUMNS}
        for name in _TABLES:
            text, offsets = getattr(self, name).to_arrays()
            named |= {f"{name}_text": text, f"{name}_offsets": offsets}
        return named

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray]) -> Self:
        """The assortment that `arrays` came from."""
        columns: dict[str, Any] = {name: np.asarray(arrays[name]) for name in _COLUMNS}
        tables: dict[str, Any] = {
            name: IdTable.from_arrays(
                np.asarray(arrays[f"{name}_text"], dtype=np.uint8),
                np.asarray(arrays[f"{name}_offsets"], dtype=np.int64),
            )
            for name in _TABLES
        }
        return cls(**columns, **tables)

    @classmethod
    def unknown(cls, items: int) -> Assortment:
        """Nothing known of any of the items."""
        nothing = np.full(items, MISSING, dtype=np.int32)
        money = np.full(items, UNKNOWN_MONEY, dtype=np.int64)
        return cls(nothing, nothing, nothing, money, money, IdTable(()), IdTable(()))


def _names(given: Iterable[str | None]) -> IdTable:
    return IdTable(sorted({name for name in given if name}))


def _kinds(titles: Sequence[str]) -> IntArray:
    """Numbers of the titles' sets of words; where no two items share theirs there are no kinds."""
    words = [frozenset(_WORD.findall(title.casefold())) for title in titles]
    numbers = {each: number for number, each in enumerate(dict.fromkeys(filter(None, words)))}
    told = sum(1 for each in words if each)
    if len(numbers) == told:
        return np.full(len(titles), MISSING, dtype=np.int32)
    return np.asarray([numbers.get(each, MISSING) for each in words], dtype=np.int32)


# Two letters or more: numbers and single letters tell sizes and packs apart, not things.
_WORD = re.compile(r"[^\W\d_]{2,}")


def _money(given: Iterable[int | None]) -> LongArray:
    return np.asarray([UNKNOWN_MONEY if each is None else each for each in given], dtype=np.int64)
