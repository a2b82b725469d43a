"""A version's recipe once more, on purchases up to a test window that it has not seen."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from engine.domain.histories import DAY_MS
from engine.errors import DataRefused, ModelUnavailable
from engine.models.goals import Goal
from engine.models.model import Model
from engine.store.log_reader import ReadLog
from engine.store.model_store import ModelStore
from training.config import TrainConfig
from training.contest import Known, orders_with, titles_of
from training.course import Course, Surroundings
from training.fit import Fitted, Recipe
from training.learning import Trial
from training.split import Split
from training.windows import Window


@dataclass(frozen=True)
class Recorded:
    """What a version's manifest says of how it was made."""

    version: str
    config: TrainConfig
    recipe: Recipe
    trials: Mapping[Goal, Trial]
    split: Split
    data_hash: str


@dataclass(frozen=True)
class Retrained:
    """A recipe's model as of a test window, what was fitted for it, the window, and the time."""

    model: Model
    fitted: Fitted
    target: Window
    seconds: float

    def known(self, around: Surroundings, split: Split, notes: list[str]) -> Known:
        """What was known when the test window began."""
        return Known(
            items=self.model.items,
            assortment=self.fitted.assortment,
            popularity=orders_with(self.fitted.purchases),
            cuts=self.fitted.cuts,
            until_ms=split.until,
            titles=titles_of(around.catalog),
            notes=notes,
        )


def recorded(store: ModelStore, version: str) -> Recorded:
    """How a version was made; raises ModelUnavailable when its manifest does not say."""
    note = store.manifest(version).training
    if note.get("split", {}).get("held_out"):
        raise ModelUnavailable(
            f"model {version} was trained on pairs without times: there is no test window; "
            "`regulars evaluate` holds a part of the items out instead"
        )
    try:
        return Recorded(
            version=version,
            config=msgspec.convert(note["config"], TrainConfig),
            recipe=msgspec.convert(note["recipe"], Recipe),
            trials=msgspec.convert(note.get("trials", {}), dict[Goal, Trial]),
            split=Split(**note["split"]),
            data_hash=note["data_hash"],
        )
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise ModelUnavailable(
            f"model {version} does not say how it was made, so it cannot be retrained ({error}); "
            "train again"
        ) from error


def config_of(store: ModelStore, version: str) -> TrainConfig:
    """The configuration of a version, the defaults where its manifest does not say."""
    try:
        return msgspec.convert(store.manifest(version).training.get("config", {}), TrainConfig)
    except msgspec.ValidationError:
        return TrainConfig()


def retrain(recipe: Recorded, log: ReadLog, *, split: Split, around: Surroundings) -> Retrained:
    """The recipe's model from what was before the split's test window, and from nothing later."""
    course = Course(log, config=recipe.config, around=around, split=split)
    begun = time.perf_counter()
    learnt = course.relearn(recipe.recipe, recipe.trials)
    refitted = course.refit(learnt)
    seconds = time.perf_counter() - begun
    return Retrained(refitted.model(recipe.recipe), refitted.fitted, refitted.target, seconds)


def with_test_days(split: Split, days: int | None, *, first_ms: int) -> Split:
    """The split with a test window of so many days, its own when none are given.

    Raises DataRefused when nothing would be left to learn from.
    """
    if days is None:
        return split
    test_from = split.until - days * DAY_MS
    moved = Split(test_from - (split.test_from - split.validation_from), test_from, split.until)
    if moved.validation_from <= first_ms:
        raise DataRefused(
            f"--test-days {days} leaves no purchase to learn from: the data span "
            f"{(split.until - first_ms) / DAY_MS:.0f} days; give fewer"
        )
    return moved


def later(one: Split, other: Split) -> Split:
    """A split whose test window neither of two recipes was tuned on: the later of theirs."""
    last = max(one, other, key=lambda each: each.test_from)
    return Split(last.validation_from, last.test_from, max(one.until, other.until))
