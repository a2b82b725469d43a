"""`regulars rejects`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from engine.settings import Settings
from engine.store.rejects import MOST_KEPT, SqlRejects
from training.wiring import open_database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command(epilog="Example: regulars rejects --limit 20")
@click.option("--limit", type=click.IntRange(1, MOST_KEPT), default=100, show_default=True)
@click.pass_obj
def rejects(settings: Settings, limit: int) -> None:
    """Show events of Segment's and GA4's clients that were refused, and why; the last first.

    Those clients hear no reasons, so they are kept here: the last 10,000.
    """
    with open_database(settings) as database:
        found = SqlRejects(database).latest(limit=limit)
    for each in found:
        at = _EPOCH + timedelta(milliseconds=each.received_ms)
        where = f"{each.field}: " if each.field else ""
        click.echo(f"{at:%Y-%m-%d %H:%M:%S}  {each.source}  {where}{each.reason}")
        click.echo(f"    {_shown(each.body)}")
    if not found:
        click.echo("no event was refused")


def _shown(text: str) -> str:
    """The text in one line that a terminal shows as it is."""
    return "".join(each if each.isprintable() else " " for each in text)
