"""`regulars recommend`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.table import Table

from engine.domain.customers import StoredCustomer
from engine.domain.events import check_id, to_ms
from engine.errors import DataRefused, RequestInvalid
from engine.recommend.answer import (
    DEFAULT_LIMIT,
    DEFAULT_PLACEMENT,
    MAX_LIMIT,
    Answer,
    CatalogView,
    Request,
)
from engine.recommend.control.config import ControlPatch
from engine.settings import Settings
from engine.store.catalog import SqlCatalog
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from training.batch import PAGE, lists, newcomers_of, output, pages_of, reason_text, rows
from training.commands.control_options import control_options
from training.list_workers import Wanted, making
from training.progress import progress
from training.terminal import console
from training.wiring import live_version, model_store, open_database

# More tables than this nobody reads.
MOST_TABLES = 20


@click.command(epilog="Example: regulars recommend 17850 --limit 5")
@click.argument("customer", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Every customer of the log.")
@click.option(
    "--customers",
    "customers_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with one customer id a line.",
)
@click.option(
    "--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT, show_default=True
)
@click.option(
    "--placement",
    default=DEFAULT_PLACEMENT,
    show_default=True,
    help="discover: new to the customer; buy_again: bought before; any other: both.",
)
@click.option("--category", help="Items of this category come first.")
@click.option("--strict-filtering", is_flag=True, help="With a category: nothing else.")
@click.option(
    "--output",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a .parquet, .csv or .jsonl file instead of a table.",
)
@control_options
@click.pass_obj
def recommend(  # noqa: PLR0913, PLR0917 - one parameter an option, as click hands them over
    settings: Settings,
    customer: tuple[str, ...],
    everyone: bool,
    customers_file: Path | None,
    limit: int,
    placement: str,
    category: str | None,
    strict_filtering: bool,
    target: Path | None,
    control: ControlPatch | None,
) -> None:
    """Lists for customers, the same that the API gives."""
    if [bool(customer), everyone, customers_file is not None].count(True) != 1:
        raise click.UsageError("give one of: customers, --customers FILE, --all")
    _check_usage("--placement", [placement])
    _check_usage("--category", [] if category is None else [category])
    _check_usage("CUSTOMER", customer)
    request = Request(
        limit=limit,
        placement=placement,
        category=category,
        strict_filtering=strict_filtering,
        control=control,
    ).of_placement()
    ids = _ids(customers_file) if customers_file else customer
    if target is None and (everyone or len(ids) > MOST_TABLES):
        raise click.UsageError("lists for many go into a file: add --output FILE.csv")
    with open_database(settings) as database:
        stored = SqlCustomers(database)
        catalog = SqlCatalog(database)
        pages = stored.pages(size=PAGE) if everyone else pages_of(stored, ids)
        total = stored.count() if everyone else len(ids)
        with _answers(settings, pages, request, total=total, database=database) as answers:
            if target is None:
                for answer in (each for page in answers for each in page):
                    _print(answer, catalog)
            else:
                _write(answers, target, total=total)


@contextmanager
def _answers(
    settings: Settings,
    pages: Iterator[list[StoredCustomer]],
    request: Request,
    *,
    total: int,
    database: Database,
) -> Iterator[Iterator[list[Answer]]]:
    version = live_version(model_store(settings))
    catalog = SqlCatalog(database)
    # The revision first: what changes after it is in the items already.
    revision, items = catalog.revision(), {each.item_id: each for each in catalog.all()}
    view = CatalogView.of(items.values(), revision=revision)
    wanted = Wanted(settings, version, request, view, now_ms=to_ms(datetime.now(UTC)))
    recommender = wanted.recommender()
    for each in recommender.steering.unknown():
        click.echo(f"[control] names {each}, which model {version} does not have", err=True)
    newcomers = newcomers_of(recommender.model, database, items)
    with making(wanted, recommender, customers=total) as make:
        yield lists(pages, make, wanted, recommender=recommender, newcomers=newcomers)


def _write(answers: Iterator[list[Answer]], target: Path, *, total: int) -> None:
    written = 0
    done = 0
    with (
        output(target) as write,
        progress() as shown,
        shown.track("recommending", total=total) as advance,
    ):
        for page in answers:
            batch = rows(page)
            write(batch)
            written += len(batch)
            done += len(page)
            advance(done)
    click.echo(f"{written:,} rows for {total:,} customers in {target}")


def _print(answer: Answer, catalog: SqlCatalog) -> None:
    named = [item.item_id for item in answer.items]
    because = [reason.item_id for item in answer.items for reason in item.reasons if reason.item_id]
    titles = catalog.titles([*named, *because])
    label = f" ({answer.fallback_reason})" if answer.fallback_reason else ""
    shown = Table(title=f"Customer {answer.customer_id}{label}", title_justify="left")
    for heading in ("rank", "item", "title", "score", "source", "reason"):
        shown.add_column(heading, justify="right" if heading in ("rank", "score") else "left")
    for item in answer.items:
        shown.add_row(
            str(item.rank),
            item.item_id,
            titles.get(item.item_id, ""),
            f"{item.score:.4f}",
            item.source,
            ", ".join(reason_text(reason) for reason in item.reasons),
        )
    console().print(shown)


def _ids(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataRefused(
            "is no UTF-8 text; write one customer id a line", source=str(path)
        ) from error
    ids = {number: line.strip() for number, line in enumerate(lines, start=1) if line.strip()}
    if not ids:
        raise DataRefused("names no customer; write one id a line", source=str(path))
    for number, each in ids.items():
        try:
            check_id(each, field="customer_id")
        except RequestInvalid as error:
            raise DataRefused(str(error), source=str(path), line=number) from error
    return tuple(ids.values())


def _check_usage(name: str, ids: Sequence[str]) -> None:
    for each in ids:
        try:
            check_id(each, field=repr(each[:40]))
        except RequestInvalid as error:
            raise click.BadParameter(str(error), param_hint=name) from error
