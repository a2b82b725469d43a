"""`regulars report`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from engine.errors import DataRefused
from engine.settings import Settings
from engine.store.segments import SqlSegments
from training.commands.customer import TITLES
from training.commands.features import cuts_or_untrained
from training.commands.holdout import holdout
from training.portrait import portrait_of
from training.progress import steps
from training.report.assembly.customer import Sitter, story_of
from training.report.assembly.report import shop_report
from training.report.customer import customer_page
from training.report.page import page
from training.report.reading import Shop, currency_of, read_sources
from training.wiring import identifier, model_store, moment, open_database

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.group()
def report() -> None:
    """Write pages about the shop as a whole, or about one customer."""


report.add_command(holdout)


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
    _write(output, text)
    click.echo(f"{len(sources.states):,} customers in {output}")


@report.command(epilog="Example: regulars report customer 17850 --output customer.html")
@click.argument("customer_id", metavar="ID", callback=identifier)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("customer.html"),
    show_default=True,
    help="The page: one file that needs no network.",
)
@click.pass_obj
def customer(settings: Settings, customer_id: str, output: Path) -> None:
    """Tell one customer's whole story: orders, stage, risk, worth, tastes, and why, as of now."""
    with open_database(settings) as database:
        cuts = cuts_or_untrained(settings)
        sitter = Sitter(
            portrait=portrait_of(database, cuts, customer_id, at=datetime.now(UTC)),
            cuts=cuts,
            titles=TITLES,
            currency=currency_of(database),
            entered=dict(SqlSegments(database).of(customer_id)),
        )
        text = customer_page(story_of(sitter))
    _write(output, text)
    click.echo(f"Customer {customer_id} in {output}")


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataRefused(f"cannot be written: {error.strerror}", source=str(output)) from error
