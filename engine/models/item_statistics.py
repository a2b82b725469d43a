"""What training counted of every item: how it sells, to how many, how often again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.domain.arrays import AnyArray, FloatArray, LongArray


@dataclass(frozen=True)
class ItemStatistics:
    """Columns over the items as of the end of the training data.

    `popularity` (items, half-lives) is the share of all orders' lines, decayed, times 10,000;
    `half_lives` in days, short to long. Per item: `buyers`; `repeat_rate`, the share of buyers who
    bought it in more than one order, drawn towards the shop's; `orders_per_buyer`; `gap_days`, the
    mean time between a buyer's orders of it, NaN when nobody bought it twice; `price`, paid a unit
    on average in minor units, NaN when free; `first_at` and `last_at` in ms, when it was sold;
    `category_share` and `kind_share`, its part of its category's and its kind's lines;
    `category_repeat_rate`, the repeat rate of the category as a whole. `discovered` (items, 3) is
    the share, by the half-lives up to the third, of all first purchases that customers made of
    anything, times 10,000: what sells well among those who know it may find no new buyers.
    `discount` (items, 3) is the share taken off what was sold within each of these half-lives, NaN
    when nothing was.
    """

    half_lives: tuple[float, ...]
    popularity: FloatArray
    buyers: FloatArray
    repeat_rate: FloatArray
    orders_per_buyer: FloatArray
    gap_days: FloatArray
    price: FloatArray
    first_at: LongArray
    last_at: LongArray
    category_share: FloatArray
    category_repeat_rate: FloatArray
    kind_share: FloatArray
    discovered: FloatArray
    discount: FloatArray

    def arrays(self) -> dict[str, AnyArray]:
        """All columns by name."""
        return {name: getattr(self, name) for name in _COLUMNS}

    @classmethod
    def restore(cls, arrays: Mapping[str, AnyArray], half_lives: tuple[float, ...]) -> Self:
        """The statistics that `arrays` came from."""
        return cls(half_lives=half_lives, **{name: np.asarray(arrays[name]) for name in _COLUMNS})  # type: ignore[arg-type]


_COLUMNS = (
    "popularity",
    "buyers",
    "repeat_rate",
    "orders_per_buyer",
    "gap_days",
    "price",
    "first_at",
    "last_at",
    "category_share",
    "category_repeat_rate",
    "kind_share",
    "discovered",
    "discount",
)
