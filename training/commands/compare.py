"""`regulars compare`."""

from __future__ import annotations

from pathlib import Path

import click

from engine.settings import Settings
from engine.store.database import Database
from training.commands.evaluate import match_of, notes_on, read
from training.commands.train import surroundings
from training.contest import Entry, Outcome, hold, singles
from training.evaluate import BASELINE, FILTERED, POPULAR
from training.evaluation.contenders import Role
from training.outcome import tell
from training.progress import steps
from training.retrained import later, recorded, retrain, with_test_days
from training.train import first_purchase
from training.wiring import open_database

# Whom every model must beat to be worth its cost.
YARDSTICKS = frozenset({POPULAR, BASELINE, FILTERED})


@click.command(epilog="Example: regulars compare 20260131T020000Z-1a2b3c 20260124T020000Z-9f8e7d")
@click.argument("version")
@click.argument("other")
@click.option(
    "--test-days",
    type=click.IntRange(1, 36_500),
    metavar="N",
    help="Length of the test window; the later one of the two trainings by default.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The report; reports/VERSION-OTHER.html under REGULARS_HOME by default.",
)
@click.pass_obj
def compare(
    settings: Settings, version: str, other: str, test_days: int | None, output: Path | None
) -> None:
    """Compare the recipes of two versions, VERSION on trial against OTHER.

    Both are trained again on what was before one test window, so that neither has seen it. Prints
    a table and writes a report with customers side by side.
    """
    if version == other:
        raise click.UsageError(f"{version} is the same as itself; name two versions")
    with open_database(settings) as database:
        outcome = contest(settings, database, (version, other), test_days=test_days)
    tell(outcome, output=output or settings.home / "reports" / f"{version}-{other}.html")


def contest(
    settings: Settings, database: Database, versions: tuple[str, str], *, test_days: int | None
) -> Outcome:
    """The first version on trial against the second and the yardsticks, on one test window."""
    with steps() as step:
        around = surroundings(settings, database, step)
        first, second = (recorded(around.store, each) for each in versions)
        whole = later(first.split, second.split)
        log = read(database, whole)
        split = with_test_days(whole, test_days, first_ms=first_purchase(log.lines))
        live = around.store.current_version()
        entries, notes = [], []
        for number, own in enumerate((first, second)):
            step(f"retraining {own.version}")
            again = retrain(own, log, split=split, around=around)
            role = Role.CHAMPION if number and own.version == live else Role.MODEL
            entries.append(Entry(own.version, again.model, role, again.seconds))
            notes += notes_on(own, split, log)
        plain = singles(again.fitted.model(second.recipe), again.fitted.seconds)
        entries += [each for each in plain if each.name in YARDSTICKS]
        known = again.known(around, split, notes)
        return hold(entries, again.target, known, match=match_of(first.config, around))
