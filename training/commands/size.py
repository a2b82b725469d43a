"""`regulars size`."""

from __future__ import annotations

import click
from rich.table import Table

from engine.settings import Settings
from training.sizing import LINES_AN_EVENT, Room, Shop, room_for
from training.terminal import console

CUSTOMERS_AN_ITEM = 10


@click.command(epilog="Example: regulars size --customers 200000 --events 10000000")
@click.option("--customers", type=click.IntRange(1), required=True, help="Whom you know.")
@click.option(
    "--events", type=click.IntRange(0), required=True, help="All of the log, browsing too."
)
@click.option(
    "--items", type=click.IntRange(1), help="In the catalogue. Default: one for ten customers."
)
@click.option("--lines", type=click.IntRange(0), help="Of purchases. Default: 36 in 100 events.")
@click.pass_obj
def size(
    settings: Settings, customers: int, events: int, items: int | None, lines: int | None
) -> None:
    """How much disk, memory and time a shop of a size takes, from what was measured.

    Estimates, good to a third or so; docs/sizing.md has the figures behind them.
    """
    shop = Shop(
        customers=customers,
        events=events,
        items=max(1, customers // CUSTOMERS_AN_ITEM) if items is None else items,
        lines=int(LINES_AN_EVENT * events) if lines is None else lines,
    )
    room = room_for(shop, workers=settings.workers)
    shown = Table(box=None, pad_edge=False, show_header=False)
    for row in _rows(room, settings.workers):
        shown.add_row(*row)
    console().print(shown)


def _rows(room: Room, workers: int) -> list[tuple[str, str, str]]:
    return [
        (
            "database, SQLite",
            spoken(room.sqlite),
            "on disk; as much again for a moment in `restore`",
        ),
        ("database, PostgreSQL", spoken(room.postgresql), "on disk"),
        ("cache", spoken(room.cache), "if every customer had a list at once; it may be smaller"),
        ("model", spoken(room.model), "on disk, for each version kept"),
        (f"{workers} workers", spoken(room.workers), "in memory, the model's arrays once"),
        ("training", spoken(room.training), "in memory at its most"),
        ("", f"{room.training_seconds / 60:,.0f} min", "on two cores"),
    ]


def spoken(size: float) -> str:
    """Bytes as people say them."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1_000:
            return f"{size:.3g} {unit}"
        size /= 1_000
    return f"{size:.3g} TB"
