"""How good lists are, against what customers then bought; every customer counts the same.

What was bought before (repeat) and what was new to the customer (explore) are also measured
apart, over the customers who bought any such; the ranks are those of the list that was shown.
All catalogue items compete: no metric is worked out on a sample of items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, LongArray

NOTHING = -1
ALL, REPEAT, EXPLORE = "all", "repeat", "explore"
PARTS = (ALL, REPEAT, EXPLORE)
RECALL, NDCG, HIT_RATE = "recall", "ndcg", "hit_rate"
NDCG_WHOLE, MRR, MAP, PRECISION = "ndcg_whole", "mrr", "map", "precision"


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
class Matches:
    """Which places of n lists hold something that was bought.

    `hits` is (n, limit), a place without an item is no hit; `total` (n,) counts what was bought.
    """

    hits: BoolArray
    total: LongArray


@dataclass(frozen=True)
class Sought:
    """What n customers bought of one part: ascending keys of (customer, item), and how many.

    `total` (n,) has more than the keys where items were not in the catalogue.
    """

    keys: LongArray
    total: LongArray
    items: int

    @classmethod
    def of(cls, truths: Sequence[Truth], *, part: str, items: int) -> Sought:
        """What the truths hold of a part; `items` is the size of the catalogue."""
        sides = {
            ALL: [np.concatenate([each.repeat, each.explore]) for each in truths],
            REPEAT: [each.repeat for each in truths],
            EXPLORE: [each.explore for each in truths],
        }[part]
        counts = np.asarray([len(own) for own in sides], dtype=np.int64)
        unseen = np.asarray([each.unseen for each in truths], dtype=np.int64)
        bought = np.concatenate([np.zeros(0, np.int64), *sides])
        return cls(
            np.sort(np.arange(len(truths)).repeat(counts) * items + bought),
            counts if part == REPEAT else counts + unseen,
            items,
        )

    def found_in(self, shown: LongArray) -> Matches:
        """The hits of lists given as by `padded`."""
        wanted = np.arange(len(shown), dtype=np.int64)[:, None] * self.items + shown
        # A number above all keys stands behind them, so that every search ends at one.
        keys = np.append(self.keys, np.iinfo(np.int64).max)
        return Matches(
            (keys[np.searchsorted(keys, wanted)] == wanted) & (shown != NOTHING), self.total
        )


def padded(lists: Sequence[LongArray], *, limit: int) -> LongArray:
    """The first `limit` places of every list, shape (n, limit), NOTHING (-1) where it is short."""
    lengths = np.asarray([min(len(own), limit) for own in lists], dtype=np.int64)
    shown = np.full((len(lists), limit), NOTHING, dtype=np.int64)
    filled = np.arange(limit) < lengths[:, None]
    shown[filled] = np.concatenate([np.zeros(0, np.int64), *(own[:limit] for own in lists)])
    return shown


def recall(matches: Matches) -> DoubleArray:
    """Bought items that are in the list, over all bought items; NaN for who bought none."""
    return _over(matches.hits.sum(axis=1), matches.total)


def precision(matches: Matches) -> DoubleArray:
    """Hits over the places a list may have, also those it leaves empty; NaN as in recall."""
    hits = matches.hits.sum(axis=1) / matches.hits.shape[1]
    return np.where(matches.total > 0, hits, np.nan)


def hit_rate(matches: Matches) -> DoubleArray:
    """1 for a list with at least one hit, 0 without; NaN as in recall."""
    return np.where(matches.total > 0, matches.hits.any(axis=1).astype(np.float64), np.nan)


def ndcg(matches: Matches) -> DoubleArray:
    """Gain 1 / log2(rank + 1) of each hit, over the most a list of this length could gain.

    Järvelin & Kekäläinen (2002) with binary gains; the best list has min(limit, bought) hits on
    top. NaN as in recall.
    """
    return _over(_gain(matches), _ideal(np.minimum(matches.total, matches.hits.shape[1])))


def ndcg_whole(matches: Matches) -> DoubleArray:
    """nDCG over the gain of the whole basket, though the list may be too short to hold it.

    As in published tables of next-basket methods (Hu et al. 2020, TIFU-KNN). Never above `ndcg`.
    """
    return _over(_gain(matches), _ideal(matches.total))


def mrr(matches: Matches) -> DoubleArray:
    """1 / rank of the first hit, 0 without (Voorhees 1999); NaN as in recall."""
    first = matches.hits.argmax(axis=1) + 1
    return np.where(matches.total > 0, matches.hits.any(axis=1) / first, np.nan)


def average_precision(matches: Matches) -> DoubleArray:
    """Precision at the rank of each hit, summed, over min(limit, bought); NaN as in recall.

    Its mean over customers is MAP (Manning, Raghavan & Schütze 2008, section 8.4), cut at limit.
    """
    limit = matches.hits.shape[1]
    at_rank = np.cumsum(matches.hits, axis=1) / np.arange(1, limit + 1)
    summed = (at_rank * matches.hits).sum(axis=1)
    return _over(summed, np.minimum(matches.total, limit))


def recall_by_rank(matches: Matches) -> DoubleArray:
    """Mean recall of the first 1, 2, ... places over customers who bought any, shape (limit,)."""
    buyers = matches.total > 0
    found = np.cumsum(matches.hits[buyers], axis=1) / matches.total[buyers, None]
    return found.mean(axis=0) if buyers.any() else np.full(matches.hits.shape[1], np.nan)


@dataclass(frozen=True)
class Metric:
    """A number a customer: how readers call it, what it means in a line, how it is worked out."""

    title: str
    meaning: str
    of: Callable[[Matches], DoubleArray]


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        NDCG: Metric(
            "nDCG",
            "hits count more the higher they stand in the list; 1 is the best possible list.",
            ndcg,
        ),
        RECALL: Metric(
            "Recall", "the share of what a customer bought that was in the list.", recall
        ),
        HIT_RATE: Metric(
            "Hit rate", "the share of customers who bought something from their list.", hit_rate
        ),
        PRECISION: Metric(
            "Precision", "the share of the list's places that were bought.", precision
        ),
        MRR: Metric("MRR", "one over the rank of the first hit, 0 without any.", mrr),
        MAP: Metric(
            "MAP",
            "precision at each hit, over the most hits the list could have had.",
            average_precision,
        ),
        NDCG_WHOLE: Metric(
            "nDCG, whole basket",
            "nDCG against the whole basket even where the list is too short to hold it; for "
            "comparing with published tables.",
            ndcg_whole,
        ),
    }
)


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
    lists: Sequence[LongArray],
    truths: Sequence[Truth],
    *,
    limit: int,
    items: int,
    whole: bool = False,
) -> Metrics:
    """Metrics at `limit` of one list a customer against what that customer bought.

    `whole`: nDCG against the whole basket, as published tables have it (see `ndcg_whole`).
    """
    shown = padded(lists, limit=limit)
    gain = ndcg_whole if whole else ndcg
    overall, repeat, explore = (
        _quality(Sought.of(truths, part=part, items=items).found_in(shown), gain) for part in PARTS
    )
    held = len(np.unique(shown[shown != NOTHING]))
    return Metrics(overall, repeat, explore, held / items if items else float("nan"))


def mean(values: DoubleArray) -> float:
    """The mean of what is known; NaN when nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _quality(matches: Matches, gain: Callable[[Matches], DoubleArray]) -> Quality:
    return Quality(
        recall=mean(recall(matches)),
        ndcg=mean(gain(matches)),
        hit_rate=mean(hit_rate(matches)),
        customers=int(np.count_nonzero(matches.total)),
    )


def _gain(matches: Matches) -> DoubleArray:
    ranks = np.arange(1, matches.hits.shape[1] + 1)
    # A sum row by row: a product with a vector could differ by who else is measured.
    gained: DoubleArray = (matches.hits / np.log2(ranks + 1)).sum(axis=1)
    return gained


def _ideal(hits: LongArray) -> DoubleArray:
    """The gain of so many hits on top of a list, shape (n,)."""
    most = int(hits.max(initial=0))
    gains = np.cumsum(1 / np.log2(np.arange(2, most + 2)))
    return np.concatenate([np.zeros(1), gains])[hits]


def _over(found: DoubleArray | LongArray, most: DoubleArray | LongArray) -> DoubleArray:
    shares = np.full(found.shape, np.nan)
    np.divide(found, most, out=shares, where=most > 0)
    return shares
