"""One training run: split, fit, tune, report, gate, refit on everything, publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version as installed_version
from typing import Any

import msgspec
import pyarrow as pa

from engine.domain.events import EventType
from engine.errors import DataRefused, ModelUnavailable
from engine.models.goals import Goal
from engine.models.model import Model
from engine.store.log_reader import ReadLog
from engine.store.model_store import ModelStore
from training.config import GateConfig, TrainConfig
from training.course import Course, Learnt, Surroundings
from training.cuts import FittedCuts, Source, cuts_before, live_cuts
from training.evaluate import BLEND, FINAL
from training.evaluation.metrics import Metrics
from training.gate import Verdict, judge
from training.goods import scratch
from training.history import purchases_before
from training.plain import PlainCourse, undated
from training.split import Split, split_time, usual_days
from training.warm import Start, start_of, told


@dataclass(frozen=True)
class Run:
    """What came of a training run.

    `withheld` says why the model is not live, None when it is; `newcomers` counts who bought in
    the test window without a past, and could not be scored; `drawn_from` how many others did when
    only some of them, drawn evenly, were scored; `cuts` are the customer model's;
    `start` is where the factors started.
    """

    version: str
    split: Split
    learnt: Learnt
    table: Mapping[str, Metrics]
    verdict: Verdict
    withheld: str | None
    newcomers: int
    drawn_from: int | None
    cuts: FittedCuts
    start: Start


def train(
    log: ReadLog, *, until_ms: int, config: TrainConfig, publish: bool, around: Surroundings
) -> Run:
    """A new model version from the log, live if it passes the gate and `publish` is true.

    A model that does not pass is written all the same, so that it can be looked at and promoted
    by hand. Raises DataRefused when the log holds too little to learn from.
    """
    course = _course(log, until_ms, config, around)
    learnt = course.learn()
    target, contest = course.contest(learnt)
    figures = {name: tried.metrics for name, tried in contest.items()}
    learnt, table, verdict = with_or_without_trees(learnt, figures, config=config.gate)
    note = {
        **_note(log.lines, course.split, learnt, table, verdict, config),
        "newcomers": target.newcomers,
        "drawn_from": target.drawn_from,
    }
    version = _new_version(around, note["data_hash"])
    cuts = _cuts(log, course.split.until, version, config=config, around=around)
    note["value_models"] = {name: each.plain() for name, each in cuts.trials.items()}
    start = start_of(around.store, course.everything, config=config)
    note["factors"] = start.note()
    around.step(f"refitting on everything, factors {told(start.note())}")
    final = course.final(learnt, warm=start.warm)
    model = replace(final, version=version, cuts=cuts.cuts)
    around.step("writing the model")
    around.store.save(model, created_at=around.now.isoformat(), training=note)
    withheld = _withheld(around.store, model, verdict, asked=publish)
    if withheld is None:
        around.store.publish(model.version, warm=around.warm_customers)
    return Run(
        version,
        course.split,
        # Gigabytes of rows that nobody asks for again.
        replace(learnt, rows=()),
        table,
        verdict,
        withheld,
        target.newcomers,
        target.drawn_from,
        cuts,
        start,
    )


def with_or_without_trees(
    learnt: Learnt, table: Mapping[str, Metrics], *, config: GateConfig
) -> tuple[Learnt, Mapping[str, Metrics], Verdict]:
    """The verdict on what was learnt, and that itself.

    Where the trees for home do not pass and the blend does, the blend stands in for them: a shop
    without a model is served worse.
    """
    verdict = judge(table, config=config)
    trial = learnt.trials.get(Goal.ANY)
    if verdict.passed or trial is None or not trial.won:
        return learnt, table, verdict
    plain = {**table, FINAL: table[BLEND]}
    other = judge(plain, config=config)
    if not other.passed:
        return learnt, table, verdict
    said = f"trees did not pass (nDCG {table[FINAL].overall.ndcg:.4f}), the blend serves"
    others = dict(learnt.trials)
    del others[Goal.ANY]
    return replace(learnt, trials=others), plain, Verdict(True, (said, *other.reasons))


def _course(
    log: ReadLog, until_ms: int, config: TrainConfig, around: Surroundings
) -> Course | PlainCourse:
    if undated(log.lines, until_ms=until_ms):
        return PlainCourse(log, until_ms=until_ms, config=config, around=around)
    return Course(log, config=config, around=around, split=split_of(log, until_ms, config, around))


def split_of(log: ReadLog, until_ms: int, config: TrainConfig, around: Surroundings) -> Split:
    """The windows of a run on purchases up to a time; raises DataRefused for too few days."""
    around.step("histories up to each cut")
    first_ms = first_purchase(log.lines)
    everything = purchases_before(log.lines, cut_ms=until_ms)
    return split_time(
        first_ms,
        until_ms,
        validation_days=config.validation_days,
        test_days=config.test_days,
        most_days=usual_days(everything.customers, until_ms=until_ms),
    )


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
    times = log["at_ms"].filter(pa.compute.equal(log["type"], EventType.PURCHASE.value))
    if not len(times):
        raise DataRefused("there are no purchases to learn from; run `regulars ingest` first")
    earliest: int = pa.compute.min(times).as_py()
    return earliest


def _new_version(around: Surroundings, data_hash: str) -> str:
    name = f"{around.now:%Y%m%dT%H%M%SZ}-{data_hash[:6]}"
    taken = set(around.store.versions())
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(each for each in names if each not in taken)


def _note(
    log: pa.Table,
    split: Split,
    learnt: Learnt,
    table: Mapping[str, Metrics],
    verdict: Verdict,
    config: TrainConfig,
) -> dict[str, Any]:
    return {
        "code_version": installed_version("regulars"),
        "config": msgspec.to_builtins(config),
        "data_hash": data_hash(log, until_ms=split.until),
        "split": asdict(split),
        "evaluated_by": split.label,
        "recipe": msgspec.to_builtins(learnt.recipe),
        "trials": {goal.value: asdict(trial) for goal, trial in learnt.trials.items()},
        "metrics": {name: asdict(metrics) for name, metrics in table.items()},
        "gate": asdict(verdict),
    }


def data_hash(log: pa.Table, *, until_ms: int) -> str:
    """A fingerprint of the lines before a time, whatever order they come in."""
    with scratch() as connection:
        connection.register("log", log)
        row = connection.execute(
            "select count(*), coalesce(bit_xor(hash(event_id, line_no, item_id, quantity)), 0) "
            "from log where at_ms < $until",
            {"until": until_ms},
        ).fetchone()
    count, mixed = row or (0, 0)
    return f"{mixed:016x}{count:x}"
