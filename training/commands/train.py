"""`regulars train`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from engine.errors import DataRefused, PublishRefused
from engine.settings import Settings
from engine.store.database import Database
from engine.store.log_reader import log_span, read_lines
from training.config import TrainConfig, load_config
from training.progress import steps
from training.tables import print_run
from training.train import Run, Surroundings
from training.train import train as train_model
from training.wiring import model_store, moment, open_database

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command(epilog="Example: regulars train --until 2026-01-31")
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with a [train] table.",
)
@click.option("--until", metavar="DATE", help="Train as of the start of this day (UTC).")
@click.option("--no-publish", is_flag=True, help="Write the model, but do not make it live.")
@click.pass_obj
def train(
    settings: Settings, config_file: Path | None, until: str | None, no_publish: bool
) -> None:
    """Learn from the event log, compare honestly, and publish the model if it is good enough."""
    config = load_config(config_file)
    until_ms = None if until is None else (moment(until) - _EPOCH) // _MS
    with open_database(settings) as database:
        run = train_on_log(
            settings, database, config=config, until_ms=until_ms, publish=not no_publish
        )
    print_run(run, limit=config.limit)
    if not run.verdict.passed:
        raise PublishRefused(
            f"{run.version} is not live: {'; '.join(run.verdict.reasons)}; "
            f"`regulars models promote {run.version}` publishes it all the same"
        )


def train_on_log(
    settings: Settings,
    database: Database,
    *,
    config: TrainConfig,
    until_ms: int | None = None,
    publish: bool = True,
) -> Run:
    """A training run on the log up to a time, or up to its last purchase."""
    events, first_ms, last_ms = log_span(database)
    if not events or first_ms is None or last_ms is None:
        raise DataRefused("the event log is empty; run `regulars ingest FILE` first")
    cut_ms = last_ms + 1 if until_ms is None else min(until_ms, last_ms + 1)
    if cut_ms <= first_ms:
        raise DataRefused(
            f"nothing is in the log before {_day(cut_ms)}: it begins on {_day(first_ms)}; "
            "give a later --until"
        )
    around = Surroundings(
        store=model_store(settings),
        cooldown=settings.cooldown,
        rfm_window=settings.rfm_window,
        now=datetime.now(UTC),
    )
    with steps() as step:
        return train_model(
            read_lines(database, until_ms=cut_ms),
            until_ms=cut_ms,
            config=config,
            publish=publish,
            around=replace(around, step=step),
        )


def _day(at_ms: int) -> str:
    return f"{_EPOCH + at_ms * _MS:%Y-%m-%d}"
