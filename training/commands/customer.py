"""`regulars customer`: one customer, as the model knows them now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from engine.domain.features import Value
from engine.errors import CustomerUnknown
from engine.identity_keeper import IdentityKeeper
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.explain import FORMATS, UNKNOWN, sentence
from engine.loyalty.features.registry import FEATURES, GROUPS
from engine.portrait import Portrait, Taste, moment_or_none
from engine.settings import Settings
from engine.store.ledger import SqlLedger
from engine.store.segments import SqlSegments
from training.commands.features import cuts_or_untrained
from training.portrait import plain, portrait_of
from training.report.words import counted
from training.terminal import console
from training.wiring import identifier, open_database

# One for each group of the registry, in its order.
TITLES = (
    "Orders",
    "Recency, frequency, monetary value",
    "Value and risk",
    "Discounts",
    "Visits, mail and personal service",
    "Satisfaction and service",
    "Tastes",
    "Lifecycle",
    "Attitude",
    "Loyalty and core customers",
)
_FORMATS = {
    Kind.COUNT: "count",
    Kind.NUMBER: "number",
    Kind.SHARE: "share",
    Kind.MONEY: "money",
    Kind.DAYS: "days",
    Kind.MOMENT: "date",
    Kind.FLAG: "",
}
MOST_PREFERENCES = 10


@click.group(epilog="Example: regulars customer show 17850")
def customer() -> None:
    """Look at one customer, or put right who is who."""


@customer.command(epilog="Example: regulars customer show 17850 --explain")
@click.argument("customer_id", metavar="ID", callback=identifier)
@click.option("--explain", is_flag=True, help="Also what is unknown, and what would make it known.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, as the API's profile.")
@click.pass_obj
def show(settings: Settings, customer_id: str, explain: bool, as_json: bool) -> None:
    """Totals, stage, features in words, segments and preferences of a customer, as of now."""
    with open_database(settings) as database:
        cuts = cuts_or_untrained(settings)
        portrait = portrait_of(database, cuts, customer_id, at=datetime.now(UTC))
        entered = dict(SqlSegments(database).of(customer_id))
    if as_json:
        told = msgspec.json.encode(plain(portrait, explain=explain))
        click.echo(msgspec.json.format(told).decode())
        return
    print_portrait(portrait, entered, explain=explain)


@customer.command(epilog="Example: regulars customer split 5f0c-9d3e --from 17850")
@click.argument("anonymous_id", metavar="ANONYMOUS_ID", callback=identifier)
@click.option("--from", "customer_id", metavar="ID", help="Only this customer, not all of them.")
@click.option("--undo", is_flag=True, help="Join them again, as the log says.")
@click.pass_obj
def split(settings: Settings, anonymous_id: str, customer_id: str | None, undo: bool) -> None:
    """Take an anonymous visitor apart from the customers it was joined to.

    States are then as if they had never been joined; later events with both ids join them no more.
    """
    with open_database(settings) as database:
        keeper = IdentityKeeper(SqlLedger(database))
        change = keeper.join_again if undo else keeper.split
        moved = change(anonymous_id, customer_id=customer_id, now=datetime.now(UTC))
    if not moved:
        asked = f" customer {customer_id}" if customer_id else " anybody"
        done = "taken apart from" if undo else "joined to"
        raise CustomerUnknown(f"{anonymous_id} was not {done}{asked}; nothing was changed")
    done = "may be joined again to" if undo else "is no longer joined to"
    click.echo(f"{anonymous_id} {done} {', '.join(moved)}")


def print_portrait(portrait: Portrait, entered: Mapping[str, int], *, explain: bool) -> None:
    """Tables of everything; `entered` says since when the customer is in which segment, in ms."""
    out, row = console(), portrait.row
    for line in _head(portrait):
        out.print(line, markup=False)
    for title, group in zip(TITLES, GROUPS, strict=True):
        shown = [each for each in group.FEATURES if explain or row[each.name] is not None]
        if shown:
            out.print(_features(title, shown, portrait, explain=explain))
    out.print(_segments(portrait, entered))
    preferences = list(portrait.tastes())[:MOST_PREFERENCES]
    if preferences:
        out.print(_preferences(preferences))
    unknown = sum(row[name] is None for name in FEATURES)
    if unknown and not explain:
        out.print(f"{unknown} features are unknown; --explain says what would make them known.")


def _head(portrait: Portrait) -> list[str]:
    stored = portrait.customer.stored
    own, version = stored.summary, portrait.drawn.cuts_version
    first, last = moment_or_none(own.first_order_ms), moment_or_none(own.last_order_ms)
    span = f", from {first:%Y-%m-%d} to {last:%Y-%m-%d}" if first and last else ""
    days = portrait.row["orders"]
    same = "" if days in (None, own.orders) else " (those of one day count as one below)"
    return [
        f"Customer {stored.customer_id}, as of {portrait.at:%Y-%m-%d %H:%M} UTC, by "
        f"{f'model {version}' if version else 'no model'}",
        f"{counted(own.orders, 'order')}{same}, {counted(own.units, 'unit')}, "
        f"{own.revenue / 100:,.2f} revenue{span}",
        f"Stage: {sentence(FEATURES['stage'], portrait.row)}",
    ]


def _features(title: str, shown: list[Feature], portrait: Portrait, *, explain: bool) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("feature", no_wrap=True)
    table.add_column("value", justify="right", overflow="fold")
    if explain:
        table.add_column("evidence", justify="right")
        table.add_column("confidence", justify="right")
    table.add_column("in words", overflow="fold")
    row = portrait.row
    for each in shown:
        column = portrait.drawn.features[each.name]
        sure = (f"{int(column.evidence[0]):,}", f"{float(column.confidence()[0]):.2f}")
        table.add_row(
            each.name,
            Text(value_text(each, row[each.name])),
            *(sure if explain else ()),
            Text(sentence(each, row), style="dim" if row[each.name] is None else ""),
        )
    return table


def value_text(feature: Feature, value: Value) -> str:
    """A value as a person reads it; money in units of a hundred minor ones."""
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value.replace("_", " ") if feature.choices else value
    return FORMATS[_FORMATS[feature.kind]](value)


def _segments(portrait: Portrait, entered: Mapping[str, int]) -> Table:
    table = Table(title="Segments", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("segment", "title", "since"):
        table.add_column(heading)
    for name in portrait.segments:
        since = moment_or_none(entered.get(name))
        told = f"{since:%Y-%m-%d}" if since else "not noted yet"
        table.add_row(name, Text(portrait.book[name].title), told)
    return table


def _preferences(found: list[Taste]) -> Table:
    table = Table(title="Categories wanted", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("category", "said", "done", "score"):
        table.add_column(heading, justify="left" if heading == "category" else "right")
    for each in found:
        numbers = (f"{number:.2f}" for number in (each.explicit, each.implicit, each.score))
        table.add_row(Text(each.category), *numbers)
    return table
