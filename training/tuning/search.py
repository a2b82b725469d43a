"""The search: defaults first, then one table of the best configuration after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.errors import EngineError
from training.config import TrainConfig
from training.tuning.bench import TuningConfig
from training.tuning.budget import Budget
from training.tuning.space import RANKER, SPACE, suggested
from training.tuning.trials import DEFAULTS, Done, Trials
from training.tuning.worth import Worth


class Measuring(Protocol):
    """What says how much a configuration is worth."""

    @property
    def grows(self) -> bool:
        """Whether the numbers of the trees make a difference."""

    def worth(self, config: TrainConfig) -> Worth:
        """nDCG of home and discover on the validation window."""


@dataclass(frozen=True)
class Standing:
    """How far the search is: trials done, of which so many now, the last, the best, the defaults.

    `left` are the seconds that are left.
    """

    done: int
    now: int
    last: Done
    best: Done
    defaults: Done
    left: float


@dataclass(frozen=True)
class Found:
    """What came of a search; `interrupted`: it was stopped before its time was over."""

    standing: Standing
    interrupted: bool

    @property
    def config(self) -> TrainConfig:
        """The best configuration."""
        return self.standing.best.config


@dataclass(frozen=True)
class Search:
    """What a search goes by: it starts from `config`, and stops when the budget is spent."""

    bench: Measuring
    trials: Trials
    config: TrainConfig
    tuning: TuningConfig
    budget: Budget
    told: Callable[[Standing], None]

    def run(self) -> Found | None:
        """The best configuration found in time, in trials old and new.

        At least the first configuration is tried. None when it was interrupted before even that.
        """
        began = len(self.trials.done())
        try:
            while self._goes_on():
                if self._try():
                    self.told(self._standing(began))
        except KeyboardInterrupt:
            # The trial that was running is given up when the study is opened again.
            return Found(self._standing(began), True) if self.trials.done() else None
        return Found(self._standing(began), False)

    def _goes_on(self) -> bool:
        """Whether one more trial fits into the time: it may take as long as its like did."""
        done = self.trials.done()
        if not done:
            return True
        like = [each.seconds for each in done if each.table == self._table()]
        return self.budget.left() >= max(like or [each.seconds for each in done])

    def _try(self) -> bool:
        """Make one trial; False when the configuration could not be used."""
        done, table = self.trials.done(), self._table()
        trial = self.trials.ask()
        asked = self.config
        if done:
            asked = suggested(trial, self._best(done).config, table=table)
        left = self.budget.left()
        try:
            worth = self.bench.worth(asked)
        except EngineError:
            self.trials.fail(trial)
            if not done:
                raise
            # Numbers that a model refuses for this shop are no reason to stop.
            return False
        total = worth.total(self.tuning.discover_share)
        spent = left - self.budget.left()
        self.trials.finish(trial, Done(trial.number, table, asked, worth, total, spent))
        return True

    def _table(self) -> str:
        """The table whose turn it is."""
        if not self.trials.done():
            return DEFAULTS
        tables = [name for name in SPACE if self.bench.grows or name != RANKER]
        return tables[(self.trials.asked() - 1) % len(tables)]

    def _standing(self, began: int) -> Standing:
        done = self.trials.done()
        return Standing(
            done=len(done),
            now=len(done) - began,
            last=done[-1],
            best=self._best(done),
            defaults=done[0],
            left=self.budget.left(),
        )

    def _best(self, done: Sequence[Done]) -> Done:
        """The first, or the last that could be told to be better than the best before it."""
        best, share, errors = done[0], self.tuning.discover_share, self.tuning.errors
        for each in done[1:]:
            if each.worth.beats(best.worth, share=share, errors=errors):
                best = each
        return best
