"""One training run: split, fit, tune, report, gate, refit on everything, publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.metadata import version as installed_version
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from engine.domain.events import EventType
from engine.errors import DataRefused, ModelUnavailable
from engine.loyalty.gather import Described
from engine.models.model import Model
from engine.models.scorer import Scorer
from engine.store.log_reader import ReadLog
from engine.store.model_store import ModelStore
from training.config import TrainConfig
from training.cuts import FittedCuts, Source, cuts_before, live_cuts
from training.evaluate import (
    BLEND,
    CHAMPION,
    FILTERED,
    SINGLES,
    Window,
    evaluate,
    sample,
    window,
    with_recipe,
)
from training.fit import Recipe, fit_scorers
from training.gate import Verdict, judge
from training.history import Purchases, purchases_before
from training.metrics import Metrics
from training.split import Split, split_time
from training.tune import START, tune

FITTED_BY = ("als", "item_item", "popularity_half_life", "taste_half_life", "seed")


@dataclass(frozen=True)
class Surroundings:
    """What a run needs beside data and configuration."""

    store: ModelStore
    cooldown: timedelta
    catalog: Mapping[str, Described]
    now: datetime
    step: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Run:
    """What came of a training run.

    `withheld` says why the model is not live, None when it is; `newcomers` counts who bought in
    the test window without a past, and could not be scored; `cuts` are the customer model's.
    """

    version: str
    split: Split
    recipe: Recipe
    table: Mapping[str, Metrics]
    verdict: Verdict
    withheld: str | None
    newcomers: int
    cuts: FittedCuts


def train(
    log: ReadLog, *, until_ms: int, config: TrainConfig, publish: bool, around: Surroundings
) -> Run:
    """A new model version from the log, live if it passes the gate and `publish` is true.

    A model that does not pass is written all the same, so that it can be looked at and promoted
    by hand. Raises DataRefused when the log holds too little to learn from.
    """
    lines = log.lines
    split = split_time(
        first_purchase(lines),
        until_ms,
        validation_days=config.validation_days,
        test_days=config.test_days,
    )
    around.step("histories up to each cut")
    early = purchases_before(lines, cut_ms=split.validation_from)
    middle = purchases_before(lines, cut_ms=split.test_from)
    everything = purchases_before(lines, cut_ms=split.until)
    recipe = _recipe(early, middle, config=config, around=around)
    target = window(middle, everything)
    table = _table(middle, target, recipe, config=config, around=around)
    verdict = judge(table, config=config.gate)
    note = {**_note(lines, split, recipe, table, verdict, config), "newcomers": target.newcomers}
    version = _new_version(around, note["data_hash"])
    cuts = _cuts(log, split.until, version, config=config, around=around)
    note["value_models"] = {name: each.plain() for name, each in cuts.trials.items()}
    around.step("refitting on everything")
    scorers = with_recipe(fit_scorers(everything, config=config), recipe)
    model = Model(version, split.until, everything.items, scorers, recipe.weights, cuts.cuts)
    around.step("writing the model")
    around.store.save(model, created_at=around.now.isoformat(), training=note)
    withheld = _withheld(around.store, model, verdict, asked=publish)
    if withheld is None:
        around.store.publish(model.version)
    return Run(version, split, recipe, table, verdict, withheld, target.newcomers, cuts)


def _cuts(
    log: ReadLog, until_ms: int, version: str, *, config: TrainConfig, around: Surroundings
) -> FittedCuts:
    return cuts_before(
        Source(log, around.catalog, config.loyalty),
        until_ms=until_ms,
        version=version,
        previous=live_cuts(around.store),
        step=around.step,
    )


def _withheld(store: ModelStore, model: Model, verdict: Verdict, *, asked: bool) -> str | None:
    """Why the model does not go live, None when it does."""
    if not verdict.passed:
        return "it did not pass the gate"
    if not asked:
        return "as asked"
    # A look back, with `--until`, replaces nothing.
    return "the live one knows later purchases" if _knows_less(store, model) else None


def _knows_less(store: ModelStore, model: Model) -> bool:
    try:
        live = store.current_version()
        return live is not None and store.manifest(live).params["until_ms"] > model.until_ms
    except (ModelUnavailable, KeyError):
        return False


def first_purchase(log: pa.Table) -> int:
    """Time of the earliest purchase in ms; raises DataRefused when there is none."""
    times = log.filter(pa.compute.equal(log["type"], EventType.PURCHASE.value))["at_ms"]
    if not len(times):
        raise DataRefused("there are no purchases to learn from; run `regulars ingest` first")
    earliest: int = pa.compute.min(times).as_py()
    return earliest


def _recipe(
    early: Purchases, middle: Purchases, *, config: TrainConfig, around: Surroundings
) -> Recipe:
    """The recipe that does best on the validation window."""
    around.step("fitting up to the validation window")
    target = sample(window(early, middle), size=config.tuning_customers, seed=config.seed)
    if not target.truths:
        return Recipe(config.half_lives[0], dict(START))
    scorers = fit_scorers(early, config=config)
    recipe, _ = tune(
        scorers, target, half_lives=config.half_lives, limit=config.limit, step=around.step
    )
    return recipe


def _table(
    middle: Purchases,
    target: Window,
    recipe: Recipe,
    *,
    config: TrainConfig,
    around: Surroundings,
) -> dict[str, Metrics]:
    """Every single scorer, the blend and the champion on the test window."""
    around.step("fitting up to the test window")
    fitted = fit_scorers(middle, config=config)
    scorers = with_recipe(fitted, recipe)
    rows = {name: (scorers, weights, name == FILTERED) for name, weights in SINGLES.items()}
    rows[BLEND] = (scorers, recipe.weights, False)
    champion = _champion(around, fitted, middle, config=config)
    if champion is not None:
        rows[CHAMPION] = (champion[0], champion[1].weights, False)
    table: dict[str, Metrics] = {}
    for name, (own, weights, new_only) in rows.items():
        around.step(f"evaluating '{name}' on {len(target.truths):,} customers")
        model = Model("evaluation", middle.until_ms, middle.items, own, weights)
        table[name] = evaluate(
            model, target, cooldown=around.cooldown, limit=config.limit, new_only=new_only
        )
    return table


def _champion(
    around: Surroundings,
    fitted: Mapping[str, Scorer],
    middle: Purchases,
    *,
    config: TrainConfig,
) -> tuple[dict[str, Scorer], Recipe] | None:
    """The live model's recipe on this split's data, None when nothing is live.

    The live model itself may have learned from the test window; its configuration has not. One
    that cannot be read is passed over, and said to be.
    """
    try:
        version = around.store.current_version()
        if version is None:
            return None
        note = around.store.manifest(version).training
        own = msgspec.convert(note["config"], TrainConfig)
        recipe = Recipe(**note["recipe"])
    except (ModelUnavailable, KeyError, TypeError, msgspec.ValidationError) as error:
        around.step(f"the live model cannot be compared: {error}")
        return None
    same = all(getattr(own, name) == getattr(config, name) for name in FITTED_BY)
    scorers = fitted if same else fit_scorers(middle, config=own)
    return with_recipe(scorers, recipe), recipe


def _new_version(around: Surroundings, data_hash: str) -> str:
    name = f"{around.now:%Y%m%dT%H%M%SZ}-{data_hash[:6]}"
    taken = set(around.store.versions())
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(each for each in names if each not in taken)


def _note(
    log: pa.Table,
    split: Split,
    recipe: Recipe,
    table: Mapping[str, Metrics],
    verdict: Verdict,
    config: TrainConfig,
) -> dict[str, Any]:
    return {
        "code_version": installed_version("regulars"),
        "config": msgspec.to_builtins(config),
        "data_hash": data_hash(log, until_ms=split.until),
        "split": asdict(split),
        "recipe": asdict(recipe),
        "metrics": {name: asdict(metrics) for name, metrics in table.items()},
        "gate": asdict(verdict),
    }


def data_hash(log: pa.Table, *, until_ms: int) -> str:
    """A fingerprint of the lines before a time, whatever order they come in."""
    with duckdb.connect() as connection:
        connection.register("log", log)
        row = connection.execute(
            "select count(*), coalesce(bit_xor(hash(event_id, line_no, item_id, quantity)), 0) "
            "from log where at_ms < $until",
            {"until": until_ms},
        ).fetchone()
    count, mixed = row or (0, 0)
    return f"{mixed:016x}{count:x}"
