"""`regulars report`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from engine.errors import DataRefused
from engine.settings import Settings
from training.progress import steps
from training.report.assembly.report import shop_report
from training.report.page import page
from training.report.reading import Shop, read_sources
from training.wiring import model_store, moment, open_database

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.group()
def report() -> None:
    """Write pages about the shop as a whole."""


@report.command(epilog="Example: regulars report loyalty --output report.html")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.html"),
    show_default=True,
    help="The page: one file that needs no network.",
)
@click.option("--until", metavar="DATE", help="As of the start of this day (UTC).")
@click.pass_obj
def loyalty(settings: Settings, output: Path, until: str | None) -> None:
    """Show who the regulars are, who is slipping away, who comes back, and what they say."""
    until_ms = None if until is None else (moment(until) - _EPOCH) // _MS
    with open_database(settings) as database, steps() as step:
        sources = read_sources(Shop(database, model_store(settings), step), until_ms=until_ms)
        step("writing the page")
        text = page(shop_report(sources))
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataRefused(f"cannot be written: {error.strerror}", source=str(output)) from error
    click.echo(f"{len(sources.states):,} customers in {output}")
