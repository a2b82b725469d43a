"""What tuning may change, and between which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from msgspec.structs import replace
from optuna.trial import BaseTrial

from training.config import TrainConfig

# Significant ones; the ends of all ranges have no more.
DIGITS = 3


@dataclass(frozen=True)
class Real:
    """A number; `log`: its ratio matters, not its difference."""

    low: float
    high: float
    log: bool = False

    def of(self, trial: BaseTrial, name: str) -> float:
        """A value of a trial, to as many digits as anybody cares to read."""
        value = trial.suggest_float(name, self.low, self.high, log=self.log)
        return float(f"{value:.{DIGITS}g}")


@dataclass(frozen=True)
class Whole:
    """A whole number of which the ratio matters."""

    low: int
    high: int

    def of(self, trial: BaseTrial, name: str) -> int:
        """A value of a trial."""
        return trial.suggest_int(name, self.low, self.high, log=True)


@dataclass(frozen=True)
class OneOf:
    """One of a few values without an order."""

    choices: tuple[str | int, ...]

    def of(self, trial: BaseTrial, name: str) -> object:
        """A value of a trial."""
        return trial.suggest_categorical(name, self.choices)


Range: TypeAlias = Real | Whole | OneOf

RANKER = "ranker"
_HALF_LIFE = Real(30, 365, log=True)
# By table of the configuration. Each trial changes one table, so that one model is fitted anew;
# models that explore vary most between shops and come first.
SPACE: Mapping[str, Mapping[str, Range]] = MappingProxyType(
    {
        "als": {
            "alpha": Real(0.5, 10, log=True),
            "half_life_days": _HALF_LIFE,
            "regularization": Real(0.3, 1.1),
            "factors": OneOf((32, 64, 96)),
        },
        RANKER: {
            "learning_rate": Real(0.02, 0.2, log=True),
            "leaves": Whole(7, 95),
            "minimum_rows": Whole(20, 500),
            "regularization": Real(0.5, 50, log=True),
            "feature_share": Real(0.3, 1),
        },
        "neighbours": {
            "neighbours": Whole(50, 800),
            "half_life_days": _HALF_LIFE,
            "trend_half_life_days": Real(7, 180, log=True),
            "rarity": Real(0, 1),
            "asymmetry": Real(0.1, 0.7),
            "sharpness": Real(0.5, 3),
        },
        "item_item": {
            "weighting": OneOf(("cosine", "bm25")),
            "neighbours": Whole(20, 200),
            "shrinkage": Real(1, 300, log=True),
            "half_life_days": _HALF_LIFE,
            "power": Real(0.3, 1),
        },
        "ease": {
            "regularization": Real(30, 3_000, log=True),
            "half_life_days": _HALF_LIFE,
            "power": Real(0.3, 1),
        },
        "repurchase": {
            "profile_days": Real(14, 180, log=True),
            "trend_days": Real(7, 120, log=True),
            "pace_power": Real(0.3, 1),
            "interval_strength": Real(0.5, 8, log=True),
            "item_strength": Real(5, 80, log=True),
        },
    }
)


def suggested(trial: BaseTrial, config: TrainConfig, *, table: str) -> TrainConfig:
    """The configuration with one of its tables as the trial suggests."""
    own = {name: each.of(trial, f"{table}.{name}") for name, each in SPACE[table].items()}
    return replace(config, **{table: replace(getattr(config, table), **own)})
