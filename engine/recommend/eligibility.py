"""Which items may be shown, and why the others may not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from engine.domain.arrays import BoolArray
from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from engine.models.interactions import bought_of
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.answer import CatalogView, Dropped, Request
from engine.recommend.features.held import position_in

_MS = timedelta(milliseconds=1)


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


@dataclass(frozen=True)
class Rules:
    """What the request and the catalogue say of items, whoever is asked about.

    `barred` gives for each rule the items it keeps out, shape (items,); `preferred` those of the
    wanted category, None without one.
    """

    barred: dict[Dropped, BoolArray]
    preferred: BoolArray | None

    def allowed(self, *, items: int) -> BoolArray | None:
        """The items that no rule keeps out, those of the wanted category first and foremost."""
        if not self.barred and self.preferred is None:
            return None
        allowed = np.ones(items, dtype=np.bool_) if self.preferred is None else self.preferred
        for mask in self.barred.values():
            allowed = allowed & ~mask
        return allowed


def rules_of(request: Request, masks: CatalogMasks) -> Rules:
    """The rules that hold for every customer alike."""
    barred: dict[Dropped, BoolArray] = {}
    if masks.unavailable is not None:
        barred[Dropped.UNAVAILABLE] = masks.unavailable
    if request.exclude_item_ids:
        barred[Dropped.EXCLUDED] = _mask(request.exclude_item_ids, masks.items)
    if request.category is None:
        return Rules(barred, None)
    wanted = masks.in_category(request.category)
    if request.strict_filtering:
        # Barred, not ranked below: the items it keeps out are counted by their own score.
        barred[Dropped.OTHER_CATEGORY] = ~wanted
        return Rules(barred, None)
    return Rules(barred, wanted)


def barred_pairs(
    query: Query,
    pairs: Pairs,
    request: Request,
    *,
    rules: Rules,
    cooldown: timedelta,
    items: int,
) -> dict[Dropped, BoolArray]:
    """For each rule the candidates it keeps out, shape (pairs,)."""
    barred = {reason: mask[pairs.item] for reason, mask in rules.barred.items()}
    if request.new_only:
        held = query.bought.pairs
        barred[Dropped.ALREADY_BOUGHT] = position_in(held, pairs, items=items) >= 0
    if cooldown > timedelta(0):
        recent = query.histories.at > query.now_ms - cooldown // _MS
        if recent.any():
            lately = query.histories.where(recent)
            barred[Dropped.JUST_BOUGHT] = among(lately, pairs, items=items)
    if query.baskets is not None:
        barred[Dropped.IN_BASKET] = among(query.baskets, pairs, items=items)
    return barred


def among(histories: Histories, pairs: Pairs, *, items: int) -> BoolArray:
    """Which pairs are among the customers' lines, shape (pairs,)."""
    inside: BoolArray = position_in(bought_pairs(histories), pairs, items=items) >= 0
    return inside


def bought_pairs(histories: Histories) -> Pairs:
    """Every customer with every known item among their lines."""
    return bought_of(histories).pairs


def _mask(item_ids: Iterable[str], items: IdTable) -> BoolArray:
    positions = items.indices(list(item_ids))
    mask = np.zeros(len(items), dtype=np.bool_)
    mask[positions[positions >= 0]] = True
    return mask
