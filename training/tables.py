"""What a training run and a model look like on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from engine.loyalty.cuts import POOLED
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from training.evaluate import BASELINE, FINAL
from training.evaluation.metrics import Metrics
from training.fit import Recipe
from training.fitting.ranker import Objective
from training.learning import Trial
from training.split import Split
from training.terminal import console
from training.train import Run
from training.warm import told


def print_run(run: Run, *, limit: int) -> None:
    """The table of models, the recipe, the gate's words and what is live now."""
    out = console()
    out.print(metrics_table(run.table, limit=limit))
    scored = _Scored(run.table[FINAL].overall.customers, run.newcomers, run.drawn_from)
    out.print(_tested(run.split, scored))
    for line in _made(run.learnt.recipe, run.learnt.trials):
        out.print(line)
    out.print(_started(run.start.note()))
    out.print(value_line({name: each.plain() for name, each in run.cuts.trials.items()}))
    for reason in run.verdict.reasons:
        out.print(f"Gate: {reason}")
    state = "live" if run.withheld is None else f"written, not live: {run.withheld}"
    out.print(f"Model {run.version} is {state}.")


def metrics_table(table: Mapping[str, Metrics], *, limit: int) -> Table:
    """One row a model, metrics at `limit` over the full catalogue; fits into 80 columns."""
    shown = Table(
        title=f"Quality at {limit}, full catalogue; bought before and new to the customer apart",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    shown.add_column("model", no_wrap=True)
    for heading in ("recall", "nDCG", "hit rate"):
        shown.add_column(f"{heading}\nall before new", justify="right")
    shown.add_column("cover", justify="right")
    for name, metrics in table.items():
        style = "bold" if name == FINAL else "dim" if name == BASELINE else None
        shown.add_row(name, *_cells(metrics), style=style)
    return shown


def history_lines(training: Mapping[str, Any]) -> list[str]:
    """What data a recorded model learned from and was tested on, and its blend."""
    if not {"split", "recipe"} <= training.keys():
        return []
    return [
        _tested(
            Split(**training["split"]),
            _Scored(
                training["metrics"][FINAL]["overall"]["customers"],
                training.get("newcomers", 0),
                training.get("drawn_from"),
            ),
        ),
        *_made(
            msgspec.convert(training["recipe"], Recipe),
            msgspec.convert(training.get("trials", {}), dict[Goal, Trial]),
        ),
        *([_started(training["factors"])] if "factors" in training else []),
        *([value_line(training["value_models"])] if "value_models" in training else []),
    ]


def manifest_table(training: Mapping[str, Any]) -> Table:
    """The recorded metrics of a model, one row a model of its comparison."""
    shown = Table(title="Recorded in the test window", title_justify="left")
    for heading in ("model", "recall", "nDCG", "hit rate", "coverage"):
        shown.add_column(heading, justify="left" if heading == "model" else "right")
    for name, metrics in training.get("metrics", {}).items():
        overall = metrics["overall"]
        values = (overall["recall"], overall["ndcg"], overall["hit_rate"], metrics["coverage"])
        shown.add_row(name, *(_figure(value) for value in values))
    return shown


@dataclass(frozen=True)
class _Scored:
    """How many customers a trial scored, how many were new, and how many these were drawn from."""

    customers: int
    newcomers: int
    drawn_from: int | None

    def __str__(self) -> str:
        drawn = f" drawn from {self.drawn_from:,}" if self.drawn_from else ""
        return f"{self.customers:,} customers{drawn}"


def _tested(split: Split, scored: _Scored) -> str:
    if split.held_out is not None:
        return (
            f"Trial by {split.label}: of {scored} {split.held_out:.0%} of the items were held out. "
            "Tuned on those of other customers."
        )
    return (
        f"Trial on {_day(split.test_from)} to {_day(split.until)}: {scored}, and "
        f"{scored.newcomers:,} without a past, not scored. Tuned on the "
        f"{split.validation_days:.0f} days before."
    )


def _made(recipe: Recipe, trials: Mapping[Goal, Trial]) -> list[str]:
    """How the scorers' scores become one, goal by goal."""
    habits = any(PersonalFrequency.name in weights for weights in recipe.blends.values())
    lines = [f"Habits halve every {recipe.half_life:g} days."] if habits else []
    for goal, weights in recipe.blends.items():
        blend = ", ".join(f"{name} {weight:g}" for name, weight in weights.items() if weight)
        lines.append(f"{_GOALS[goal]}: {served_by(trials.get(goal))}{blend}.")
    return lines


def served_by(trial: Trial | None) -> str:
    """What makes the score of a goal, up to the weights of its blend, and how it was found."""
    if trial is None:
        return "blend of "
    figures = f"nDCG {_figure(trial.ranker)} to the blend's {_figure(trial.blend)} in validation"
    if trial.won:
        trees = "1 tree" if trial.rounds == 1 else f"{trial.rounds} trees"
        return f"{trees} {_GROWN_FOR[trial.objective]} ({figures}), else a blend of "
    if trial.ranker > trial.blend:
        lead = f"a lead of no more than the standard error, {_figure(trial.error)}"
        return f"trees did not win clearly ({figures}, {lead}); blend of "
    return f"trees lost ({figures}); blend of "


def _started(note: Mapping[str, Any]) -> str:
    return f"Factors {told(note)}."


_GROWN_FOR = {
    Objective.ORDER: "for the order of lists",
    Objective.PURCHASE: "for each purchase by itself",
}
_GOALS = {
    Goal.ANY: "What comes next",
    Goal.NEW: "What is new to them",
    Goal.BASKET: "What goes with a basket",
}


def value_line(trials: Mapping[str, Any]) -> str:
    """What the look back found of the value models, and whose are used, in one line."""
    everybody = trials[POOLED]
    if everybody["untested"]:
        return f"Value models: not tested, too little history ({'; '.join(everybody['untested'])})."
    taken = everybody["taken"]
    health = everybody["health"][taken]
    figures = (
        f"orders expected / seen {_number(health['sum_ratio'])}, mean error "
        f"{_number(health['mae'])} ({_number(health['naive_mae'])} by each one's own rate), "
        f"AUC {_number(health['auc'])} ({_number(health['recency_auc'])} by recency)"
    )
    others = [name for name, each in trials.items() if name != POOLED and each["taken"] == POOLED]
    pooled = f"; {' and '.join(others)} accounts by everybody's" if others else ""
    faults = everybody["health"]["fitted"]["reasons"]
    why = f" ({'; '.join(faults)})" if faults else ""
    return f"Value models: {_TAKEN[taken]}{why}; over the last 13 weeks {figures}{pooled}."


_TAKEN = {
    "fitted": "newly fitted",
    "previous": "the live model's are kept",
    "plain": "the plainest is used",
}


def _cells(metrics: Metrics) -> list[str]:
    parts = (metrics.overall, metrics.repeat, metrics.explore)
    columns = (
        [part.recall for part in parts],
        [part.ndcg for part in parts],
        [part.hit_rate for part in parts],
    )
    return [
        *(" ".join(_figure(value) for value in values) for values in columns),
        _figure(metrics.coverage),
    ]


def _figure(value: float | None) -> str:
    return "-" if value is None or isnan(value) else f"{value:.3f}".removeprefix("0")


def _number(value: float | None) -> str:
    return "-" if value is None or isnan(value) else f"{value:.2f}"


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, tz=UTC):%Y-%m-%d}"
