"""`regulars tune`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from engine.settings import Settings
from training.commands.train import tuned
from training.config import load_config
from training.tuning.budget import seconds_of
from training.tuning.told import told_of
from training.tuning.written import write_config
from training.wiring import open_database


@click.command(epilog="Example: regulars tune --budget 30m --output tuned.toml")
@click.option(
    "--budget",
    callback=seconds_of,
    default="10m",
    show_default=True,
    metavar="TIME",
    help="How long to try, such as 90s, 10m or 2h.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file to begin with; the defaults without.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("tuned.toml"),
    show_default=True,
    help="Where the best configuration is written, for `regulars train --config`.",
)
@click.pass_obj
def tune(settings: Settings, budget: float, config_file: Path | None, output: Path) -> None:
    """Look for numbers that suit this shop better than the defaults, in a given time.

    Only the validation window is looked at, never the test window. Trials are kept: Ctrl-C loses
    nothing, and the same command again goes on from there.
    """
    config = load_config(config_file)
    with open_database(settings) as database, ended_as_by_ctrl_c():
        found = tuned(settings, database, config, until_ms=None, seconds=budget)
    if found is None:
        raise click.ClickException("interrupted before the first trial was done; give it more time")
    lines = told_of(found)
    write_config(found.config, output, comments=["Found by `regulars tune`.", *lines])
    for line in lines:
        click.echo(line)
    if found.found.interrupted:
        raise click.ClickException(
            f"interrupted; the trials are kept, the same command again goes on from there, and "
            f"{output} has the best so far"
        )
    click.echo(f"Train with it: regulars train --config {output}")


@contextmanager
def ended_as_by_ctrl_c() -> Iterator[None]:
    """Whoever is told to end, by a scheduler or `timeout` say, keeps what was found so far."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
