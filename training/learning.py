"""Learning the rankers: past windows as rows, rounds by a later window, and do they win there?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.arrays import DoubleArray, FloatArray
from engine.models.goals import Goal
from engine.models.ranker import Ranker
from training.config import TrainConfig
from training.fit import Fitted, Recipe
from training.fitting.ranker import Grown, Objective, fit_ranker, grown_for_each
from training.rows import Rows, rows_of
from training.windows import Window, sample

# The goals that trees are grown for; baskets are served by their blend.
GOALS = (Goal.ANY, Goal.NEW)


@dataclass(frozen=True)
class Trial:
    """How trees did beside the blend on the validation window, nDCG, and how many there are.

    `error` is the standard error of the difference, over the same customers; `objective` is what
    the trees were grown for.
    """

    rounds: int
    ranker: float
    blend: float
    error: float = 0.0
    objective: Objective = Objective.ORDER

    @property
    def won(self) -> bool:
        """Whether the trees serve: how many there are was chosen there, so a draw is luck."""
        return self.ranker - self.blend > self.error


def learnt_from(
    fitted: Fitted, recipe: Recipe, target: Window, *, config: TrainConfig
) -> Rows | None:
    """The rows of a window, of as many customers as the configured number of rows allows."""
    if not target.truths:
        return None
    probe = sample(target, size=PROBE, seed=config.seed)
    model = fitted.model(recipe)
    rows = rows_of(model, probe)
    if len(probe.truths) == len(target.truths):
        return rows
    allowed = config.ranker.rows_of(len(fitted.purchases.customers))
    most = int(allowed / max(len(rows.bought) / len(probe.truths), 1))
    return rows_of(model, sample(target, size=max(most, 1), seed=config.seed))


def grow(
    past: Sequence[Rows],
    validation: Rows,
    recipe: Recipe,
    *,
    config: TrainConfig,
    step: Callable[[str], None],
) -> dict[Goal, Trial]:
    """For each goal how trees grown on the past windows do on the later one."""
    trials = {}
    for goal in GOALS:
        step(f"growing trees for '{goal}' on {len(past)} windows")
        own = teaching(past, goal)
        later = for_goal(validation, goal)
        if not own or not later.bought.any():
            # Nothing of the kind was bought there: nothing to learn, or nothing to try it on.
            continue
        grown = grown_for_each(own, later, goal=goal, config=config)
        blended = ndcg_each(later, blend_of(later, recipe.blends[goal]), limit=config.limit)
        tried = [_trial(each, later, blended, limit=config.limit) for each in grown]
        trials[goal] = max(tried, key=lambda trial: trial.ranker)
    return trials


def _trial(grown: Grown, later: Rows, blended: DoubleArray, *, limit: int) -> Trial:
    """How the trees did; `blended` is the blend's nDCG, customer by customer."""
    of_trees = ndcg_each(later, grown.ranker.rank(later.features), limit=limit)
    gain = of_trees - blended
    return Trial(
        grown.rounds,
        ranker=float(of_trees.mean()),
        blend=float(blended.mean()),
        error=float(gain.std() / np.sqrt(len(gain))),
        objective=grown.objective,
    )


def regrow(
    past: Sequence[Rows], trials: Mapping[Goal, Trial], *, config: TrainConfig
) -> dict[Goal, Ranker]:
    """Trees for the goals where they won, grown on all the windows, as many as did best."""
    return {
        goal: fit_ranker(
            own, goal=goal, config=config, rounds=trial.rounds, objective=trial.objective
        )
        for goal, trial in trials.items()
        if trial.won and (own := teaching(past, goal))
    }


def with_rankers(fitted: Fitted, rankers: Mapping[Goal, Ranker]) -> Fitted:
    """The same with trees."""
    return replace(fitted, ranking=replace(fitted.ranking, rankers=rankers))


def teaching(past: Sequence[Rows], goal: Goal) -> list[Rows]:
    """The rows that a goal is about, of the windows in which any of them was bought."""
    own = (for_goal(each, goal) for each in past)
    return [each for each in own if each.bought.any()]


def for_goal(rows: Rows, goal: Goal) -> Rows:
    """The rows that a goal is about."""
    return rows.new_only() if goal is Goal.NEW else rows


def blend_of(rows: Rows, weights: Mapping[str, float]) -> FloatArray:
    """The linear blend, from the columns that say what each scorer says."""
    total = np.zeros(len(rows.bought), dtype=np.float32)
    for name, weight in sorted(weights.items()):
        column = f"{name}_of_best"
        if weight > 0 and column in rows.names:
            total += np.float32(weight) * rows.features[:, rows.names.index(column)]
    return total


def ndcg_each(rows: Rows, total: FloatArray, *, limit: int) -> DoubleArray:
    """nDCG at `limit` over the candidates, of each customer who bought some of them."""
    customer = np.arange(len(rows.size)).repeat(rows.size)
    start = np.cumsum(rows.size) - rows.size
    order = np.lexsort((np.arange(len(total)), -total, customer))
    rank = np.arange(len(order)) - start.repeat(rows.size)
    gains = rows.bought[order] * np.where(rank < limit, 1 / np.log2(rank + 2), 0)
    gained = np.bincount(customer, weights=gains, minlength=len(start))
    bought = np.bincount(customer[rows.bought], minlength=len(start))
    some = bought > 0
    ideal = np.cumsum(1 / np.log2(np.arange(2, limit + 2)))[np.minimum(bought[some], limit) - 1]
    each: DoubleArray = gained[some] / ideal
    return each


# So many customers tell how many rows one gives.
PROBE = 200
