"""How to train: every number with a meaning, in one place."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import SettingsError
from engine.loyalty.config import LoyaltyConfig
from training.fitting.als import AlsConfig
from training.fitting.ease import EaseConfig
from training.fitting.item_item import ItemItemConfig
from training.fitting.neighbours import NeighboursConfig
from training.fitting.popularity import PopularityConfig
from training.fitting.ranker_config import RankerConfig
from training.fitting.repurchase import RepurchaseConfig
from training.fitting.sessions import SessionsConfig
from training.loyalty_config import problems_of

# The tables that configure one model each.
MODELS = (
    "popularity",
    "repurchase",
    "neighbours",
    "als",
    "item_item",
    "ease",
    "sessions",
    "ranker",
)
# Half-lives in days: a quarter of an hour to longer than anything is remembered.
_DAYS = (0.01, 10**9)


class GateConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new model must reach: the share of nDCG it may lose and still be published.

    Fewer customers in the test window than `minimum_customers` prove nothing.
    """

    minimum_customers: int = 20
    baseline_margin: float = 0.01
    champion_margin: float = 0.01


class WarmConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the factors of what is published start where the live model's ended.

    At most so many trainings in a row, 0 for never, and only while no more than such a share of
    the items came or went.
    """

    runs: int = 6
    item_change: float = 0.05


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A training run. Window lengths in days; None lets the span of the data decide.

    Of more than `tuning_customers` in the validation window, and `test_customers` in the test
    window, so many are drawn.
    `loyalty` has a table of its own in the file, beside that of the rest.
    """

    seed: int = 42
    limit: int = 10
    test_days: int | None = None
    validation_days: int | None = None
    half_lives: tuple[float, ...] = (30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0)
    tuning_customers: int = 4_000
    test_customers: int = 30_000
    popularity: PopularityConfig = PopularityConfig()
    repurchase: RepurchaseConfig = RepurchaseConfig()
    neighbours: NeighboursConfig = NeighboursConfig()
    als: AlsConfig = AlsConfig()
    item_item: ItemItemConfig = ItemItemConfig()
    ease: EaseConfig = EaseConfig()
    sessions: SessionsConfig = SessionsConfig()
    ranker: RankerConfig = RankerConfig()
    warm: WarmConfig = WarmConfig()
    gate: GateConfig = GateConfig()
    loyalty: LoyaltyConfig = LoyaltyConfig()


def load_config(path: Path | None) -> TrainConfig:
    """The configuration in the file's tables `[train]` and `[loyalty]`, the defaults without.

    Raises SettingsError naming the file, the key and what is wrong with it.
    """
    if path is None:
        return TrainConfig()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        _check_tables(content, path)
        config = msgspec.convert(_train_table(content), TrainConfig)
        loyalty = _loyalty(content.get("loyalty", {}), path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from error
    config = msgspec.structs.replace(config, loyalty=loyalty)
    _check(config, path)
    return config


def _train_table(content: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever the file holds
    """The table `[train]`, or what stands at the top of a file without one."""
    return content.get("train", {key: own for key, own in content.items() if key != "loyalty"})


def _check_tables(content: Mapping[str, Any], path: Path) -> None:
    train = content.get("train")
    strange = [key for key in content if key not in ("train", "loyalty")]
    if train is not None and strange:
        raise SettingsError(
            f"{path}: {', '.join(strange)} stands outside; allowed are [train] and [loyalty]"
        )
    if isinstance(train, Mapping) and "loyalty" in train:
        raise SettingsError(f"{path}: train.loyalty: write it as a table of its own, [loyalty]")


def _loyalty(table: Any, path: Path) -> LoyaltyConfig:  # noqa: ANN401 - whatever the file holds
    if isinstance(table, Mapping) and "rfm_window" in table:
        raise SettingsError(
            f"{path}: loyalty.rfm_window is a setting of the shop; write rfm_window in "
            "regulars.toml or REGULARS_RFM_WINDOW"
        )
    try:
        return msgspec.convert(table, LoyaltyConfig)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: [loyalty]: {error}") from error


def _check(config: TrainConfig, path: Path) -> None:
    wrong = [
        f"{name} must be from {low:,} to {high:,}, not {value}"
        for name, value, low, high in _bounds(config)
        # Not the other way round: NaN is neither below nor above.
        if not low <= value <= high
    ]
    if not config.half_lives:
        wrong.append("half_lives must name at least one")
    wrong += [f"loyalty.{each}" for each in problems_of(config.loyalty)]
    if wrong:
        raise SettingsError(f"{path}: {'; '.join(wrong)}")


def _bounds(config: TrainConfig) -> Iterator[tuple[str, float, float, float]]:
    """Each number with its name, the least and the most it may be."""
    yield "seed", config.seed, 0, 2**32 - 1
    yield "limit", config.limit, 1, 1_000
    yield "tuning_customers", config.tuning_customers, 1, 100_000_000
    yield "test_customers", config.test_customers, 1, 100_000_000
    for name, days in (
        ("test_days", config.test_days),
        ("validation_days", config.validation_days),
    ):
        if days is not None:
            yield name, days, 1, 36_500
    for half_life in config.half_lives:
        yield "half_lives", half_life, *_DAYS
    for name in MODELS:
        own = getattr(config, name)
        for key, (low, high) in type(own).BOUNDS.items():
            yield f"{name}.{key}", getattr(own, key), low, high
    yield "warm.runs", config.warm.runs, 0, 1_000
    yield "warm.item_change", config.warm.item_change, 0, 1
    yield "gate.minimum_customers", config.gate.minimum_customers, 1, 100_000_000
    yield "gate.baseline_margin", config.gate.baseline_margin, -1, 1
    yield "gate.champion_margin", config.gate.champion_margin, -1, 1
