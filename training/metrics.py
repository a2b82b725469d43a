"""How good lists are, against what customers then bought; every customer counts the same.

Recall: bought items found among the first k, over bought items. nDCG: binary gains with the
discount 1 / log2(rank + 1), over the best possible within k, that is IDCG over min(k, bought).
Hit rate: share of customers with at least one found. The same for what they had bought before
(repeat) and for what was new to them (explore) apart, over the customers who bought any such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import LongArray


@dataclass(frozen=True)
class Truth:
    """What one customer bought in a window: positions of items, repeats and new ones apart.

    `unseen` counts items that were not in the catalogue at the cut: no list can hold them, and
    they count as missed.
    """

    repeat: LongArray
    explore: LongArray
    unseen: int


@dataclass(frozen=True)
class Quality:
    """Means over customers; NaN where nobody qualifies."""

    recall: float
    ndcg: float
    hit_rate: float
    customers: int


@dataclass(frozen=True)
class Metrics:
    """Quality overall and apart, and the share of the catalogue that any list shows."""

    overall: Quality
    repeat: Quality
    explore: Quality
    coverage: float


def measure(
    lists: Sequence[LongArray], truths: Sequence[Truth], *, limit: int, items: int
) -> Metrics:
    """Metrics at `limit` of one list a customer against what that customer bought."""
    shown = np.unique(np.concatenate(lists)) if lists else np.empty(0, np.int64)
    return Metrics(
        overall=_quality(
            lists,
            [np.concatenate([t.repeat, t.explore]) for t in truths],
            [t.unseen for t in truths],
            limit=limit,
        ),
        repeat=_quality(lists, [t.repeat for t in truths], [0] * len(truths), limit=limit),
        explore=_quality(
            lists, [t.explore for t in truths], [t.unseen for t in truths], limit=limit
        ),
        coverage=len(shown) / items if items else float("nan"),
    )


def _quality(
    lists: Sequence[LongArray],
    wanted: Sequence[LongArray],
    unseen: Sequence[int],
    *,
    limit: int,
) -> Quality:
    rows = [
        _of_one(own[:limit], sought, missing, limit=limit)
        for own, sought, missing in zip(lists, wanted, unseen, strict=True)
        if len(sought) + missing
    ]
    if not rows:
        return Quality(float("nan"), float("nan"), float("nan"), 0)
    recall, ndcg, hit = np.asarray(rows, dtype=np.float64).mean(axis=0)
    return Quality(float(recall), float(ndcg), float(hit), len(rows))


def _of_one(
    own: LongArray, sought: LongArray, missing: int, *, limit: int
) -> tuple[float, float, float]:
    found = np.isin(own, sought)
    discounts = 1 / np.log2(np.arange(2, limit + 2))
    total = len(sought) + missing
    best = discounts[: min(limit, total)].sum()
    gain = discounts[: len(own)][found].sum()
    return found.sum() / total, gain / best, float(found.any())
