"""Learning when what was bought is bought again, from everyone's intervals, open ones included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import msgspec
import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, IntArray, LongArray
from engine.domain.assortment import Assortment
from engine.domain.histories import DAY_MS, Histories
from engine.models.renewals import Profile, intervals, moments, occasions, pace
from engine.models.repurchase import Habits, RepurchaseTiming, Rhythm
from training.history import Purchases

# Bins of the time since the last purchase, in mean intervals, and the classes of occasions.
STARTS = (0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 6, 8, 12, 20)
RANKS = (1, 2, 3, 4, 6, 9, 14, 25)


class RepurchaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far to look ahead and back, and how much the general counts beside the particular.

    `profile_days` and `trend_days`: the last days before the cut from which the hazard and the
    items' present multipliers are learned. Strengths: as how many intervals (of the interval's
    usual length) or purchases (of the multiplier) what is known one level up counts; shop for a
    category, category for an item, item for a customer's own interval, long run for the present.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "horizon_days": (0.01, 3_650),
        "profile_days": (1, 36_500),
        "trend_days": (1, 36_500),
        "pace_power": (0, 1),
        "interval_strength": (0.01, 10**6),
        "item_interval_strength": (0.01, 10**6),
        "category_interval_strength": (0.01, 10**6),
        "item_strength": (0.01, 10**6),
        "category_strength": (0.01, 10**6),
        "trend_strength": (0.01, 10**6),
        "profile_strength": (0.01, 10**6),
        "first_interval_days": (0.01, 3_650),
    }

    horizon_days: float = 28.0
    profile_days: float = 60.0
    trend_days: float = 30.0
    pace_power: float = 0.7
    interval_strength: float = 2.0
    item_interval_strength: float = 20.0
    category_interval_strength: float = 10.0
    item_strength: float = 20.0
    category_strength: float = 50.0
    trend_strength: float = 25.0
    profile_strength: float = 5.0
    # Where nothing was ever bought twice; counts as one interval seen.
    first_interval_days: float = 30.0


class _Waits(NamedTuple):
    """Waiting for the next purchase after each occasion; shape (occasions,) each.

    `days` long, begun `age_days` before the cut; it ended with a purchase where `bought`, with
    the cut elsewhere. `until` is its length in mean intervals of its customer and item.
    """

    rank: LongArray
    item: IntArray
    bought: BoolArray
    days: DoubleArray
    age_days: DoubleArray
    until: DoubleArray


def fit_repurchase(
    purchases: Purchases, assortment: Assortment, *, config: RepurchaseConfig
) -> RepurchaseTiming:
    """Habits of items and the profile of the hazard as of `until_ms`.

    Time at risk is counted up to the cut, so that customers who have not come back yet speak for
    long intervals and not for none.
    """
    rhythm = Rhythm(
        horizon_days=config.horizon_days,
        order_gap_days=_usual_gap(purchases.customers, config),
        pace_power=config.pace_power,
        interval_strength=config.interval_strength,
    )
    usual, waits = _waits(purchases, assortment.category, rhythm=rhythm, config=config)
    profile = _profile(waits, config=config)
    shape, rate = _multipliers(waits, profile, assortment.category, config=config)
    habits = Habits(usual.astype(np.float32), shape.astype(np.float32), rate.astype(np.float32))
    return RepurchaseTiming(habits, profile, rhythm)


def _waits(
    purchases: Purchases, category: IntArray, *, rhythm: Rhythm, config: RepurchaseConfig
) -> tuple[DoubleArray, _Waits]:
    """The usual interval of each item in days, shape (items,), and all waits."""
    past = occasions(purchases.customers)
    cut_days = purchases.until_ms / DAY_MS
    ends = np.where(past.latest, cut_days, np.append(past.at_days[1:], cut_days))
    days, bought = ends - past.at_days, ~past.latest
    own = pace(
        purchases.customers,
        now_ms=purchases.until_ms,
        order_gap_days=rhythm.order_gap_days,
        power=rhythm.pace_power,
    )[past.row]
    usual = _usual_intervals(past.item[bought], (days / own)[bought], category, config=config)
    mean = intervals(past, usual[past.item] * own, strength=rhythm.interval_strength)
    age = cut_days - past.at_days
    return usual, _Waits(past.rank, past.item, bought, days, age, days / mean)


def _usual_gap(histories: Histories, config: RepurchaseConfig) -> float:
    """The median of customers' mean days between orders, of those who came back."""
    orders = moments(histories)
    again = orders > 1
    if not again.any():
        return config.first_interval_days
    first = histories.at[histories.indptr[:-1][again]]
    known_days = (histories.last_at()[again] - first) / DAY_MS
    return float(np.median(known_days / (orders[again] - 1)))


def _usual_intervals(
    item: IntArray, days: DoubleArray, category: IntArray, *, config: RepurchaseConfig
) -> DoubleArray:
    """Mean interval of each item, shrunk to its category's, that to the shop's; shape (items,)."""
    shop = float(days.sum() + config.first_interval_days) / (len(days) + 1)
    total = _sums(item, days, size=len(category))
    seen = _sums(item, None, size=len(category))
    strength = config.category_interval_strength
    near = _by_category(category, total, seen, prior=shop, strength=strength)
    strength = config.item_interval_strength
    return (total + strength * near) / (seen + strength)


def _by_category(
    category: IntArray, total: DoubleArray, seen: DoubleArray, *, prior: float, strength: float
) -> DoubleArray:
    """For each item the ratio of the sums in its category, shrunk to `prior`; shape (items,).

    Items without a category do not make one: for them it is `prior` itself.
    """
    kinds = int(category.max(initial=-1)) + 2
    totals = _sums(category + 1, total, size=kinds)
    counts = _sums(category + 1, seen, size=kinds)
    ratio = (totals + strength * prior) / (counts + strength)
    ratio[0] = prior
    return ratio[category + 1]


def _profile(waits: _Waits, *, config: RepurchaseConfig) -> Profile:
    """Purchases over time at risk by class and bin, within the last `profile_days`.

    Each cell is shrunk to its bin over all classes, that to the mean of all.
    """
    events, at_risk = _cells(waits, _begun(waits, config.profile_days))
    # Half a purchase: what was never seen is unlikely, not impossible.
    overall = (events.sum() + 0.5) / (at_risk.sum() + 1)
    strength = config.profile_strength
    level = (events.sum(axis=0) + strength) / (at_risk.sum(axis=0) + strength / overall)
    hazard = (events + strength) / (at_risk + strength / level)
    return Profile(
        starts=np.asarray(STARTS, dtype=np.float32),
        ranks=np.asarray(RANKS, dtype=np.int32),
        hazard=hazard.astype(np.float32),
    )


def _cells(waits: _Waits, begun: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """Purchases, and mean intervals at risk from `begun` on, by class and bin."""
    watched = begun < waits.until
    begun, until = begun[watched], waits.until[watched]
    kind = np.searchsorted(RANKS, waits.rank[watched], side="right") - 1
    starts = np.asarray(STARTS, dtype=np.float64)
    # The same float32 edges that the profile will have: a wait must not change bins.
    starts = starts.astype(np.float32).astype(np.float64)
    bins = starts.searchsorted(until, side="right") - 1
    place = (kind * len(starts) + bins)[waits.bought[watched]]
    events = _sums(place, None, size=len(RANKS) * len(starts)).reshape(len(RANKS), -1)
    at_risk = np.zeros_like(events)
    for number, end in enumerate(np.append(starts[1:], np.inf)):
        spent = np.maximum(np.minimum(until, end) - np.maximum(begun, starts[number]), 0)
        at_risk[:, number] = _sums(kind, spent, size=len(RANKS))
    return events, at_risk


def _multipliers(
    waits: _Waits, profile: Profile, category: IntArray, *, config: RepurchaseConfig
) -> tuple[DoubleArray, DoubleArray]:
    """Shape and rate of each item's gamma, shape (items,) each.

    Poisson-gamma twice: all purchases over all that was expected, shrunk to the category's, give
    the long run's multiplier; the last `trend_days` turn it into the present one.
    """
    items = len(category)
    seen, due = _by_item(waits, profile, np.zeros(len(waits.until)), items=items)
    strength, shop = config.category_strength, float((seen.sum() + 1) / (due.sum() + 1))
    near = _by_category(category, seen, due, prior=shop, strength=strength)
    long_run = (seen + config.item_strength * near) / (due + config.item_strength)
    seen, due = _by_item(waits, profile, _begun(waits, config.trend_days), items=items)
    usual = long_run * (seen.sum() + 1) / ((due * long_run).sum() + 1)
    trend = _by_category(category, seen, due * usual, prior=1.0, strength=strength)
    return seen + config.trend_strength * trend, due + config.trend_strength / usual


def _by_item(
    waits: _Waits, profile: Profile, begun: DoubleArray, *, items: int
) -> tuple[DoubleArray, DoubleArray]:
    """Purchases of each item and those the profile expects from `begun` on, shape (items,)."""
    watched = begun < waits.until
    item, rank = waits.item[watched], waits.rank[watched]
    due = profile.expected(rank, waits.until[watched]) - profile.expected(rank, begun[watched])
    seen = _sums(item[waits.bought[watched]], None, size=items)
    return seen, _sums(item, due, size=items)


def _sums(place: IntArray | LongArray, weights: DoubleArray | None, *, size: int) -> DoubleArray:
    """Weights, or how many there are, by place; shape (size,)."""
    return np.bincount(place, weights=weights, minlength=size).astype(np.float64)


def _begun(waits: _Waits, days: float) -> DoubleArray:
    """Where each wait stood so many days before the cut, in mean intervals.

    0 for one that began later, its end for one that was over.
    """
    before = np.maximum(waits.age_days - days, 0)
    begun: DoubleArray = waits.until * np.minimum(before / waits.days, 1)
    return begun
