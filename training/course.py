"""The course of a training run: what is fitted up to which cut, and what is learnt from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

import msgspec

from engine.domain.catalog import Item
from engine.domain.histories import DAY_MS
from engine.errors import ModelUnavailable
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.ranker import Ranker
from engine.store.log_reader import ReadLog
from engine.store.model_store import ModelStore
from training.config import TrainConfig
from training.evaluate import BLEND, CHAMPION, FILTERED, FINAL, SINGLES, Tried, evaluate, single
from training.fit import Fitted, Recipe, fit, fitted_alike
from training.fitting.als import Warm
from training.history import Purchases, purchases_before
from training.learning import Trial, grow, learnt_from, regrow, with_rankers
from training.rows import Rows
from training.split import Split
from training.tune import START, tune
from training.windows import Window, sample, window


@dataclass(frozen=True)
class Surroundings:
    """What a run needs beside data and configuration."""

    store: ModelStore
    cooldown: timedelta
    catalog: Mapping[str, Item]
    now: datetime
    step: Callable[[str], None] = lambda _: None
    # For so many customers lists are made before the model serves.
    warm_customers: int = 0


@dataclass(frozen=True)
class Refitted:
    """The scorers as of the test window, the trees for them, and the window."""

    fitted: Fitted
    rankers: Mapping[Goal, Ranker]
    target: Window

    def model(self, recipe: Recipe) -> Model:
        """The whole model of a recipe."""
        return with_rankers(self.fitted, self.rankers).model(recipe)


@dataclass(frozen=True)
class Learnt:
    """What the windows before the test taught.

    `rows` of all of them, for growing trees again with later ones; `trials` is by goal how trees
    did beside the blend, empty when there was no past to grow them from.
    """

    recipe: Recipe
    trials: Mapping[Goal, Trial]
    rows: tuple[Rows, ...]


class Course:
    """One training run over the windows of a split."""

    def __init__(
        self, log: ReadLog, *, config: TrainConfig, around: Surroundings, split: Split
    ) -> None:
        self.split = split
        self._log = log
        self._config = config
        self._around = around
        self._test_rows: Rows | None = None

    def learn(self) -> Learnt:
        """The recipe and the trees' rounds, from windows before the test window."""
        recipe, later = self._settled()
        past = tuple(self._past(recipe)) if later is not None else ()
        if later is None or not past:
            return Learnt(recipe, {}, ())
        trials = grow(past, later, recipe, config=self._config, step=self._around.step)
        return Learnt(recipe, trials, (*past, later))

    def _settled(self) -> tuple[Recipe, Rows | None]:
        """The recipe by the validation window, and its rows; none when nobody bought in it."""
        split, config = self.split, self._config
        self._around.step("fitting up to the validation window")
        fitted = self._fitted(split.validation_from)
        target = self._window(fitted, until_ms=split.test_from)
        if not target.truths:
            return Recipe(config.half_lives[0], START), None
        recipe = tune(
            fitted,
            sample(target, size=config.tuning_customers, seed=config.seed),
            half_lives=config.half_lives,
            limit=config.limit,
            step=self._around.step,
        )
        return recipe, learnt_from(fitted, recipe, target, config=config)

    def relearn(self, recipe: Recipe, trials: Mapping[Goal, Trial]) -> Learnt:
        """What an earlier run learnt, with rows to grow its trees from; nothing is tuned."""
        if not any(trial.won for trial in trials.values()):
            return Learnt(recipe, trials, ())
        split = self.split
        later = self._rows(split.validation_from, recipe, until_ms=split.test_from)
        rows = (*self._past(recipe), *([later] if later is not None else []))
        return Learnt(recipe, trials if rows else {}, rows)

    def refit(self, learnt: Learnt) -> Refitted:
        """What was learnt, on everything before the test window."""
        self._around.step("fitting up to the test window")
        fitted = self._fitted(self.split.test_from)
        target = self._window(fitted, until_ms=self.split.until)
        self._around.step("growing trees on all windows before the test")
        return Refitted(
            fitted,
            regrow(learnt.rows, learnt.trials, config=self._config),
            sample(target, size=self._config.test_customers, seed=self._config.seed),
        )

    def contest(self, learnt: Learnt) -> tuple[Window, dict[str, Tried]]:
        """The test window, and every single scorer, the blend and the whole on it."""
        around = self._around
        refitted = self.refit(learnt)
        fitted, target = refitted.fitted, refitted.target
        half_life = learnt.recipe.half_life
        models = {name: single(fitted, own, half_life=half_life) for name, own in SINGLES.items()}
        models[BLEND] = fitted.model(learnt.recipe)
        models[FINAL] = refitted.model(learnt.recipe)
        champion = self._champion(learnt, refitted)
        if champion is not None:
            models[CHAMPION] = champion
        tried: dict[str, Tried] = {}
        for name, model in models.items():
            around.step(f"evaluating '{name}' on {len(target.truths):,} customers")
            tried[name] = evaluate(
                model,
                target,
                cooldown=around.cooldown,
                limit=self._config.limit,
                new_only=name == FILTERED,
            )
        if learnt.trials:
            self._test_rows = learnt_from(fitted, learnt.recipe, target, config=self._config)
        return target, tried

    def final(self, learnt: Learnt, *, warm: Warm | None = None) -> Model:
        """The model that knows everything, the test window among it; its factors may start warm."""
        fitted = self._fitted(self.split.until, warm)
        rows = (*learnt.rows, *([self._test_rows] if self._test_rows else []))
        self._around.step("growing trees on the latest windows")
        rankers = regrow(rows[-len(learnt.rows) :], learnt.trials, config=self._config)
        return with_rankers(fitted, rankers).model(learnt.recipe)

    @cached_property
    def everything(self) -> Purchases:
        """What was held at the end of the data."""
        return purchases_before(self._log.lines, cut_ms=self.split.until)

    def _past(self, recipe: Recipe) -> list[Rows]:
        """The rows of windows before validation, the latest last, as far as the data reach."""
        split, found = self.split, []
        length = split.test_from - split.validation_from
        first_ms = int(self.everything.customers.at.min(initial=split.until))
        for back in range(self._config.ranker.windows, 0, -1):
            cut_ms = split.validation_from - back * length
            if cut_ms < first_ms + length:
                continue
            self._around.step(f"the window {back * length / DAY_MS:g} days before validation")
            rows = self._rows(cut_ms, recipe, until_ms=cut_ms + length)
            if rows is not None and rows.bought.any():
                found.append(rows)
        return found

    def _rows(self, cut_ms: int, recipe: Recipe, *, until_ms: int) -> Rows | None:
        """The rows of a window; what was fitted for them is forgotten, for it is large."""
        fitted = self._fitted(cut_ms)
        target = self._window(fitted, until_ms=until_ms)
        return learnt_from(fitted, recipe, target, config=self._config)

    def _fitted(self, cut_ms: int, warm: Warm | None = None) -> Fitted:
        everything = cut_ms == self.split.until
        return fit(
            self.everything if everything else purchases_before(self._log.lines, cut_ms=cut_ms),
            self._around.catalog,
            config=self._config,
            horizon_days=self.split.validation_days,
            warm=warm,
        )

    def _window(self, fitted: Fitted, *, until_ms: int) -> Window:
        return window(fitted.purchases, self.everything, until_ms=until_ms)

    def _champion(self, learnt: Learnt, refitted: Refitted) -> Model | None:
        """The live model's recipe on this split's data, None when nothing is live.

        The live model itself may have learned from the test window; its configuration has not.
        One that cannot be read is passed over, and said to be.
        """
        store, around = self._around.store, self._around
        try:
            version = store.current_version()
            if version is None:
                return None
            note = store.manifest(version).training
            own = msgspec.convert(note["config"], TrainConfig)
            recipe = msgspec.convert(note["recipe"], Recipe)
            trials = msgspec.convert(note["trials"], dict[Goal, Trial])
        except (ModelUnavailable, KeyError, TypeError, msgspec.ValidationError) as error:
            around.step(f"the live model cannot be compared: {error}")
            return None
        if not fitted_alike(own, self._config) or own.ranker != self._config.ranker:
            around.step("fitting by the live model's configuration")
            other = Course(self._log, config=own, around=around, split=self.split)
            return other.refit(other.relearn(recipe, trials)).model(recipe)
        rankers = self._grown_alike(learnt, refitted, trials)
        # Trees have seen this run's habits: the champion's own half-life would mislead them.
        half_life = learnt.recipe.half_life if rankers else recipe.half_life
        return replace(refitted, rankers=rankers).model(Recipe(half_life, recipe.blends))

    def _grown_alike(
        self, learnt: Learnt, refitted: Refitted, trials: Mapping[Goal, Trial]
    ) -> Mapping[Goal, Ranker]:
        """Trees for home on this run's rows, as many as another run found best."""
        theirs, ours = trials.get(Goal.ANY), learnt.trials.get(Goal.ANY)
        if theirs is None or not theirs.won or not learnt.rows:
            return {}
        same = (theirs.rounds, theirs.objective)
        if ours is not None and ours.won and (ours.rounds, ours.objective) == same:
            return refitted.rankers
        return regrow(learnt.rows, {Goal.ANY: theirs}, config=self._config)
