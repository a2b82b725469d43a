"""What a training run and a model look like on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isnan
from typing import Any

from rich.console import Console
from rich.table import Table

from training.evaluate import BASELINE, BLEND
from training.metrics import Metrics
from training.train import Run


def console() -> Console:
    """Standard output; wide enough for every table where it is no terminal."""
    found = Console(soft_wrap=False)
    return found if found.is_terminal else Console(width=120)


def print_run(run: Run, *, limit: int) -> None:
    """The table of models, the recipe, the gate's words and what is live now."""
    out = console()
    out.print(metrics_table(run.table, limit=limit))
    split = run.split
    out.print(
        f"Tested on {_day(split.test_from)} to {_day(split.until)} "
        f"({run.table[BLEND].overall.customers:,} customers), "
        f"tuned on the {split.validation_days:.0f} days before."
    )
    weights = ", ".join(f"{name} {weight:g}" for name, weight in run.recipe.weights.items())
    out.print(f"Blend: {weights}; habits halve every {run.recipe.half_life:g} days.")
    for reason in run.verdict.reasons:
        out.print(f"Gate: {reason}")
    out.print(f"Model {run.version} is {'live' if run.published else 'written, not live'}.")


def metrics_table(table: Mapping[str, Metrics], *, limit: int) -> Table:
    """One row a model, metrics at `limit` over the full catalogue."""
    shown = Table(title=f"Quality at {limit}, full catalogue", title_justify="left")
    shown.add_column("model", no_wrap=True)
    for heading in ("recall", "nDCG", "hit rate"):
        shown.add_column(heading, justify="right")
    for heading in ("repeat recall", "repeat nDCG", "repeat hit"):
        shown.add_column(heading, justify="right")
    for heading in ("explore recall", "explore nDCG", "explore hit", "coverage"):
        shown.add_column(heading, justify="right")
    for name, metrics in table.items():
        style = "bold" if name == BLEND else "dim" if name == BASELINE else None
        shown.add_row(name, *_cells(metrics), style=style)
    return shown


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


def _cells(metrics: Metrics) -> list[str]:
    parts = (metrics.overall, metrics.repeat, metrics.explore)
    return [
        *(_figure(value) for part in parts for value in (part.recall, part.ndcg, part.hit_rate)),
        _figure(metrics.coverage),
    ]


def _figure(value: float | None) -> str:
    return "-" if value is None or isnan(value) else f"{value:.4f}"


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, tz=UTC):%Y-%m-%d}"
