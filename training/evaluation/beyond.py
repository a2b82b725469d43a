"""What lists are like apart from being right: how varied, how daring, how evenly they show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from engine.domain.arrays import DoubleArray, FloatArray, IntArray, LongArray
from engine.domain.histories import Histories
from engine.domain.ids import MISSING
from engine.loyalty.concentration import gini
from training.evaluation.alike import Likeness
from training.evaluation.metrics import NOTHING, mean

COVERAGE, GINI, PERSONALISATION = "coverage", "gini", "personalisation"
NOVELTY, DIVERSITY, CALIBRATION, FILLED = "novelty", "diversity", "calibration", "filled"
# Steck (2018), section 3: so much of the customer's own mix is mixed into the list's, that a
# category which the list lacks costs much and not infinitely much.
SMOOTHING = 0.01
# How many pairs of places are compared at once.
PAIRS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Property:
    """A number of lists: how readers call it, what it means in a line, whether more is wanted."""

    title: str
    meaning: str
    more: bool


BEYOND: Mapping[str, Property] = MappingProxyType(
    {
        COVERAGE: Property(
            "Coverage", "the share of the catalogue that appears in any customer's list.", True
        ),
        NOVELTY: Property(
            "Novelty",
            "how little known the shown items are: one bit more is half as popular.",
            True,
        ),
        DIVERSITY: Property(
            "Diversity",
            "how different the items of one list are: 1 when no two share a category, or, where "
            "items have no categories, when no two are ever bought together.",
            True,
        ),
        CALIBRATION: Property(
            "Miscalibration",
            "how far a list's categories are from the customer's own mix (KL divergence); 0 is "
            "the same mix.",
            False,
        ),
        GINI: Property(
            "Exposure Gini",
            "how unevenly the catalogue is shown: 0 is every item equally often, 1 is one item "
            "for everybody.",
            False,
        ),
        PERSONALISATION: Property(
            "Personalisation",
            "how different the lists of two customers are: 1 when they share no item.",
            True,
        ),
        FILLED: Property("Filled", "the share of places that hold an item at all.", True),
    }
)


@dataclass(frozen=True)
class Tastes:
    """The category mixes of n customers as (customer, category) pairs that occur.

    `keys` are ascending, customer x categories + category; `share` is of the customer's lines.
    """

    keys: LongArray
    share: DoubleArray
    categories: int


def tastes_of(histories: Histories, category: IntArray) -> Tastes:
    """What share of each customer's lines falls into which category; unknown ones left out."""
    categories = int(category.max(initial=MISSING)) + 1
    known = histories.item != MISSING
    row, own = histories.row()[known], category[histories.item[known]]
    keys, counts = np.unique((row * categories + own)[own != MISSING], return_counts=True)
    rows = keys // max(categories, 1)
    totals = np.bincount(rows, weights=counts, minlength=len(histories))
    return Tastes(keys, counts / totals[rows], categories)


def coverage(shown: LongArray, *, items: int) -> float:
    """Distinct items in any list, over the catalogue (Herlocker et al. 2004, section 4.2)."""
    held = len(np.unique(shown[shown != NOTHING]))
    return float(held / items) if items else float("nan")


def exposure_gini(shown: LongArray, *, items: int) -> float:
    """Gini coefficient of how often each item of the catalogue is shown; NaN without lists."""
    times = np.bincount(shown[shown != NOTHING], minlength=items)
    return gini(times.astype(np.float64))


def personalisation(shown: LongArray) -> float:
    """Mean over all pairs of customers of 1 - shared items / places; NaN for fewer than two.

    Zhou et al. (2010), the inter-list distance. Exact: an item in c lists is shared by c (c - 1)
    of the ordered pairs.
    """
    customers, limit = shown.shape
    if customers < 2:
        return float("nan")
    times = np.unique(shown[shown != NOTHING], return_counts=True)[1].astype(np.float64)
    shared = float((times * (times - 1)).sum())
    places = customers * (customers - 1) * limit
    return float(1 - shared / places)


def novelty(shown: LongArray, popularity: FloatArray) -> DoubleArray:
    """Mean of -log2(share of popularity) over each list, in bits, shape (n,); NaN when empty.

    Castells, Hurley & Vargas (2015), mean self-information. An item that was never ordered counts
    as ordered once.
    """
    orders = np.maximum(popularity.astype(np.float64), 1.0)
    surprise = -np.log2(orders / orders.sum()) if orders.size else orders
    filled = shown != NOTHING
    bits = np.zeros(shown.shape)
    bits[filled] = surprise[shown[filled]]
    return _mean_of_rows(bits, filled)


def diversity(shown: LongArray, alike: Likeness) -> DoubleArray:
    """1 - mean likeness of all pairs within each list, shape (n,); NaN where none is known.

    Ziegler et al. (2005), intra-list similarity, turned round.
    """
    left, right = np.triu_indices(shown.shape[1], k=1)
    distances = np.full(len(shown), np.nan)
    step = max(1, PAIRS_AT_ONCE // max(len(left), 1))
    for start in range(0, len(shown), step):
        block = shown[start : start + step]
        one, other = block[:, left], block[:, right]
        filled = (one != NOTHING) & (other != NOTHING)
        likeness = np.full(one.shape, np.nan)
        likeness[filled] = alike(one[filled], other[filled])
        known = ~np.isnan(likeness)
        distances[start : start + step] = _mean_of_rows(np.where(known, 1 - likeness, 0.0), known)
    return distances


def miscalibration(shown: LongArray, category: IntArray, tastes: Tastes) -> DoubleArray:
    """KL divergence in nats of a list's category mix from the customer's own, shape (n,).

    Steck (2018), section 3: sum of p log(p / ((1 - a) q + a p)) over categories, p the customer's
    mix, q the list's, a = SMOOTHING. NaN where either has no known category.
    """
    customers = len(shown)
    filled = shown != NOTHING
    rows = np.nonzero(filled)[0]
    own = category[shown[filled]]
    rows, own = rows[own != MISSING], own[own != MISSING]
    held = np.bincount(rows, minlength=customers)
    keys, counts = np.unique(rows * tastes.categories + own, return_counts=True)
    at = tastes.keys // max(tastes.categories, 1)
    listed = _looked_up(tastes.keys, keys, counts) / np.maximum(held[at], 1)
    mixed = (1 - SMOOTHING) * listed + SMOOTHING * tastes.share
    terms = tastes.share * np.log(tastes.share / mixed)
    divergence = np.bincount(at, weights=terms, minlength=customers)
    known = (held > 0) & (np.bincount(at, minlength=customers) > 0)
    return np.where(known, np.maximum(divergence, 0.0), np.nan)


def properties_of(
    shown: LongArray, *, popularity: FloatArray, category: IntArray, alike: Likeness, tastes: Tastes
) -> dict[str, float]:
    """All numbers of BEYOND for lists given as by `padded`; NaN where nothing is known."""
    items = len(popularity)
    return {
        COVERAGE: coverage(shown, items=items),
        NOVELTY: mean(novelty(shown, popularity)),
        DIVERSITY: mean(diversity(shown, alike)),
        CALIBRATION: mean(miscalibration(shown, category, tastes)),
        GINI: exposure_gini(shown, items=items),
        PERSONALISATION: personalisation(shown),
        FILLED: float((shown != NOTHING).mean()) if shown.size else float("nan"),
    }


def _looked_up(wanted: LongArray, keys: LongArray, counts: LongArray) -> DoubleArray:
    """The count of each wanted key, 0 for one that is not among the ascending keys."""
    if not keys.size:
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, counts[at], 0).astype(np.float64)


def _mean_of_rows(values: DoubleArray, known: np.ndarray) -> DoubleArray:
    """The mean of each row where it is known; values are 0 where not. NaN for nothing known."""
    means = np.full(len(values), np.nan)
    counts = known.sum(axis=1)
    np.divide(values.sum(axis=1), counts, out=means, where=counts > 0)
    return means
