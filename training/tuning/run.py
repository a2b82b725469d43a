"""Tuning from end to end: prepare the windows, search in time, say what it brought."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TypeAlias

import msgspec

from engine.errors import DataRefused
from engine.store.log_reader import ReadLog
from training.config import TrainConfig
from training.course import Surroundings
from training.plain import undated
from training.split import Split
from training.train import data_hash, split_of
from training.tuning.bench import Bench, TuningConfig, prepared
from training.tuning.budget import Budget
from training.tuning.search import Found, Search, Standing
from training.tuning.trials import open_trials

Telling: TypeAlias = Callable[[float], AbstractContextManager[Callable[[Standing], None]]]


@dataclass(frozen=True)
class Spending:
    """How long to try, where trials are kept, and how to tell of them."""

    budget: Budget
    folder: Path
    telling: Telling


@dataclass(frozen=True)
class Ready:
    """Everything prepared for trials, and the name they are kept under."""

    bench: Bench
    config: TrainConfig
    tuning: TuningConfig
    name: str


@dataclass(frozen=True)
class Tuned:
    """The best configuration, and how it came about; `customers` were in the validation window."""

    config: TrainConfig
    found: Found
    tuning: TuningConfig
    customers: int


def ready_for(log: ReadLog, *, until_ms: int, config: TrainConfig, around: Surroundings) -> Ready:
    """The validation window and the past before it, prepared for trials.

    Raises DataRefused when there is no validation window to tune by.
    """
    if undated(log.lines, until_ms=until_ms):
        raise DataRefused("the purchases have no times: there is no validation window to tune by")
    split, tuning = split_of(log, until_ms, config, around), TuningConfig()
    bench = prepared(log, split=split, config=config, tuning=tuning, around=around)
    return Ready(bench, config, tuning, study_name(log, split, config, tuning))


def tune_for(ready: Ready, spending: Spending) -> Tuned | None:
    """The best configuration found in time, the given one at least.

    Trials are kept and taken up by the next tuning of equal data, configuration and program.
    None when it was interrupted before the given configuration was tried.
    """
    config, budget = ready.config, spending.budget
    with (
        open_trials(spending.folder, name=ready.name, seed=config.seed) as trials,
        spending.telling(budget.seconds) as told,
    ):
        found = Search(ready.bench, trials, config, ready.tuning, budget, told).run()
    if found is None:
        return None
    customers = len(ready.bench.later.target.truths)
    return Tuned(found.standing.best.config, found, ready.tuning, customers)


def study_name(log: ReadLog, split: Split, config: TrainConfig, tuning: TuningConfig) -> str:
    """Stands for the data, the program, and everything else that trials must share."""
    shared = msgspec.json.encode([config, split, tuning])
    return "-".join(
        (
            data_hash(log.lines, until_ms=split.until),
            installed_version("regulars"),
            hashlib.sha256(shared).hexdigest()[:12],
        )
    )
