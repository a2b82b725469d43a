"""`regulars report holdout`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from engine.domain.histories import DAY_MS
from engine.errors import DataRefused
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.features.registry import features
from engine.loyalty.fit import fit_cuts
from engine.settings import Settings
from engine.store.database import Database
from engine.store.log_reader import log_span, read_log
from training.cuts import live_cuts
from training.holdout import (
    BASELINES,
    CHURN_RISK,
    CLV,
    WEEKS,
    Group,
    Holdout,
    aftermath,
    compare,
    expected_of,
)
from training.progress import steps
from training.refresh import catalog_of
from training.states import states_before
from training.terminal import console
from training.wiring import model_store, open_database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@click.command(epilog="Example: regulars report holdout --weeks 13")
@click.option(
    "--weeks",
    type=click.IntRange(1, 104),
    default=WEEKS,
    show_default=True,
    help="How many of the last weeks are held out.",
)
@click.option(
    "--json",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the figures to this file too.",
)
@click.pass_obj
def holdout(settings: Settings, weeks: int, target: Path | None) -> None:
    """Hold what the customer model says of customers against what they then did.

    Thresholds, value models and features are taken as of some weeks before the end of the log, from
    nothing later; the weeks after that decide. Plain baselines stand beside the model.
    """
    cuts = live_cuts(model_store(settings))
    with open_database(settings) as database:
        found = looked_back(database, cuts.config if cuts else LoyaltyConfig(), weeks=weeks)
    print_holdout(found)
    if target is not None:
        try:
            target.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(found))))
        except OSError as error:
            raise DataRefused(f"cannot be written: {error.strerror}", source=str(target)) from error
        click.echo(f"The figures are in {target}")


def looked_back(database: Database, config: LoyaltyConfig, *, weeks: int) -> Holdout:
    """The comparison for the last weeks of the log. Raises DataRefused when it is too short."""
    events, first_ms, last_ms = log_span(database)
    if not events or first_ms is None or last_ms is None:
        raise DataRefused("the event log is empty; run `regulars ingest FILE` first")
    days = weeks * 7
    # Whole UTC days, so that no order of the day of the cut counts on both sides.
    end_ms = (last_ms // DAY_MS + 1) * DAY_MS
    cut_ms = end_ms - days * DAY_MS
    if cut_ms <= first_ms:
        raise DataRefused(
            f"the log spans less than {weeks} weeks and something before; give fewer --weeks"
        )
    with steps() as step:
        step("reading the log")
        log, catalog = read_log(database, until_ms=end_ms), catalog_of(database)
        step("customers as of the cut")
        states = states_before(
            log, cut_ms=cut_ms, catalog=catalog, exclusive_tags=config.exclusive_tags
        )
        later = states_before(log, cut_ms=end_ms, catalog={}).goods
        step("thresholds and value models")
        cuts = fit_cuts(states, config, now_ms=cut_ms)
        step("features")
        found = features(states, cuts, now_ms=cut_ms)
        expected = expected_of(states, cuts, cut_ms=cut_ms, days=days)
        seen = aftermath(found.customers, later, cut_ms=cut_ms, days=days)
        return compare(found, expected, seen, cut_ms=cut_ms, days=days)


def print_holdout(found: Holdout) -> None:
    """The tables: groups, the contests, and how well the totals and the chances came out."""
    out = console()
    day = f"{_EPOCH + timedelta(milliseconds=found.cut_ms):%Y-%m-%d}"
    out.print(
        f"{found.customers:,} customers with an order before {day}, and what they did in the "
        f"{found.days:g} days from then on"
    )
    for kind, groups in found.groups.items():
        out.print(_groups(kind, groups))
    out.print(_contests(found))
    for line in verdicts(found):
        out.print(line)
    ratio = found.orders_expected / found.orders_seen if found.orders_seen else float("nan")
    out.print(
        f"Orders expected {found.orders_expected:,.0f}, seen {found.orders_seen:,.0f} "
        f"(ratio {_figure(ratio)}). Chances to buy are off by {_share(found.calibration_error)} "
        "on average over the deciles of churn risk."
    )


def verdicts(found: Holdout) -> list[str]:
    """Whether each of the model's numbers does its own task better than the best plain baseline."""
    by_name = {each.name: each for each in found.contests}
    tasks = (
        ("who buys", CHURN_RISK, {name: each.auc for name, each in by_name.items()}),
        (
            "who spends how much",
            CLV,
            {name: each.spend_correlation for name, each in by_name.items()},
        ),
    )
    return [_verdict(task, name, figures) for task, name, figures in tasks]


def _verdict(task: str, name: str, figures: Mapping[str, float]) -> str:
    title = name[0].upper() + name[1:]
    known = {each: figures[each] for each in BASELINES if not isnan(figures[each])}
    if isnan(figures[name]) or not known:
        return f"{title} cannot be judged by {task}: all did the same."
    best = max(known, key=known.__getitem__)
    word = "better than" if figures[name] > known[best] else "no better than"
    return (
        f"{title} tells {task} {word} the best plain baseline: {_figure(figures[name])}, "
        f"{best} {_figure(known[best])}."
    )


def _groups(kind: str, groups: list[Group]) -> Table:
    shown = Table(title=f"By {kind}", title_justify="left", box=SIMPLE_HEAD)
    shown.add_column(kind.rsplit(maxsplit=1)[-1])
    for heading in ("customers", "chance to buy", "bought again", "spent on average"):
        shown.add_column(heading, justify="right")
    for each in groups:
        shown.add_row(
            each.name.replace("_", " "),
            f"{each.customers:,}",
            _share(each.expected),
            _share(each.again),
            f"{each.spent / 100:,.2f}",
        )
    return shown


def _contests(found: Holdout) -> Table:
    shown = Table(
        title="Told beforehand: the model's numbers, and plain baselines",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    shown.add_column("number")
    for heading in ("who buys\n(AUC)", "who spends how much\n(rank correlation)"):
        shown.add_column(heading, justify="right")
    for each in found.contests:
        style = "dim" if each.name in BASELINES else "bold"
        shown.add_row(each.name, _figure(each.auc), _figure(each.spend_correlation), style=style)
    return shown


def _figure(value: float) -> str:
    return "-" if isnan(value) else f"{value:.3f}"


def _share(value: float) -> str:
    return "-" if isnan(value) else f"{value:.1%}"
