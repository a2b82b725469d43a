"""`regulars ingest`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from engine.errors import SettingsError
from engine.settings import Settings
from engine.store.catalog import SqlCatalog
from engine.store.ledger import SqlLedger
from training.ingest.formats import FORMATS
from training.ingest.options import IngestOptions, reading_of
from training.ingest.report import IngestReport, render
from training.ingest.run import ingest as ingest_files
from training.progress import progress
from training.wiring import open_database

_EPILOG = (
    "Example: regulars ingest orders.csv --map customer_id=Client --map item_id=SKU "
    "--timezone Europe/Berlin --currency EUR"
)


@click.command(epilog=_EPILOG)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="purchases",
    show_default=True,
    help="What the columns are called and mean.",
)
@click.option(
    "--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="The column that holds a field."
)
@click.option("--timezone", metavar="TZ", help="Zone of times without one, such as Europe/Berlin.")
@click.option(
    "--time-format",
    default="auto",
    show_default=True,
    metavar="auto|dmy|mdy|PATTERN",
    help="Order of day and month, or a strptime pattern.",
)
@click.option("--currency", metavar="CODE", help="Currency of the sums, such as EUR.")
@click.option("--shift-days", type=int, default=0, metavar="N", help="Move every time N days on.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where rows left out are listed, with line and reason.",
)
@click.pass_obj
def ingest(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    settings: Settings,
    files: tuple[Path, ...],
    form: str,
    maps: tuple[str, ...],
    timezone: str | None,
    time_format: str,
    currency: str | None,
    shift_days: int,
    rejects: Path | None,
) -> None:
    """Load purchases from CSV, CSV.gz or Parquet files into the event log.

    The same file again adds nothing; an interrupted run goes on where it stopped.
    """
    options = IngestOptions(
        format=form,
        columns=mapping(maps),
        timezone=timezone,
        time_format=time_format,
        currency=currency,
        rejects=rejects,
        shift_days=shift_days,
    )
    try:
        report = _run(settings, files, options)
    except KeyboardInterrupt as stop:
        raise click.ClickException(
            "interrupted; what was written stays, and the same command again goes on from there"
        ) from stop
    for each in report.files:
        for line in render(each):
            click.echo(line)


def _run(settings: Settings, files: Sequence[Path], options: IngestOptions) -> IngestReport:
    with _wrong_options():
        reading_of(options)
    with open_database(settings) as database, progress() as shown, _wrong_options():
        return ingest_files(
            files,
            options,
            ledger=SqlLedger(database),
            catalog=SqlCatalog(database),
            home=settings.home,
            now=datetime.now(UTC),
            progress=shown,
        )


@contextmanager
def _wrong_options() -> Iterator[None]:
    """Tells of options that cannot be used as wrong usage; a database URL is no option."""
    try:
        yield
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def mapping(maps: Sequence[str]) -> dict[str, str]:
    """The column of each field, from options FIELD=COLUMN; raises BadParameter for others."""
    columns: dict[str, str] = {}
    for each in maps:
        field, separator, column = each.partition("=")
        if not separator or not field.strip() or not column.strip():
            raise click.BadParameter(f"{each!r}: write FIELD=COLUMN", param_hint="--map")
        if field.strip() in columns:
            raise click.BadParameter(f"{field} is mapped twice", param_hint="--map")
        columns[field.strip()] = column.strip()
    return columns
