"""Recency, frequency and monetary value: scores of 1 to 5, and the segments they fall into."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.columns import columns_of
from engine.loyalty.features.context import Columns, Context
from engine.loyalty.rfm import rfm_scores, rfm_values
from engine.loyalty.rfm_segments import SEGMENTS, grid_positions, segment_positions

_NEEDS = "purchases"
_SEGMENTS = tuple(segment.value for segment in SEGMENTS)
_SCORES = "Scores {rfm_r:count} for recency, {rfm_f:count} for frequency, {rfm_m:count} for money"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "rfm_r",
        Kind.COUNT,
        "Recency score: 5 for those who ordered last, 1 for those whose order is longest ago.",
        _NEEDS,
        "Recency {rfm_r:count} of 5: last order {days_since_last:days} ago.",
    ),
    Feature(
        "rfm_f",
        Kind.COUNT,
        "Frequency score: 5 for most orders within the window, 1 for fewest.",
        _NEEDS,
        "Frequency {rfm_f:count} of 5: {orders_12m:count} orders in 12 months.",
    ),
    Feature(
        "rfm_m",
        Kind.COUNT,
        "Monetary score: 5 for most spent within the window, 1 for least.",
        _NEEDS,
        "Money {rfm_m:count} of 5: {revenue_12m:money} in 12 months.",
    ),
    Feature(
        "rfm_code",
        Kind.COUNT,
        "The three scores as one number, such as 545.",
        _NEEDS,
        f"{_SCORES}.",
    ),
    Feature(
        "rfm_segment",
        Kind.CHOICE,
        "Segment by the three scores; single orders make no champion and no loss.",
        _NEEDS,
        f"{_SCORES}, with {{orders:count}} orders: {{rfm_segment}}.",
        choices=_SEGMENTS,
    ),
    Feature(
        "rfm_segment_raw",
        Kind.CHOICE,
        "Segment by the three scores alone, as marketing tools have it.",
        _NEEDS,
        f"{_SCORES}: {{rfm_segment_raw}}.",
        choices=_SEGMENTS,
    ),
    Feature(
        "rfm_grid",
        Kind.CHOICE,
        "Segment by recency and frequency only.",
        _NEEDS,
        "Scores {rfm_r:count} for recency and {rfm_f:count} for frequency: {rfm_grid}.",
        choices=_SEGMENTS,
    ),
)


def compute(context: Context, known: Columns) -> Columns:
    """Columns of scores and segments; customers without an order are prospects and not scored."""
    cuts = context.cuts.rfm
    values = rfm_values(context.goods, now_ms=context.now_ms, window_days=cuts.window_days)
    scores = rfm_scores(values, cuts)
    raw, guarded = segment_positions(scores, values)
    # Money has no scale that fits every shop: until a training has found one, none is guessed.
    told = np.where(any(cuts.monetary), context.n, 0)
    of_money: dict[str, NDArray[Any]] = {"rfm_m": scores.m, "rfm_code": scores.codes()}
    segments = {"rfm_segment": guarded, "rfm_segment_raw": raw}
    everyone = np.maximum(context.n, 1)
    # Who never ordered is a prospect by any cuts.
    named = np.where((context.n == 0) | (told > 0), everyone, 0)
    return {
        **columns_of(context.n, {"rfm_r": scores.r, "rfm_f": scores.f}),
        **columns_of(told, of_money),
        **columns_of(named, segments, labels=dict.fromkeys(segments, _SEGMENTS)),
        **columns_of(
            everyone, {"rfm_grid": grid_positions(scores)}, labels={"rfm_grid": _SEGMENTS}
        ),
    }
