"""Features of what is much like the item: its other sizes and colours, and its brand."""

from __future__ import annotations

import numpy as np

from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.group import Group, share_of_faded, visits_of_group

OF_GROUP = ("faded", "days_since", "distinct", "since_item", "of_last", "share", "variety")
KIND = tuple(f"kind_{name}" for name in OF_GROUP)
BRAND = tuple(f"brand_{name}" for name in OF_GROUP)
SHARE_IN_KIND = "item_share_in_kind"


def kind_columns(asked: Asked) -> Columns:
    """What the customer buys of items of the same kind; without kinds there are none."""
    group = Group(asked.assortment.kind, asked.assortment.kinds)
    if not group.count or not asked.wanted((*KIND, SHARE_IN_KIND)):
        return {}
    share = asked.statistics.kind_share[asked.pairs.item]
    return _columns(asked, group, names=KIND) | {SHARE_IN_KIND: share}


def brand_columns(asked: Asked) -> Columns:
    """What the customer buys of the item's brand; without brands there are none."""
    group = Group(asked.assortment.brand, len(asked.assortment.brands))
    return _columns(asked, group, names=BRAND) if group.count and asked.wanted(BRAND) else {}


def _columns(asked: Asked, group: Group, *, names: tuple[str, ...]) -> Columns:
    own = visits_of_group(asked, group)
    own["share"] = share_of_faded(asked, own["faded"])
    # Of ten purchases ten different items, or always the same?
    own["variety"] = (own["distinct"] / np.maximum(own["lines"], 1)).astype(np.float32)
    return dict(zip(names, (own[name] for name in OF_GROUP), strict=True))
