"""Settling the recipe on the validation window: how fast habits fade, how much each scorer counts.

The candidates of each customer are a small set; on these the blend's nDCG is cheap to compute,
and a coordinate search over weights finds the recipe, for each goal by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from engine.domain.arrays import BoolArray, DoubleArray, FloatArray, LongArray
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.item_item import Ease, ItemItem
from engine.models.neighbours import NeighbourCustomers
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.models.repurchase import RepurchaseTiming
from engine.models.sessions import Sessions
from engine.recommend.answer import Request
from engine.recommend.eligibility import Rules, among
from engine.recommend.features.held import position_in
from engine.recommend.features.said import of_best
from engine.recommend.recommender import Recommender
from training.fit import Fitted, Recipe
from training.windows import Window

ROUNDS = 3
_STEPS = (0.0, 0.03, 0.1, 0.3, 0.6, 1.0, 2.0)
# What each goal starts from. Popularity never reaches 0: it fills what nothing else can say.
START: Mapping[Goal, Mapping[str, float]] = {
    Goal.ANY: {
        PersonalFrequency.name: 1.0,
        RepurchaseTiming.name: 0.3,
        NeighbourCustomers.name: 0.1,
        Als.name: 0.1,
        ItemItem.name: 0.1,
        Ease.name: 0.1,
        Popularity.name: 0.01,
    },
    Goal.NEW: {
        NeighbourCustomers.name: 0.6,
        Als.name: 0.6,
        ItemItem.name: 0.3,
        Ease.name: 0.3,
        Popularity.name: 0.1,
    },
    # Of what lies in the basket: sessions and neighbours of its items, and what sells.
    Goal.BASKET: {
        Sessions.name: 1.0,
        ItemItem.name: 0.6,
        Ease.name: 0.3,
        Popularity.name: 0.03,
    },
}


@dataclass(frozen=True)
class Candidates:
    """The candidates of a window's customers, with what each scorer says of them, scaled.

    `said` values and `wanted` are (pairs,), `best` (customers,) the highest DCG there could be.
    """

    pairs: Pairs
    said: Mapping[str, FloatArray]
    wanted: BoolArray
    best: DoubleArray

    def ndcg(self, weights: Mapping[str, float], *, limit: int) -> float:
        """nDCG at `limit` of the blend, mean over the customers."""
        return float(self.each(weights, limit=limit).mean())

    def each(self, weights: Mapping[str, float], *, limit: int) -> DoubleArray:
        """nDCG at `limit` of the blend, customer by customer, shape (customers,)."""
        total = np.zeros(len(self.pairs), dtype=np.float32)
        for name, weight in weights.items():
            if weight > 0 and name in self.said:
                total += np.float32(weight) * self.said[name]
        order = np.lexsort((self.pairs.item, -total, self.pairs.row()))
        rank = np.arange(len(order)) - self.pairs.indptr[:-1].repeat(np.diff(self.pairs.indptr))
        gains = self.wanted[order] * np.where(rank < limit, 1 / np.log2(rank + 2), 0)
        row = self.pairs.row()
        gained = np.bincount(row, weights=gains, minlength=self.pairs.customers)
        quality: DoubleArray = gained / self.best
        return quality


def tune(
    fitted: Fitted,
    target: Window,
    *,
    half_lives: tuple[float, ...],
    limit: int,
    step: Callable[[str], None],
) -> Recipe:
    """The recipe with the highest nDCG at `limit` in the window."""
    step(f"tuning blends on {len(target.truths):,} customers")
    half_life = _half_life(fitted, target, half_lives, limit=limit)
    model = fitted.model(Recipe(half_life, START))
    recommender = Recommender(model, cooldown=timedelta(0))
    query = Query(target.histories, target.start_ms)
    scored = recommender.scored(query, Request(), Rules({}, None), goal=Goal.ANY)
    own = among(target.histories, scored.pairs, items=len(model.items))
    blends: dict[Goal, Mapping[str, float]] = dict(START)
    for goal, kept in ((Goal.ANY, np.ones_like(own)), (Goal.NEW, ~own)):
        known = candidates(
            scored.pairs.where(kept),
            {name: each[kept] for name, each in scored.said.items()},
            target,
            goal=goal,
            limit=limit,
        )
        blends[goal] = search(known, START[goal], limit=limit)
    return Recipe(half_life, blends)


def search(known: Candidates, start: Mapping[str, float], *, limit: int) -> dict[str, float]:
    """Weights by coordinate search from a start, one scorer after the other."""
    weights = dict(start)
    best = known.ndcg(weights, limit=limit)
    for _ in range(ROUNDS):
        before = best
        for name in start:
            for value in _STEPS:
                trial = {**weights, name: max(value, 0.001) if name == Popularity.name else value}
                score = known.ndcg(trial, limit=limit)
                if score > best:
                    best, weights = score, trial
        if best == before:
            break
    return weights


def tells(gain: DoubleArray, *, errors: float) -> bool:
    """Whether a gain, shape (customers,), is above 0 by more than so many standard errors."""
    return bool(len(gain) and gain.mean() > errors * gain.std() / np.sqrt(len(gain)))


def candidates(
    pairs: Pairs,
    said: Mapping[str, FloatArray],
    target: Window,
    *,
    goal: Goal,
    limit: int,
) -> Candidates:
    """The candidates as the search needs them; customers without anything wanted are left out."""
    items = int(pairs.item.max(initial=0)) + 1
    wanted, sizes = _wanted(target, goal=goal)
    inside = wanted.item < items
    found = position_in(wanted.where(inside), pairs, items=items) >= 0
    some = sizes > 0
    kept = some[pairs.row()]
    names = np.flatnonzero(some)
    part = pairs.where(kept)
    only = Pairs(np.append(part.indptr[:-1][names], part.indptr[-1]), part.item)
    discounts = np.cumsum(1 / np.log2(np.arange(2, limit + 2)))
    return Candidates(
        pairs=only,
        said={name: of_best(each[kept], only) for name, each in said.items()},
        wanted=found[kept],
        best=discounts[np.minimum(sizes[some], limit) - 1],
    )


def _half_life(
    fitted: Fitted, target: Window, half_lives: tuple[float, ...], *, limit: int
) -> float:
    """The half-life by which personal frequency alone does best."""

    def quality(half_life: float) -> float:
        scorer = fitted.model(Recipe(half_life, START)).scorers[PersonalFrequency.name]
        scores = scorer.score(Query(target.histories, target.start_ms))
        pairs = scores.best(PER_CUSTOMER)
        said = {PersonalFrequency.name: scores.at(pairs)}
        known = candidates(pairs, said, target, goal=Goal.ANY, limit=limit)
        return known.ndcg({PersonalFrequency.name: 1.0}, limit=limit)

    return max(half_lives, key=quality)


PER_CUSTOMER = 300


def _wanted(target: Window, *, goal: Goal) -> tuple[Pairs, LongArray]:
    """What the customers bought, and how many items they did, those unknown then among them."""
    own = [
        truth.explore if goal is Goal.NEW else np.concatenate([truth.repeat, truth.explore])
        for truth in target.truths
    ]
    row = np.arange(len(own)).repeat([len(each) for each in own])
    item = np.concatenate(own) if own else np.zeros(0, np.int64)
    unseen = np.asarray([truth.unseen for truth in target.truths], dtype=np.int64)
    sizes = np.asarray([len(each) for each in own], dtype=np.int64) + unseen
    return Pairs.of(row, item, customers=len(own)), sizes
