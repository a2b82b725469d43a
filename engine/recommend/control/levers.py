"""Boosts, buries and pins, worked out on the items of a model for as long as they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray
from engine.domain.assortment import Assortment
from engine.domain.ids import MISSING, IdTable
from engine.recommend.control.config import Boost, Control, Pin, Span, Target

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Wishes:
    """What the shop wishes of its items at a moment, the same until `until_ms`.

    `factor` and `add` (items,) change relevance, None when nothing does; `buried` (items,) marks
    what is shown last, None for nothing; `pins` are (place from 0, position of the item).
    """

    since_ms: float
    until_ms: float
    factor: FloatArray | None = None
    add: FloatArray | None = None
    buried: BoolArray | None = None
    pins: tuple[tuple[int, int], ...] = ()


NO_WISHES = Wishes(-np.inf, np.inf)


class Levers:
    """The boosts, buries and pins of a control on the items of one model and catalogue."""

    def __init__(self, control: Control, items: IdTable, assortment: Assortment) -> None:
        self._control = control
        self._items = items
        self._assortment = assortment
        spans: tuple[Span, ...] = (*control.boosts, *control.buries, *control.pins)
        ends = {end for span in spans for end in (span.valid_from, span.until) if end}
        self._ends = sorted(_ms(end) for end in ends)
        self._wishes: Wishes | None = None if spans else NO_WISHES

    def at(self, now_ms: int) -> Wishes:
        """What is wished at a moment; kept for the next call, any thread may replace it."""
        wishes = self._wishes
        if wishes is None or not wishes.since_ms <= now_ms < wishes.until_ms:
            self._wishes = wishes = self._of(now_ms)
        return wishes

    def pinned(self, now_ms: int) -> tuple[int, ...]:
        """Positions of the items with a fixed place, which therefore must be candidates."""
        return tuple(item for _, item in self.at(now_ms).pins)

    def unknown(self) -> list[str]:
        """What is wished of something that the model and its catalogue do not have."""
        control = self._control
        targets: tuple[Target, ...] = (*control.boosts, *control.buries)
        named = [_name(each) for each in targets if not self._mask(each).any()]
        named += [
            f"item_id {pin.item_id}" for pin in control.pins if pin.item_id not in self._items
        ]
        return named

    def _of(self, now_ms: int) -> Wishes:
        now = _EPOCH + now_ms * _MS
        boosts = [each for each in self._control.boosts if each.holds(now)]
        buries = [each for each in self._control.buries if each.holds(now)]
        pins = [each for each in self._control.pins if each.holds(now)]
        factor, add = self._changes(boosts)
        buried = np.zeros(len(self._items), dtype=np.bool_)
        for each in buries:
            buried |= self._mask(each)
        return Wishes(
            since_ms=max((end for end in self._ends if end <= now_ms), default=-np.inf),
            until_ms=min((end for end in self._ends if end > now_ms), default=np.inf),
            factor=factor,
            add=add,
            buried=buried if buried.any() else None,
            pins=tuple(self._places(pins)),
        )

    def _changes(self, boosts: list[Boost]) -> tuple[FloatArray | None, FloatArray | None]:
        """What several boosts do together: their factors multiplied, their additions added."""
        if not boosts:
            return None, None
        factor: FloatArray = np.ones(len(self._items), dtype=np.float32)
        add: FloatArray = np.zeros(len(self._items), dtype=np.float32)
        for each in boosts:
            mask = self._mask(each)
            factor[mask] *= np.float32(each.factor)
            add[mask] += np.float32(each.add)
        return factor, add

    def _places(self, pins: list[Pin]) -> Iterator[tuple[int, int]]:
        """Each pin of an item the model has; of two in each other's way the first one."""
        places: set[int] = set()
        taken: set[int] = set()
        for pin in pins:
            item = self._items.index(pin.item_id)
            if item != MISSING and item not in taken and pin.place not in places:
                places.add(pin.place)
                taken.add(item)
                yield pin.place - 1, item

    def _mask(self, target: Target) -> BoolArray:
        """The items a wish is about, shape (items,)."""
        if target.item_id:
            mask = np.zeros(len(self._items), dtype=np.bool_)
            position = self._items.index(target.item_id)
            mask[[] if position == MISSING else [position]] = True
            return mask
        told, own = self._assortment, target.category or ""
        table, column = told.categories, told.category
        if target.brand:
            table, column, own = told.brands, told.brand, target.brand
        position = table.index(own)
        found: BoolArray = (column == position) & (position != MISSING)
        return found


def _ms(moment: datetime) -> int:
    return -(-(moment - _EPOCH) // _MS)


def _name(target: Target) -> str:
    named = ((each, getattr(target, each)) for each in ("item_id", "category", "brand"))
    return ", ".join(f"{each} {value}" for each, value in named if value)
