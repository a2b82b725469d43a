"""How to train: every number with a meaning, in one place."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from engine.errors import SettingsError


class AlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Matrix factorisation: rank, confidence 1 + alpha x weight, sweeps."""

    factors: int = 64
    alpha: float = 10.0
    regularization: float = 0.05
    iterations: int = 15


class ItemItemConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """BM25 neighbours: how many an item keeps, and BM25's saturation and length terms."""

    neighbours: int = 100
    k1: float = 1.2
    b: float = 0.75


class GateConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new model must reach: the share of nDCG it may lose and still be published."""

    baseline_margin: float = 0.01
    champion_margin: float = 0.01


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A training run. Window lengths in days; None lets the span of the data decide."""

    seed: int = 42
    limit: int = 10
    test_days: int | None = None
    validation_days: int | None = None
    half_lives: tuple[float, ...] = (30.0, 60.0, 120.0, 240.0)
    popularity_half_life: float = 30.0
    taste_half_life: float = 180.0
    tuning_customers: int = 2_000
    als: AlsConfig = AlsConfig()
    item_item: ItemItemConfig = ItemItemConfig()
    gate: GateConfig = GateConfig()


def load_config(path: Path | None) -> TrainConfig:
    """The configuration in the file's `[train]` table, the defaults without a file.

    Raises SettingsError naming the file, the key and what is wrong with it.
    """
    if path is None:
        return TrainConfig()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        config = msgspec.convert(content.get("train", content), TrainConfig)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from error
    _check(config, path)
    return config


def _check(config: TrainConfig, path: Path) -> None:
    positive = {
        "limit": config.limit,
        "tuning_customers": config.tuning_customers,
        "popularity_half_life": config.popularity_half_life,
        "taste_half_life": config.taste_half_life,
        "als.factors": config.als.factors,
        "als.iterations": config.als.iterations,
        "item_item.neighbours": config.item_item.neighbours,
        "half_lives": min(config.half_lives, default=0.0),
        "test_days": 1 if config.test_days is None else config.test_days,
        "validation_days": 1 if config.validation_days is None else config.validation_days,
    }
    wrong = [
        f"{name} must be above 0, not {value}" for name, value in positive.items() if value <= 0
    ]
    if wrong:
        raise SettingsError(f"{path}: {'; '.join(wrong)}")
