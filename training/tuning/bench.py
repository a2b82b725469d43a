"""What a configuration is worth on the validation window, with little fitted anew."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

import msgspec
import numpy as np

from engine.domain.arrays import DoubleArray, FloatArray
from engine.domain.histories import DAY_MS
from engine.errors import DataRefused
from engine.models.goals import Goal
from engine.models.scorer import Scorer
from engine.store.log_reader import ReadLog
from training.config import TrainConfig
from training.course import Surroundings
from training.evaluation.metrics import Truth
from training.fit import FITTERS, Basis, Fitted, Recipe, fit
from training.fitting.ranker import grown_for_each
from training.history import Purchases, purchases_before
from training.learning import GOALS, blend_of, for_goal
from training.rows import Rows, rows_of
from training.split import Split
from training.tune import tune
from training.tuning.worth import Worth, quality
from training.windows import Window, sample, window

# Those of the best configuration so far, and those of the one on trial.
KEPT = 2
Made = TypeVar("Made")


class TuningConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to try: on how many customers a window, and how much discover counts beside home.

    `windows` of the past teach the trees of a trial; fewer than a training has, for speed. A trial
    is better than the best so far only by more than so many standard `errors` of their difference
    over the customers: the highest of many figures is mostly the luckiest.
    """

    customers: int = 1_500
    windows: int = 1
    discover_share: float = 0.5
    errors: float = 2.0


class Kept(Generic[Made]):
    """The things made last, by what they were made of."""

    def __init__(self, most: int = KEPT) -> None:
        self._made: OrderedDict[Hashable, Made] = OrderedDict()
        self._most = most

    def get(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """The thing, made if it is not among the last."""
        if key not in self._made:
            self._made[key] = make()
        self._made.move_to_end(key)
        while len(self._made) > self._most:
            self._made.popitem(last=False)
        return self._made[key]


class Place:
    """One window: what was fitted before it, and its customers. Models are refitted as needed."""

    def __init__(self, fitted: Fitted, target: Window, *, config: TrainConfig) -> None:
        self.fitted = fitted
        self.target = target
        self._config = config
        self._scorers: dict[str, Kept[Scorer]] = {name: Kept() for name in FITTERS}
        self._rows: Kept[Rows] = Kept()
        for name, scorer in fitted.scorers.items():
            self._fill(name, scorer)

    def of(self, config: TrainConfig) -> Fitted:
        """What is fitted by a configuration; models whose numbers are the same are taken over."""
        horizon = self.fitted.ranking.horizon_days
        basis = Basis(self.fitted.purchases, self.fitted.assortment, config, horizon)
        scorers = {
            name: self._scorers[name].get(_key(config, name), partial(each, basis))
            for name, each in FITTERS.items()
        }
        return replace(self.fitted, scorers=scorers)

    def rows(self, config: TrainConfig, recipe: Recipe) -> Rows:
        """The window as rows to learn from, by a configuration."""
        key = tuple(_key(config, name) for name in FITTERS)
        return self._rows.get(key, lambda: rows_of(self.of(config).model(recipe), self.target))

    def _fill(self, name: str, scorer: Scorer) -> None:
        self._scorers[name].get(_key(self._config, name), lambda: scorer)


class Bench:
    """The validation window and the past before it, prepared once for many configurations."""

    def __init__(self, later: Place, past: Sequence[Place], recipe: Recipe) -> None:
        self.later = later
        self.past = tuple(past)
        self.recipe = recipe
        self._sizes = {goal: _bought(later.target.truths, goal) for goal in GOALS}

    @property
    def grows(self) -> bool:
        """Whether there is a past to grow trees from."""
        return bool(self.past)

    def worth(self, config: TrainConfig) -> Worth:
        """What lists of the trees, or of the blend where it does better, would have been worth."""
        rows = self.later.rows(config, self.recipe)
        past = [place.rows(config, self.recipe) for place in self.past]
        home, discover = (self._best(goal, rows, past, config) for goal in GOALS)
        return Worth(home, discover)

    def _best(
        self, goal: Goal, rows: Rows, past: Sequence[Rows], config: TrainConfig
    ) -> DoubleArray:
        sizes, limit = self._sizes[goal], config.limit

        def of(total: FloatArray) -> DoubleArray:
            return quality(rows, total, sizes, goal, limit=limit)

        blended = of(blend_of(rows, self.recipe.blends[goal]))
        own = [each for each in (for_goal(each, goal) for each in past) if each.bought.any()]
        validation = for_goal(rows, goal)
        if not own or not validation.bought.any():
            return blended
        grown = grown_for_each(own, validation, goal=goal, config=config)
        tried = [of(each.ranker.rank(rows.features)) for each in grown]
        return max(*tried, blended, key=lambda each: float(np.nansum(each)))


def prepared(
    log: ReadLog,
    *,
    split: Split,
    config: TrainConfig,
    tuning: TuningConfig,
    around: Surroundings,
) -> Bench:
    """The bench for a split; nothing of its test window is looked at.

    Raises DataRefused when nobody with a past bought anything in the validation window.
    """
    until = purchases_before(log.lines, cut_ms=split.test_from)
    length = split.test_from - split.validation_from

    def place(cut_ms: int) -> Place:
        around.step(f"fitting {(split.validation_from - cut_ms) / DAY_MS:g} days before validation")
        before = purchases_before(log.lines, cut_ms=cut_ms)
        fitted = fit(before, around.catalog, config=config, horizon_days=split.validation_days)
        target = window(before, until, until_ms=cut_ms + length)
        return Place(fitted, sample(target, size=tuning.customers, seed=config.seed), config=config)

    later = place(split.validation_from)
    if not later.target.truths:
        raise DataRefused(
            "nobody with a past bought anything in the validation window; nothing to tune by"
        )
    past = [place(cut_ms) for cut_ms in _past_cuts(until, split, windows=tuning.windows)]
    recipe = tune(
        later.fitted,
        later.target,
        half_lives=config.half_lives,
        limit=config.limit,
        step=around.step,
    )
    return Bench(later, [each for each in past if each.target.truths], recipe)


def _past_cuts(until: Purchases, split: Split, *, windows: int) -> list[int]:
    """When the windows before validation began, as far as the data reach."""
    length = split.test_from - split.validation_from
    first_ms = int(until.customers.at.min(initial=split.test_from))
    cuts = (split.validation_from - back * length for back in range(windows, 0, -1))
    return [cut_ms for cut_ms in cuts if cut_ms >= first_ms + length]


def _bought(truths: Sequence[Truth], goal: Goal) -> DoubleArray:
    new = [len(each.explore) + each.unseen for each in truths]
    own = [0 if goal is Goal.NEW else len(each.repeat) for each in truths]
    return np.asarray(new, dtype=np.float64) + np.asarray(own, dtype=np.float64)


def _key(config: TrainConfig, name: str) -> Hashable:
    """What of a configuration a scorer is fitted by, beside the seed."""
    return msgspec.json.encode(getattr(config, name, config.half_lives))
