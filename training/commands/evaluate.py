"""`regulars evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from engine.domain.events import to_ms
from engine.errors import DataRefused
from engine.loyalty.purchases import facts_of
from engine.settings import Settings
from engine.store.database import Database
from engine.store.log_reader import ReadLog, read_log
from training.commands.ingest import mapping
from training.commands.train import surroundings
from training.config import TrainConfig
from training.contest import (
    Entry,
    Known,
    Match,
    Outcome,
    hold,
    orders_with,
    singles,
    spent_on,
    stages_of,
    titles_of,
    without_trees,
)
from training.course import Surroundings
from training.evaluate import BLEND, FINAL
from training.evaluation.contenders import Role
from training.evaluation.judge import PLAIN, Judging
from training.evaluation.metrics import NDCG_WHOLE
from training.evaluation.surfaces.field import Extent, Field, field_of
from training.evaluation.surfaces.results import Surfaces
from training.evaluation.surfaces.run import try_surfaces
from training.history import purchases_before
from training.outcome import tell
from training.pairs_contest import by_held_out, recorded_pairs
from training.progress import progress, steps
from training.retrained import (
    Recorded,
    Retrained,
    config_of,
    recorded,
    retrain,
    with_test_days,
)
from training.split import Split
from training.train import data_hash, first_purchase
from training.truth import read_truth, window_of
from training.wiring import live_version, model_store, moment, open_database

_EPILOG = (
    "Example: regulars evaluate --test-days 14 --output evaluation.html, or "
    "regulars evaluate --truth next_baskets.csv --map customer_id=Client"
)


@dataclass(frozen=True)
class Asked:
    """What the command line asks for; `made_up` margins only stand in for unknown ones."""

    version: str
    whole: bool
    surfaces: bool = False
    made_up: bool = False

    @property
    def judging(self) -> Judging:
        """By which metric to judge."""
        return Judging(metric=NDCG_WHOLE) if self.whole else PLAIN


@click.command(epilog=_EPILOG)
@click.option("--model", "version", metavar="VERSION", help="The live version by default.")
@click.option(
    "--test-days",
    type=click.IntRange(1, 36_500),
    metavar="N",
    help="Length of the test window; that of the version's training by default.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The report; reports/evaluation-VERSION.html under REGULARS_HOME by default.",
)
@click.option(
    "--truth",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What customers bought next: the version itself is scored by it, nothing is retrained.",
)
@click.option(
    "--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="The truth's column of a field."
)
@click.option("--as-of", metavar="DATE", help="When the truth begins; the model's last day if not.")
@click.option("--whole", is_flag=True, help="Judge by nDCG against the whole basket.")
@click.option(
    "--surfaces",
    is_flag=True,
    help="Try every other list for its own purpose too, and what control costs.",
)
@click.option(
    "--made-up-margins",
    "made_up",
    is_flag=True,
    help="With --surfaces: invent margins where the catalogue knows no costs, and say so.",
)
@click.pass_obj
def evaluate(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    settings: Settings,
    version: str | None,
    test_days: int | None,
    output: Path | None,
    truth: Path | None,
    maps: tuple[str, ...],
    as_of: str | None,
    whole: bool,
    surfaces: bool,
    made_up: bool,
) -> None:
    """Compare a model with each scorer and plain baselines, for home and for discover.

    The version's recipe is trained again on what was before the test window, so that nothing it is
    judged by was seen. Prints a table and writes a report.
    """
    if truth is None and (maps or as_of):
        raise click.UsageError("--map and --as-of go with --truth")
    if truth is not None and test_days is not None:
        raise click.UsageError("--test-days goes without --truth: the file is the test")
    if truth is not None and surfaces:
        raise click.UsageError("--surfaces goes without --truth: it needs orders and their times")
    if made_up and not surfaces:
        raise click.UsageError("--made-up-margins goes with --surfaces")
    columns = mapping(maps)
    store = model_store(settings)
    asked = Asked(version or live_version(store), whole, surfaces, made_up)
    tried: Surfaces | None = None
    with open_database(settings) as database:
        if truth is None:
            outcome, tried = by_window(settings, database, asked, test_days=test_days)
        else:
            with progress() as shown:
                bought = read_truth(truth, columns, home=settings.home, progress=shown)
            start_ms = None if as_of is None else to_ms(moment(as_of))
            outcome = by_truth(settings, database, asked, bought=bought, start_ms=start_ms)
    report = output or settings.home / "reports" / f"evaluation-{asked.version}.html"
    tell(outcome, output=report, surfaces=tried)


def by_window(
    settings: Settings, database: Database, asked: Asked, *, test_days: int | None
) -> tuple[Outcome, Surfaces | None]:
    """The recipe of a version on a test window of its own log, against its single scorers.

    With it every surface, when those are asked for.
    """
    with steps() as step:
        around = surroundings(settings, database, step)
        pairs = recorded_pairs(around.store, asked.version)
        if pairs is not None:
            _check_untimed(asked, test_days)
            match = match_of(pairs.config, around, asked.judging)
            log = read(database, pairs.split)
            return by_held_out(pairs, log, around=around, match=match), None
        own = recorded(around.store, asked.version)
        log = read(database, own.split)
        split = with_test_days(own.split, test_days, first_ms=first_purchase(log.lines))
        again = retrain(own, log, split=split, around=around)
        fitted, blend = again.fitted, without_trees(again.model)
        used = {name: 1.0 for weights in blend.blends.values() for name, w in weights.items() if w}
        entries = [
            Entry(FINAL, again.model, Role.MODEL, again.seconds),
            Entry(BLEND, blend, fit_seconds=spent_on(used, fitted.seconds)),
            *singles(fitted.model(own.recipe), fitted.seconds),
        ]
        known = again.known(around, split, notes_on(own, split, log))
        match = match_of(own.config, around, asked.judging)
        outcome = hold(entries, again.target, known, match=match)
        if not asked.surfaces:
            return outcome, None
        field = field_of_window(again, log, split, around, own.config)
        return outcome, try_surfaces(field, step=around.step, made_up=asked.made_up)


def _check_untimed(asked: Asked, test_days: int | None) -> None:
    if test_days is not None or asked.surfaces:
        raise DataRefused(
            f"{asked.version} was trained on pairs without times: there are no days to count; "
            "leave --test-days and --surfaces out"
        )


def field_of_window(
    again: Retrained, log: ReadLog, split: Split, around: Surroundings, config: TrainConfig
) -> Field:
    """What surfaces are tried on: the retrained model, and all orders up to the window's end."""
    before = again.fitted.purchases
    facts = facts_of(before.items, again.fitted.assortment)
    return field_of(
        again.model,
        before,
        purchases_before(log.lines, cut_ms=split.until),
        cooldown=around.cooldown,
        extent=Extent(limit=config.limit, seed=config.seed),
        stages=stages_of(before.customers, facts, again.fitted.cuts, now_ms=before.until_ms),
    )


def by_truth(
    settings: Settings,
    database: Database,
    asked: Asked,
    *,
    bought: dict[str, list[str]],
    start_ms: int | None,
) -> Outcome:
    """A version as it is on what customers bought next, against the scorers it holds."""
    with steps() as step:
        step(f"loading {asked.version}")
        around = surroundings(settings, database, step)
        model = around.store.load(asked.version)
        cut_ms = model.until_ms if start_ms is None else start_ms
        step("histories as of then")
        before = purchases_before(read_log(database, until_ms=cut_ms).lines, cut_ms=cut_ms)
        target = window_of(bought, before, model.items)
        if not target.truths:
            raise DataRefused(
                f"none of the {len(bought):,} customers of the truth had bought anything before; "
                "are these the ids of the log, and is --as-of right?"
            )
        known = Known(
            items=model.items,
            assortment=model.assortment,
            popularity=orders_with(before, model.items),
            cuts=model.cuts,
            until_ms=None,
            titles=titles_of(around.catalog),
            notes=[f"{asked.version} was scored as it is; nothing was trained for this."],
        )
        entries = [
            Entry(FINAL, model, Role.MODEL),
            Entry(BLEND, without_trees(model)),
            *singles(model, {}),
        ]
        config = config_of(around.store, asked.version)
        return hold(entries, target, known, match=match_of(config, around, asked.judging))


def match_of(config: TrainConfig, around: Surroundings, judging: Judging = PLAIN) -> Match:
    """A contest with lists as long as a version was trained for."""
    return Match(around.cooldown, config.limit, config.seed, judging, around.step)


def read(database: Database, split: Split) -> ReadLog:
    """The log up to the end of a split."""
    return read_log(database, until_ms=split.until)


def notes_on(own: Recorded, split: Split, log: ReadLog) -> list[str]:
    """What a reader must know of a recipe that was trained again."""
    notes = [
        f"{own.version} was trained again, by its recorded recipe, on what was before the test "
        f"window. The recipe was settled on the {own.split.validation_days:g} days before "
        f"{_day(own.split.test_from)}."
    ]
    if split.test_from < own.split.test_from:
        notes.append(
            f"Part of the test window of {own.version} was there when its recipe was settled: what "
            "it gained by that, it has here too. Fewer --test-days are free of it."
        )
    if own.split.until == split.until and data_hash(log.lines, until_ms=split.until) != (
        own.data_hash
    ):
        notes.append(f"The log of that time has changed since {own.version} was trained.")
    return notes


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, tz=UTC):%Y-%m-%d}"
