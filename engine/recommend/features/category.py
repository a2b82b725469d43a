"""Features of the item's category: does the customer buy there, and is a visit there due?"""

from __future__ import annotations

import numpy as np

from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.group import Group, visits_of_group
from engine.recommend.features.held import spread

OF_GROUP = ("faded", "lines", "orders", "days_since", "overdue", "since_item", "of_last")
NAMES = (
    *(f"category_{name}" for name in OF_GROUP),
    "category_share",
    "share_in_category",
    "item_share_in_category",
    "category_repeat_rate",
)


def category_columns(asked: Asked) -> Columns:
    """Columns of pairs; without categories there are none."""
    group = Group(asked.assortment.category, len(asked.assortment.categories))
    if not group.count or not asked.wanted(NAMES):
        return {}
    own = visits_of_group(asked, group)
    out = {f"category_{name}": own[name] for name in OF_GROUP}
    return out | _shares(asked, out)


def _shares(asked: Asked, own: Columns) -> Columns:
    """How much of the customer is in the category, and of the category in the item."""
    lines = np.maximum(asked.visits.lines, 1).astype(np.float32)[asked.row]
    here = np.maximum(own["category_lines"], np.float32(1))
    times = asked.query.bought.times.astype(np.float64)
    return {
        "category_share": own["category_lines"] / lines,
        "share_in_category": spread(times, asked.position, missing=0.0) / here,
        "item_share_in_category": asked.statistics.category_share[asked.pairs.item],
        "category_repeat_rate": asked.statistics.category_repeat_rate[asked.pairs.item],
    }
