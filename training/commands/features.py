"""`regulars features`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import pyarrow as pa

from engine.domain.events import to_ms
from engine.errors import DataRefused
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.registry import FEATURES, Features
from engine.loyalty.features.registry import features as features_of
from engine.loyalty.frame import feature_table
from engine.loyalty.gather import states_of
from engine.settings import Settings
from engine.store.database import Database
from engine.store.log_reader import read_log
from training.cuts import live_cuts
from training.files import check_place, table_output
from training.progress import Progress, progress
from training.refresh import catalog_of, pages, refresh, told
from training.states import states_before
from training.wiring import model_store, moment, open_database

# Customers at a time.
PAGE = 20_000
Show = Callable[[Features], None]


@click.command(epilog="Example: regulars features --output features.parquet")
@click.option(
    "--as-of",
    metavar="DATE",
    help="As of the start of this past day (UTC), by the live model's thresholds. Needs --output; "
    "nothing is stored.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a .parquet, .csv or .jsonl file too, a row a customer.",
)
@click.option("--describe", is_flag=True, help="Only say what every feature is, as Markdown.")
@click.pass_obj
def features(settings: Settings, as_of: str | None, output: Path | None, describe: bool) -> None:
    """Work out every customer's features and segments as of now, and store them.

    A running server does the same with every event, and once a day; this does it for everyone at
    once, after an ingest say. It may be broken off and begun again.
    """
    if describe:
        click.echo("\n".join(described()))
        return
    now = datetime.now(UTC)
    at = now if as_of is None else _past(as_of, now=now)
    if as_of is not None and output is None:
        raise click.UsageError("a past day goes into a file: add --output FILE.parquet")
    if output is not None:
        check_place(output)
    with open_database(settings) as database, progress() as shown, _written(output) as file:
        work = _Work(database, cuts_or_untrained(settings), to_ms(at), shown)
        if as_of is None:
            done = refresh(database, work.cuts, now_ms=work.at_ms, progress=shown, show=file.show)
        else:
            _look_back(work, file.show)
    if as_of is None:
        click.echo(told(done))
    if output is not None:
        click.echo(f"{file.rows:,} customers in {output}")


def described() -> Iterator[str]:
    """Every feature as the rows of a table in Markdown, in the order of the columns."""
    yield "| feature | kind | what it says | what it takes |"
    yield "|---|---|---|---|"
    for feature in FEATURES.values():
        among = f": {', '.join(feature.choices)}" if feature.choices else ""
        words = (f"{feature.kind}{among}", feature.about, feature.needs)
        yield f"| `{feature.name}` | {' | '.join(each.replace('|', '/') for each in words)} |"


def cuts_or_untrained(settings: Settings) -> Cuts:
    """The live model's cuts; without, those of a shop that never trained, and a word about it."""
    cuts = live_cuts(model_store(settings))
    if cuts is None:
        click.echo(
            "No live model has thresholds: what customers are worth and will do stays unknown "
            "until `regulars train`.",
            err=True,
        )
    return cuts or Cuts.untrained()


@dataclass(frozen=True)
class _Work:
    database: Database
    cuts: Cuts
    at_ms: int
    progress: Progress


@dataclass
class _File:
    """Counts the customers that are written, if there is a file to write them to."""

    write: Callable[[pa.Table], None] | None = None
    rows: int = 0

    def show(self, found: Features) -> None:
        """Write a page of customers."""
        if self.write is not None:
            self.write(_table(found))
            self.rows += len(found)


@contextmanager
def _written(path: Path | None) -> Iterator[_File]:
    if path is None:
        yield _File()
        return
    with table_output(path, _schema()) as write:
        yield _File(write)


def _schema() -> pa.Schema:
    """The columns of the file, whatever customers there are."""
    return _table(features_of(states_of((), {}), Cuts.untrained(), now_ms=0)).schema


def _past(text: str, *, now: datetime) -> datetime:
    at = moment(text)
    if at > now:
        raise click.BadParameter(f"{text!r} is to come; give a past day", param_hint="--as-of")
    return at


def _look_back(work: _Work, show: Show) -> None:
    """Show everyone's features as of a past moment, from nothing that came later."""
    with work.progress.track("reading the log", total=0):
        log = read_log(work.database, until_ms=work.at_ms)
        if not len(log.lines) and not len(log.events):
            raise DataRefused("nothing is in the log before that day; give a later --as-of")
        states = states_before(
            log,
            cut_ms=work.at_ms,
            catalog=catalog_of(work.database),
            exclusive_tags=work.cuts.config.exclusive_tags,
        )
    done = 0
    with work.progress.track("working out features", total=len(states)) as advance:
        for page in pages(states, size=PAGE):
            show(features_of(page, work.cuts, now_ms=work.at_ms))
            done += len(page)
            advance(done)


def _table(found: Features) -> pa.Table:
    """The features as a table, with the moment they are of."""
    table = feature_table(found)
    moments = pa.array([found.now_ms] * len(found), pa.timestamp("ms", tz="UTC"))
    return table.add_column(1, "as_of", moments)
