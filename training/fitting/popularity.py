"""Counting what sells now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec
import numpy as np

from engine.domain.histories import DAY_MS
from engine.models.popularity import Popularity
from training.history import Purchases


class PopularityConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast what was ordered stops counting: half for each half-life that has passed."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {"half_life_days": (0.01, 10**9)}

    half_life_days: float = 30.0


def fit_popularity(purchases: Purchases, *, config: PopularityConfig) -> Popularity:
    """Decayed order counts as of `until_ms`; guests' orders count like anyone's."""
    total = np.zeros(len(purchases.items), dtype=np.float64)
    for histories in (purchases.customers, purchases.guests):
        known = histories.item >= 0
        ages = (purchases.until_ms - histories.at[known]) / DAY_MS
        weights = np.exp2(-ages / config.half_life_days)
        total += np.bincount(histories.item[known], weights=weights, minlength=len(total))
    return Popularity(total.astype(np.float32), half_life_days=config.half_life_days)
