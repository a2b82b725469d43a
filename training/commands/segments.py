"""`regulars segments`: the built-in segments and the shop's own, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import pyarrow as pa
from rich.table import Table
from rich.text import Text

from engine.domain.events import to_ms
from engine.domain.features import Membership, SegmentRun
from engine.portrait import moment, moment_or_none
from engine.ports import Segments
from engine.segments.conditions import plain
from engine.segments.why import Why
from engine.segments.why import why as why_of
from engine.settings import Settings
from engine.store.segments import SqlSegments
from training.commands.features import cuts_or_untrained
from training.files import check_place, table_output
from training.portrait import portrait_of
from training.progress import progress
from training.refresh import keeper_of, refresh_segments
from training.segment_file import Words, draft_of
from training.terminal import console
from training.wiring import identifier, open_database

PAGE = 1_000
_MEMBERS = pa.schema([("customer_id", pa.string()), ("entered_at", pa.timestamp("ms", tz="UTC"))])


@click.group(epilog="Example: regulars segments list")
def segments() -> None:
    """List, show, write and delete segments; say who is in them, and why."""


@segments.command("list", epilog="Example: regulars segments list")
@click.pass_obj
def list_segments(settings: Settings) -> None:
    """All segments: how many customers are in each, and when that was last worked out."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("segment", "title", "customers", "worked out", ""):
        shown.add_column(heading, justify="right" if heading == "customers" else "left")
    with _segments(settings) as stored:
        sizes, runs, book = stored.sizes(), stored.runs(), keeper_of(stored).book()
        lost = [each.name for each in stored.own() if each.name not in book]
    for each in book:
        shown.add_row(
            each.name,
            Text(each.title),
            # Before all were looked at, those whom an event moved would pass for all of them.
            f"{sizes.get(each.name, 0):,}" if each.name in runs else "–",
            _fresh(runs.get(each.name)),
            "" if each.builtin else "own",
        )
    console().print(shown)
    for name in lost:
        click.echo(
            f"{name} asks for what is no longer there, and is passed over; write it anew with "
            f"`regulars segments put {name}`",
            err=True,
        )


@segments.command(epilog="Example: regulars segments show at_risk_and_worth_it")
@click.argument("name")
@click.pass_obj
def show(settings: Settings, name: str) -> None:
    """A segment's words, its condition as JSON, and how many customers are in it."""
    with _segments(settings) as stored:
        keeper = keeper_of(stored)
        segment, users = keeper.one(name), keeper.book().used_by(name)
        count, run = stored.sizes(name).get(name, 0), stored.runs().get(name)
    click.echo(f"{segment.title} ({name}, {'built in' if segment.builtin else 'own'})")
    if segment.description:
        click.echo(segment.description)
    click.echo(msgspec.json.format(msgspec.json.encode(plain(segment.condition))).decode())
    click.echo(f"{count:,} customers; last worked out: {_fresh(run)}")
    if users:
        click.echo(f"Referred to by {', '.join(users)}")


@segments.command(epilog="Example: regulars segments put tea_lovers --file tea.json")
@click.argument("name")
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON: the condition, or an object with title, description and condition.",
)
@click.option("--title", help="A short name for people.")
@click.option("--description", help="What the segment is for.")
@click.pass_obj
def put(
    settings: Settings, name: str, path: Path, title: str | None, description: str | None
) -> None:
    """Write a segment of the shop's own, over one of the same name, and work out who is in it."""
    with _segments(settings) as stored:
        keeper = keeper_of(stored)
        draft = draft_of(name, path, Words(title, description), keeper.book())
        _, run = keeper.put(draft, now_ms=_now_ms())
    click.echo(f"{name} is written; {run.members:,} customers are in it")


@segments.command(epilog="Example: regulars segments delete tea_lovers")
@click.argument("name")
@click.pass_obj
def delete(settings: Settings, name: str) -> None:
    """Remove a segment of the shop's own, unless another refers to it."""
    with _segments(settings) as stored:
        keeper_of(stored).delete(name)
    click.echo(f"{name} is deleted")


@segments.command(epilog="Example: regulars segments members champions --output champions.csv")
@click.argument("name")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a .parquet, .csv or .jsonl file instead.",
)
@click.pass_obj
def members(settings: Settings, name: str, output: Path | None) -> None:
    """The customers in a segment by id, and since when."""
    if output is not None:
        check_place(output)
    with _segments(settings) as stored:
        keeper_of(stored).one(name)
        click.echo(f"{name}, last worked out: {_fresh(stored.runs().get(name))}", err=True)
        if output is None:
            for each in (one for page in _pages(stored, name) for one in page):
                click.echo(f"{each.customer_id}\t{moment(each.entered_ms):%Y-%m-%d}")
            return
        count = _write(stored, name, output)
    click.echo(f"{count:,} customers in {output}")


@segments.command(epilog="Example: regulars segments refresh")
@click.pass_obj
def refresh(settings: Settings) -> None:
    """Work out who is in every segment, from customers' features as they are stored.

    `regulars features` works out the features as well.
    """
    with _segments(settings) as stored, progress() as shown:
        runs = refresh_segments(stored, now_ms=_now_ms(), progress=shown)
    for run in runs:
        click.echo(f"{run.segment}: {run.members:,}")


@segments.command(epilog="Example: regulars segments why champions 17850")
@click.argument("name")
@click.argument("customer", callback=identifier)
@click.pass_obj
def why(settings: Settings, name: str, customer: str) -> None:
    """Say whether a customer belongs to a segment now, condition by condition."""
    with open_database(settings) as database:
        keeper_of(SqlSegments(database)).one(name)
        portrait = portrait_of(
            database, cuts_or_untrained(settings), customer, at=datetime.now(UTC)
        )
        told = why_of(portrait.book.condition(name), portrait.person, now_ms=to_ms(portrait.at))
    verb = "belongs" if told.holds else "does not belong"
    click.echo(f"{customer} {verb} to {name}, as of {portrait.at:%Y-%m-%d %H:%M} UTC:")
    for line in why_lines(told):
        click.echo(line)


def why_lines(told: Why, *, depth: int = 1) -> Iterator[str]:
    """The tree of conditions, a line each; those that did not decide stand in brackets."""
    sentence = told.sentence if told.decisive else f"({told.sentence})"
    yield f"{'  ' * depth}{'✓' if told.holds else '✗'} {sentence}"
    for part in told.parts:
        yield from why_lines(part, depth=depth + 1)


@contextmanager
def _segments(settings: Settings) -> Iterator[Segments]:
    with open_database(settings) as database:
        yield SqlSegments(database)


def _pages(stored: Segments, name: str) -> Iterator[list[Membership]]:
    last: str | None = None
    while page := stored.members(name, after=last, limit=PAGE):
        yield page
        last = page[-1].customer_id


def _write(stored: Segments, name: str, output: Path) -> int:
    count = 0
    total = stored.sizes(name).get(name, 0)
    with (
        table_output(output, _MEMBERS) as write,
        progress() as shown,
        shown.track("writing members", total=total) as advance,
    ):
        for page in _pages(stored, name):
            ids, times = zip(*((each.customer_id, each.entered_ms) for each in page), strict=True)
            write(pa.table([pa.array(ids), pa.array(times, _MEMBERS[1].type)], schema=_MEMBERS))
            count += len(page)
            advance(count)
    return count


def _fresh(run: SegmentRun | None) -> str:
    """When a segment was last worked out for everyone; single customers move with every event."""
    at = moment_or_none(run.refreshed_ms if run else None)
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never; run `regulars features`"


def _now_ms() -> int:
    return to_ms(datetime.now(UTC))
