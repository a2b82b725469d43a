"""`regulars train`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from msgspec.structs import replace

from engine.domain.events import to_ms
from engine.errors import DataRefused, PublishRefused
from engine.loyalty.cuts import Cuts
from engine.settings import Settings
from engine.store.database import Database
from engine.store.log_reader import log_span, read_log
from training.commands.warm_option import warm_option, warmed
from training.config import TrainConfig, load_config
from training.course import Surroundings
from training.progress import progress, steps
from training.refresh import Refreshed, catalog_of, refresh, told
from training.split import day_after
from training.tables import print_run
from training.train import Run
from training.train import train as train_model
from training.tuning.budget import Budget, seconds_of, spoken
from training.tuning.run import Spending, Tuned, ready_for, tune_for
from training.tuning.told import telling, told_of
from training.tuning.trials import alone_in
from training.wiring import model_store, moment, open_database

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command(epilog="Example: regulars train --until 2026-01-31")
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with the tables [train] and [loyalty].",
)
@click.option("--until", metavar="DATE", help="Train as of the start of this day (UTC).")
@click.option(
    "--budget",
    callback=seconds_of,
    metavar="TIME",
    help="Tune for so long first, such as 10m, and train with what was found.",
)
@click.option("--cold", is_flag=True, help="Fit factors anew, not from where the live model's are.")
@warm_option
@click.option("--no-publish", is_flag=True, help="Write the model, but do not make it live.")
@click.pass_obj
def train(  # noqa: PLR0913, PLR0917 (one an option)
    settings: Settings,
    config_file: Path | None,
    until: str | None,
    budget: float | None,
    cold: bool,
    warm: int | None,
    no_publish: bool,
) -> None:
    """Learn from the event log, compare honestly, and publish the model if it is good enough.

    With a model that goes live every customer's features and segments are worked out anew.
    """
    settings = warmed(settings, warm)
    config = load_config(config_file)
    if cold:
        config = replace(config, warm=replace(config.warm, runs=0))
    until_ms = None if until is None else (moment(until) - _EPOCH) // _MS
    with open_database(settings) as database:
        if budget is not None:
            config = better(settings, database, config, until_ms=until_ms, seconds=budget)
        run = train_on_log(
            settings, database, config=config, until_ms=until_ms, publish=not no_publish
        )
        print_run(run, limit=config.limit)
        if run.withheld is None:
            click.echo(told(refresh_all(database, run.cuts.cuts)))
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
    cut_ms = cut_of(database, until_ms)
    with steps() as step:
        return train_model(
            read_log(database, until_ms=cut_ms),
            until_ms=cut_ms,
            config=with_window(config, settings),
            publish=publish,
            around=surroundings(settings, database, step),
        )


def better(
    settings: Settings,
    database: Database,
    config: TrainConfig,
    *,
    until_ms: int | None,
    seconds: float,
) -> TrainConfig:
    """The best configuration found in so many seconds; raises Abort when it is interrupted."""
    found = tuned(settings, database, config, until_ms=until_ms, seconds=seconds)
    if found is None or found.found.interrupted:
        raise click.Abort
    for line in told_of(found):
        click.echo(line)
    return found.config


def tuned(
    settings: Settings,
    database: Database,
    config: TrainConfig,
    *,
    until_ms: int | None,
    seconds: float,
) -> Tuned | None:
    """What tuning on the log found, None when it was interrupted before anything was."""
    # From here on: what is prepared counts too.
    budget = Budget(seconds)
    cut_ms = cut_of(database, until_ms)
    folder = settings.home / "tuning"
    with alone_in(folder):
        with steps() as step:
            step(f"tuning for {spoken(seconds)}, all told")
            ready = ready_for(
                read_log(database, until_ms=cut_ms),
                until_ms=cut_ms,
                config=with_window(config, settings),
                around=surroundings(settings, database, step),
            )
        return tune_for(ready, Spending(budget, folder, telling))


def cut_of(database: Database, until_ms: int | None) -> int:
    """Where the purchases to learn from end, in ms; raises DataRefused when there are none."""
    events, first_ms, last_ms = log_span(database)
    if not events or first_ms is None or last_ms is None:
        raise DataRefused("the event log is empty; run `regulars ingest FILE` first")
    # Up to the end of the last day, for windows of whole days; not into a day that goes on.
    end_ms = max(last_ms + 1, min(day_after(last_ms), to_ms(datetime.now(UTC))))
    cut_ms = end_ms if until_ms is None else min(until_ms, end_ms)
    if cut_ms <= first_ms:
        raise DataRefused(
            f"nothing is in the log before {_day(cut_ms)}: it begins on {_day(first_ms)}; "
            "give a later --until"
        )
    return cut_ms


def surroundings(
    settings: Settings, database: Database, step: Callable[[str], None]
) -> Surroundings:
    """What a course needs beside data and configuration."""
    return Surroundings(
        store=model_store(settings),
        cooldown=settings.cooldown,
        catalog=catalog_of(database),
        now=datetime.now(UTC),
        step=step,
        warm_customers=settings.warm_customers,
    )


def refresh_all(database: Database, cuts: Cuts) -> Refreshed:
    """Everyone's features and segments as of now, by the cuts of the live model."""
    with progress() as shown:
        now_ms = to_ms(datetime.now(UTC))
        return refresh(database, cuts, now_ms=now_ms, progress=shown)


def with_window(config: TrainConfig, settings: Settings) -> TrainConfig:
    """The configuration with the shop's RFM window, which is a setting of its own."""
    days = settings.rfm_window / timedelta(days=1)
    return replace(config, loyalty=replace(config.loyalty, rfm_window=days))


def _day(at_ms: int) -> str:
    return f"{_EPOCH + at_ms * _MS:%Y-%m-%d}"
