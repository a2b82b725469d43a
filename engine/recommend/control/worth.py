"""What each candidate is worth: its relevance, and what price and boosts make of it."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, IntArray
from engine.recommend.control.goods import Goods
from engine.recommend.control.levers import Wishes


def relevance(score: FloatArray, here: BoolArray) -> FloatArray:
    """Scores laid from 0 to 1 within each row, shape (n, w), so that a weight has a meaning.

    The best candidate has 1 and the worst 0; 1 for all when all are equal. What has no finite
    score has 0. `here` (n, w) marks what is no padding.
    """
    known = here & np.isfinite(score)
    low = np.where(known, score, np.inf).min(axis=1, keepdims=True)
    span = np.where(known, score, -np.inf).max(axis=1, keepdims=True) - low
    # Without a span, or without anything known at all, nothing is better than anything.
    flat = ~(span > 0)
    laid = (np.where(known, score, 0) - low) / np.where(flat, 1, span)
    own: FloatArray = np.where(known, np.where(flat, 1, laid), 0)
    return own.astype(np.float32, copy=False)


def priced(
    worth: FloatArray, item: IntArray, goods: Goods, *, usual: FloatArray, weight: float
) -> FloatArray:
    """Worth less for what is dearer or cheaper than the customer buys, shape (n, w).

    Times 1 - weight x the distance of the bands. An item of unknown price is as far as those of
    known price are on average; a customer of unknown band is left alone. `usual` has shape (n,).
    """
    away = np.abs(goods.band[item] - usual[:, None])
    told = (item >= 0) & ~np.isnan(away)
    total = np.where(told, away, 0).sum(axis=1, keepdims=True, dtype=np.float64)
    usually = total / np.maximum(told.sum(axis=1, keepdims=True), 1)
    distance = np.where(told, away, usually).astype(np.float32)
    changed: FloatArray = worth * (1 - np.float32(weight) * distance)
    return changed


def boosted(worth: FloatArray, item: IntArray, wishes: Wishes) -> FloatArray:
    """Worth as the shop's boosts change it, shape (n, w); never below 0."""
    if wishes.factor is None or wishes.add is None:
        return worth
    changed: FloatArray = worth * wishes.factor[item] + wishes.add[item]
    np.maximum(changed, 0, out=changed)
    return changed
