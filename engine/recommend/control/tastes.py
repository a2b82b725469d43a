"""What control must know of customers: their categories, and how dear they buy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import FloatArray
from engine.domain.histories import Histories
from engine.domain.ids import MISSING
from engine.recommend.control.config import Control
from engine.recommend.control.goods import Goods


@dataclass(frozen=True)
class Tastes:
    """Of n customers as of `now_ms`: `customers`, their ids.

    `mix` (n, categories): the share of each category among their lines, all 0 for one of whom
    no line has a known category. `band` (n,): the price band they usually buy from, 0 cheap to 1
    dear, NaN when unknown. None: nothing asks for it.
    """

    customers: tuple[str, ...]
    now_ms: int
    mix: FloatArray | None = None
    band: FloatArray | None = None

    @classmethod
    def of(cls, histories: Histories, goods: Goods, *, control: Control, now_ms: int) -> Tastes:
        """What a control asks to know of customers."""
        return cls(
            customers=histories.customers,
            now_ms=now_ms,
            mix=category_mix(histories, goods) if control.calibration else None,
            band=usual_band(histories, goods) if control.price_affinity else None,
        )


def category_mix(histories: Histories, goods: Goods) -> FloatArray:
    """The share of each category among a customer's lines, shape (n, categories)."""
    customers = len(histories)
    known = histories.item != MISSING
    category = goods.category[histories.item[known]]
    row = histories.row()[known][category != MISSING]
    own = category[category != MISSING].astype(np.int64)
    counts = np.bincount(row * goods.categories + own, minlength=customers * goods.categories)
    mix = counts.reshape(customers, goods.categories).astype(np.float32)
    mix /= np.maximum(np.bincount(row, minlength=customers), 1).astype(np.float32)[:, None]
    return mix


def usual_band(histories: Histories, goods: Goods) -> FloatArray:
    """The mean price band of a customer's lines, shape (n,); NaN without a known one."""
    customers = len(histories)
    known = histories.item != MISSING
    band = goods.band[histories.item[known]]
    row, own = histories.row()[known][~np.isnan(band)], band[~np.isnan(band)]
    lines = np.bincount(row, minlength=customers)
    total = np.bincount(row, weights=own, minlength=customers)
    usual: FloatArray = np.full(customers, np.nan, dtype=np.float32)
    np.divide(total, lines, out=usual, where=lines > 0, casting="same_kind")
    return usual
