"""Settling the recipe on the validation window: how fast habits fade, how much each scorer counts.

The best items of every scorer make a small set of candidates a customer; on these the blend's
nDCG is cheap to compute, and a coordinate search over weights finds the recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.item_item import ItemItem
from engine.models.popularity import Popularity
from engine.models.scorer import Scorer
from engine.recommend.blend import weighted
from training.evaluate import Window, with_recipe
from training.fit import Recipe

PER_SCORER = 60
BLOCK = 64
ROUNDS = 3
# Personal frequency counts 1; the others are tried at these weights relative to it. Popularity
# never reaches 0: it fills what nothing else can say.
GRID: Mapping[str, tuple[float, ...]] = {
    Als.name: (0.0, 0.03, 0.1, 0.2, 0.4, 0.8, 1.6),
    ItemItem.name: (0.0, 0.03, 0.1, 0.2, 0.4, 0.8, 1.6),
    Popularity.name: (0.001, 0.01, 0.03, 0.1, 0.3),
}
START = {PersonalFrequency.name: 1.0, Als.name: 0.2, ItemItem.name: 0.1, Popularity.name: 0.01}


@dataclass(frozen=True)
class _Candidates:
    """For each customer a padded row of candidates: scaled scores by scorer, and what is wanted.

    `scores` values have shape (customers, width); padding scores -inf through `real`.
    """

    scores: Mapping[str, FloatArray]
    wanted: BoolArray
    real: BoolArray
    best: FloatArray


def tune(
    scorers: Mapping[str, Scorer],
    target: Window,
    *,
    half_lives: tuple[float, ...],
    limit: int,
    step: Callable[[str], None],
) -> tuple[Recipe, float]:
    """The recipe with the highest nDCG at `limit` in the window, and that nDCG."""
    outcomes: list[tuple[float, Recipe]] = []
    for half_life in half_lives:
        step(f"tuning on {len(target.truths):,} customers, half-life {half_life:g} days")
        variant = with_recipe(scorers, Recipe(half_life, dict(START)))
        found = _search(_candidates(variant, target, limit=limit), limit=limit)
        outcomes.append((found[0], Recipe(half_life, found[1])))
    score, recipe = max(outcomes, key=lambda outcome: outcome[0])
    return recipe, score


def _search(candidates: _Candidates, *, limit: int) -> tuple[float, dict[str, float]]:
    weights = dict(START)
    best = _ndcg(candidates, weights, limit=limit)
    for _ in range(ROUNDS):
        before = best
        for name, values in GRID.items():
            for value in values:
                trial = {**weights, name: value}
                score = _ndcg(candidates, trial, limit=limit)
                if score > best:
                    best, weights = score, trial
        if best == before:
            break
    return best, weights


def _ndcg(candidates: _Candidates, weights: Mapping[str, float], *, limit: int) -> float:
    total = sum(
        (np.float32(weights[name]) * scores for name, scores in candidates.scores.items()),
        start=np.zeros(candidates.real.shape, dtype=np.float32),
    )
    total[~candidates.real] = -np.inf
    order = np.argsort(-total, axis=1, kind="stable")[:, :limit]
    gains = np.take_along_axis(candidates.wanted, order, axis=1)
    discounts = 1 / np.log2(np.arange(2, gains.shape[1] + 2))
    return float(((gains * discounts).sum(axis=1) / candidates.best).mean())


def _candidates(scorers: Mapping[str, Scorer], target: Window, *, limit: int) -> _Candidates:
    width = PER_SCORER * len(scorers)
    customers = len(target.truths)
    scores = {name: np.zeros((customers, width), dtype=np.float32) for name in scorers}
    items = np.full((customers, width), -1, dtype=np.int64)
    for start in range(0, customers, BLOCK):
        rows = np.arange(start, min(start + BLOCK, customers))
        block = target.histories.take(rows)
        parts = {name: weighted(scorer, block, weight=1.0)[0] for name, scorer in scorers.items()}
        for row in rows:
            chosen = _union([part[row - start] for part in parts.values()])
            items[row, : len(chosen)] = chosen
            for name, part in parts.items():
                scores[name][row, : len(chosen)] = part[row - start, chosen]
    return _Candidates(
        scores=scores,
        wanted=_wanted(target, items),
        real=items >= 0,
        best=_ideal(target, limit=limit),
    )


def _union(parts: list[FloatArray]) -> LongArray:
    size = min(PER_SCORER, len(parts[0]))
    return np.unique(np.concatenate([np.argpartition(-part, size - 1)[:size] for part in parts]))


def _wanted(target: Window, items: LongArray) -> BoolArray:
    wanted = np.zeros(items.shape, dtype=np.bool_)
    for row, truth in enumerate(target.truths):
        wanted[row] = np.isin(items[row], np.concatenate([truth.repeat, truth.explore]))
    return wanted


def _ideal(target: Window, *, limit: int) -> FloatArray:
    discounts = np.cumsum(1 / np.log2(np.arange(2, limit + 2)))
    sizes = [len(each.repeat) + len(each.explore) + each.unseen for each in target.truths]
    ideal: FloatArray = discounts[np.minimum(sizes, limit) - 1].astype(np.float32)
    return ideal
