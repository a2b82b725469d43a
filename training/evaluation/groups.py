"""Customers apart by kind, for a look at who is served how well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.domain.arrays import BoolArray
from engine.domain.histories import Histories

NEW, LIGHT, HEAVY = "new", "light", "heavy"
# So many orders make a heavy customer; one makes a new one.
HEAVY_FROM = 5


def by_activity(histories: Histories) -> dict[str, BoolArray]:
    """Customers with at most one order, with some, and with many, each mask (n,)."""
    row = histories.row()
    fresh = np.ones(histories.lines, dtype=np.bool_)
    order = np.lexsort((histories.order, row))
    own_row, own_order = row[order], histories.order[order]
    fresh[1:] = (own_row[1:] != own_row[:-1]) | (own_order[1:] != own_order[:-1])
    orders = np.bincount(own_row[fresh], minlength=len(histories))
    return {
        NEW: orders <= 1,
        LIGHT: (orders > 1) & (orders < HEAVY_FROM),
        HEAVY: orders >= HEAVY_FROM,
    }


def by_label(labels: Sequence[str | None], *, order: Sequence[str]) -> Mapping[str, BoolArray]:
    """The customers of each label that anyone has, in the given order, each mask (n,)."""
    own = np.asarray(["" if each is None else each for each in labels])
    return {name: own == name for name in order if np.any(own == name)}
