"""Which items may be shown, and why the others may not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from engine.domain.arrays import BoolArray
from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from engine.recommend.answer import CatalogView, Dropped, Request

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Eligibility:
    """Masks over items; `barred` gives, for each rule, the items it keeps out.

    Each mask has shape (items,) for a rule that is the same for all customers, or
    (customers, items). `preferred` marks the items of the wanted category, None without one.
    """

    barred: dict[Dropped, BoolArray]
    preferred: BoolArray | None

    def allowed(self, customers: int, items: int) -> BoolArray:
        """Items no rule keeps out, shape (customers, items)."""
        allowed = np.ones((customers, items), dtype=np.bool_)
        for mask in self.barred.values():
            allowed &= ~mask
        return allowed


class CatalogMasks:
    """What one view of the catalogue says of each item of a model, worked out once."""

    def __init__(self, items: IdTable, view: CatalogView) -> None:
        self.view = view
        self.items = items
        self.unavailable = _mask(view.unavailable, items) if view.unavailable else None
        # A number for each category; 0 is that of items without one.
        self._numbers = {name: at for at, name in enumerate(set(view.categories.values()), start=1)}
        self._category = np.zeros(len(items), dtype=np.int32)
        if view.categories:
            named = (self._numbers.get(view.categories.get(each, ""), 0) for each in items.ids)
            self._category = np.fromiter(named, dtype=np.int32, count=len(items))

    def in_category(self, category: str) -> BoolArray:
        """The items of a category, shape (items,)."""
        # No item has the number of a category that no item has.
        inside: BoolArray = self._category == self._numbers.get(category, -1)
        return inside


def eligibility(histories: Histories, request: Request, *, masks: CatalogMasks) -> Eligibility:
    """The rules that depend on the request and the catalogue, and on what was bought."""
    barred: dict[Dropped, BoolArray] = {}
    if masks.unavailable is not None:
        barred[Dropped.UNAVAILABLE] = masks.unavailable
    if request.exclude_item_ids:
        barred[Dropped.EXCLUDED] = _mask(request.exclude_item_ids, masks.items)
    if request.new_only:
        barred[Dropped.ALREADY_BOUGHT] = lines_mask(histories, items=len(masks.items))
    if request.category is None:
        return Eligibility(barred, None)
    wanted = masks.in_category(request.category)
    if request.strict_filtering:
        # Barred, not ranked below: the items it keeps out are counted by their own score.
        barred[Dropped.OTHER_CATEGORY] = ~wanted
        return Eligibility(barred, None)
    return Eligibility(barred, wanted)


def just_bought(histories: Histories, *, items: int, now_ms: int, cooldown: timedelta) -> BoolArray:
    """Items bought within the cooldown before now, shape (customers, items)."""
    recent = histories.where(histories.at > now_ms - cooldown // _MS)
    return lines_mask(recent, items=items)


def lines_mask(histories: Histories, *, items: int) -> BoolArray:
    """Items among each customer's lines, shape (customers, items)."""
    mask = np.zeros((len(histories), items), dtype=np.bool_)
    known = histories.item >= 0
    mask[histories.row()[known], histories.item[known]] = True
    return mask


def _mask(item_ids: Iterable[str], items: IdTable) -> BoolArray:
    positions = items.indices(list(item_ids))
    mask = np.zeros(len(items), dtype=np.bool_)
    mask[positions[positions >= 0]] = True
    return mask
