"""Tuning: what is tried, what it is worth, when it stops, and what is kept."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import msgspec
import numpy as np
import optuna
import pytest
from msgspec.structs import replace
from optuna.trial import TrialState

from engine.domain.histories import DAY_MS
from engine.errors import SettingsError, StoreUnavailable
from engine.models.goals import Goal
from engine.store.log_reader import EVENT_SCHEMA, ReadLog
from engine.store.model_store import ModelStore
from tests.builders import DAY_ZERO_MS, a_log, a_shop
from training.config import TrainConfig, load_config
from training.course import Surroundings
from training.evaluate import evaluate
from training.learning import blend_of
from training.rows import Rows
from training.split import Split
from training.tuning.bench import Bench, Kept, TuningConfig, prepared
from training.tuning.budget import Budget, seconds_of, spoken
from training.tuning.run import study_name
from training.tuning.search import Found, Search, Standing
from training.tuning.space import SPACE, suggested
from training.tuning.told import line, telling
from training.tuning.trials import DEFAULTS, alone_in, open_trials
from training.tuning.worth import Worth, quality
from training.tuning.written import toml_of, write_config
from training.windows import only_new

CONFIG = TrainConfig(limit=5, half_lives=(60.0,))
TUNING = TuningConfig()
SPLIT = Split(DAY_ZERO_MS + 80 * DAY_MS, DAY_ZERO_MS + 100 * DAY_MS, DAY_ZERO_MS + 120 * DAY_MS)


@dataclass
class Clock:
    """A clock that goes on when it is told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Hill:
    """A bench on which more neighbours of items are worth more, and each trial takes 10 seconds."""

    clock: Clock
    grows: bool = True
    asked: list[TrainConfig] = field(default_factory=list)
    stop_at: int | None = None

    def worth(self, config: TrainConfig) -> Worth:
        if len(self.asked) == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(config)
        self.clock.now += 10
        return Worth(np.full(3, config.item_item.neighbours / 1_000), np.full(3, 0.2))


def searched(folder: Path, hill: Hill, *, seconds: float, name: str = "hill") -> Found | None:
    with alone_in(folder), open_trials(folder, name=name, seed=1) as trials:
        budget = Budget(seconds, clock=hill.clock)
        return Search(hill, trials, CONFIG, TUNING, budget, lambda _: None).run()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Windows of a small shop: 20 days of validation, one window of the past."""
    log = ReadLog(a_log(a_shop(customers=40, days=120)), EVENT_SCHEMA.empty_table())
    around = Surroundings(
        store=ModelStore(tmp_path_factory.mktemp("models")),
        cooldown=timedelta(0),
        catalog={},
        now=datetime(2026, 6, 1, tzinfo=UTC),
    )
    return prepared(log, split=SPLIT, config=CONFIG, tuning=TUNING, around=around)


def test_the_first_trial_is_what_it_began_with(tmp_path: Path) -> None:
    hill = Hill(Clock())

    found = searched(tmp_path, hill, seconds=5)

    assert hill.asked == [CONFIG]
    assert found is not None
    assert found.standing.best.table == DEFAULTS
    assert found.config == CONFIG


def test_each_trial_changes_one_table_of_the_best_so_far(tmp_path: Path) -> None:
    hill = Hill(Clock())

    searched(tmp_path, hill, seconds=100)

    best = hill.asked[0]
    tables = list(SPACE)
    for number, asked in enumerate(hill.asked[1:]):
        table = tables[number % len(tables)]
        changed = {name for name in SPACE if getattr(asked, name) != getattr(best, name)}
        assert changed == {table}
        best = max(best, asked, key=lambda each: each.item_item.neighbours)


def test_it_stops_before_a_trial_that_would_not_end_in_time(tmp_path: Path) -> None:
    hill = Hill(Clock())

    searched(tmp_path, hill, seconds=59)

    assert len(hill.asked) == 5
    assert hill.clock.now == 50


def test_the_best_is_never_worse_than_what_it_began_with(tmp_path: Path) -> None:
    hill = Hill(Clock())

    found = searched(tmp_path, hill, seconds=90)

    assert found is not None
    assert (
        found.standing.best.total
        == max(each.item_item.neighbours for each in hill.asked) / (1_000)
        + TUNING.discover_share * 0.2
    )
    assert found.standing.best.total >= found.standing.defaults.total


def test_a_search_goes_on_where_it_was_left(tmp_path: Path) -> None:
    first, second = Hill(Clock()), Hill(Clock())

    searched(tmp_path, first, seconds=30)
    found = searched(tmp_path, second, seconds=30)

    assert CONFIG not in second.asked
    assert found is not None
    assert (found.standing.done, found.standing.now) == (6, 3)
    assert not set(map(msgspec.json.encode, first.asked)) & set(
        map(msgspec.json.encode, second.asked)
    )


def test_another_study_begins_anew(tmp_path: Path) -> None:
    searched(tmp_path, Hill(Clock()), seconds=30)
    hill = Hill(Clock())

    searched(tmp_path, hill, seconds=5, name="other data")

    assert hill.asked == [CONFIG]


def test_an_interruption_loses_no_trial(tmp_path: Path) -> None:
    found = searched(tmp_path, Hill(Clock(), stop_at=3), seconds=100)
    again = searched(tmp_path, Hill(Clock()), seconds=15)

    assert found is not None
    assert found.interrupted
    assert found.standing.done == 3
    assert again is not None
    assert again.standing.done == 4


def test_an_interruption_before_anything_was_tried_finds_nothing(tmp_path: Path) -> None:
    assert searched(tmp_path, Hill(Clock(), stop_at=0), seconds=100) is None


def test_trials_of_a_killed_process_are_given_up(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'trials.db'}"
    optuna.create_study(storage=storage, study_name="hill", direction="maximize").ask()

    searched(tmp_path, Hill(Clock()), seconds=5)

    states = [each.state for each in optuna.load_study(study_name="hill", storage=storage).trials]
    assert states == [TrialState.FAIL, TrialState.COMPLETE]


def test_numbers_that_a_model_refuses_do_not_stop_the_search(tmp_path: Path) -> None:
    class Picky(Hill):
        def worth(self, config: TrainConfig) -> Worth:
            found = super().worth(config)
            if config.als != CONFIG.als:
                raise SettingsError("no such factors here")
            return found

    found = searched(tmp_path, Picky(Clock()), seconds=100)

    assert found is not None
    assert found.standing.done == 8
    assert found.config.als == CONFIG.als


def test_without_trees_their_numbers_are_left_alone(tmp_path: Path) -> None:
    hill = Hill(Clock(), grows=False)

    searched(tmp_path, hill, seconds=150)

    assert {msgspec.json.encode(each.ranker) for each in hill.asked} == {
        msgspec.json.encode(CONFIG.ranker)
    }


def test_a_file_that_is_no_study_is_named(tmp_path: Path) -> None:
    (tmp_path / "trials.db").write_text("not a database, whatever its name says")

    with pytest.raises(StoreUnavailable, match=r"trials\.db cannot be used; remove it"):
        searched(tmp_path, Hill(Clock()), seconds=5)


@pytest.mark.parametrize("table", list(SPACE))
@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_suggested_may_be_configured(table: str, seed: int, tmp_path: Path) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))

    config = suggested(study.ask(), CONFIG, table=table)

    path = tmp_path / "tuned.toml"
    write_config(config, path, comments=[])
    assert load_config(path) == config


def test_only_what_differs_from_the_defaults_is_written() -> None:
    config = TrainConfig(als=replace(TrainConfig().als, factors=32))

    text = toml_of(config, comments=["Found."])

    assert text == "# Found.\n\n[train]\n\n[train.als]\nfactors = 32\n"


def test_loyalty_settings_come_along_but_for_the_window_of_the_shop(tmp_path: Path) -> None:
    loyalty = replace(CONFIG.loyalty, cycle_fallback=20.0)
    shop = replace(CONFIG, loyalty=replace(loyalty, rfm_window=100.0))

    path = tmp_path / "tuned.toml"
    write_config(shop, path, comments=[])

    assert load_config(path) == replace(CONFIG, loyalty=loyalty)


def test_only_the_touched_model_is_fitted_anew(bench: Bench) -> None:
    config = replace(CONFIG, als=replace(CONFIG.als, factors=8))

    fitted = bench.later.of(config)

    base = bench.later.fitted
    fresh = {name for name in base.scorers if fitted.scorers[name] is not base.scorers[name]}
    assert fresh == {"als"}


def test_the_same_configuration_is_worth_the_same(bench: Bench) -> None:
    first, again = bench.worth(CONFIG), bench.worth(replace(CONFIG))

    np.testing.assert_array_equal(first.homes, again.homes)
    np.testing.assert_array_equal(first.discovers, again.discovers)


def test_trials_of_the_trees_keep_the_rows(bench: Bench) -> None:
    config = replace(CONFIG, ranker=replace(CONFIG.ranker, leaves=7))

    assert bench.later.rows(config, bench.recipe) is bench.later.rows(CONFIG, bench.recipe)


@pytest.mark.parametrize("goal", [Goal.ANY, Goal.NEW])
def test_worth_is_the_ndcg_of_the_lists_that_are_served(bench: Bench, goal: Goal) -> None:
    later, recipe, new = bench.later, bench.recipe, goal is Goal.NEW
    rows = later.rows(CONFIG, recipe)
    target = only_new(later.target) if new else later.target
    # The blend alone serves: there are no trees in what was fitted.
    served = evaluate(
        later.fitted.model(recipe), target, cooldown=timedelta(0), limit=5, new_only=new
    )

    total = blend_of(rows, recipe.blends[goal])
    found = quality(rows, total, bench._sizes[goal], goal, limit=5)

    assert np.nanmean(found) == pytest.approx(served.metrics.overall.ndcg, abs=1e-6)


def test_a_gain_counts_when_it_is_more_than_chance_explains() -> None:
    base = Worth(np.array([0.1, 0.5, 0.3, 0.7]), np.array([0.2, np.nan, 0.2, np.nan]))
    # Home better by .02 for everybody; by .02 in the mean and by nothing that could be told.
    surely = Worth(base.homes + np.array([0.02, 0.01, 0.03, 0.02]), base.discovers)
    hardly = Worth(base.homes + np.array([0.30, -0.26, 0.2, -0.16]), base.discovers)

    assert surely.total(0.5) == pytest.approx(hardly.total(0.5)) == pytest.approx(0.42 + 0.5 * 0.2)
    assert surely.beats(base, share=0.5, errors=2.0)
    assert not hardly.beats(base, share=0.5, errors=2.0)
    assert not base.beats(base, share=0.5, errors=2.0)


def test_what_each_customer_adds_makes_the_total() -> None:
    worth = Worth(np.array([0.1, 0.5, np.nan]), np.array([0.3, np.nan, np.nan]))

    # Home .3 over two customers, discover .3 over one.
    assert worth.total(0.5) == pytest.approx(0.3 + 0.15)
    assert worth.each(0.5).mean() == pytest.approx(worth.total(0.5))
    assert Worth(np.array([np.nan]), np.array([np.nan])).total(0.5) == 0


def test_who_finds_nothing_counts_as_zero() -> None:
    rows = Rows(
        names=("x",),
        features=np.zeros((3, 1), np.float32),
        bought=np.array([True, False, False]),
        own=np.array([False, False, False]),
        size=np.array([2, 1]),
    )
    bought = np.array([1.0, 4.0])

    found = quality(rows, np.array([2, 1, 1], np.float32), bought, Goal.ANY, limit=2)

    # The first customer's one item is on top, the second bought four and none is a candidate.
    assert found.tolist() == [1.0, 0.0]


def test_the_test_window_is_never_looked_at(bench: Bench) -> None:
    for place in (bench.later, *bench.past):
        assert place.target.start_ms <= SPLIT.validation_from
        assert place.fitted.purchases.until_ms <= SPLIT.validation_from
        assert place.target.histories.at.max() < SPLIT.validation_from


def test_what_was_made_last_is_kept_and_the_oldest_forgotten() -> None:
    kept: Kept[int] = Kept(most=2)
    made = []

    for key in ("a", "b", "a", "c", "a", "b"):
        kept.get(key, lambda key=key: made.append(key) or len(made))  # type: ignore[misc]

    assert made == ["a", "b", "c", "b"]


def test_other_data_or_numbers_are_another_study() -> None:
    log = ReadLog(a_log(a_shop(customers=3, days=20)), EVENT_SCHEMA.empty_table())
    other = ReadLog(a_log(a_shop(customers=4, days=20)), log.events)
    one = study_name(log, SPLIT, CONFIG, TUNING)

    assert one == study_name(log, SPLIT, replace(CONFIG), TUNING)
    assert one != study_name(other, SPLIT, CONFIG, TUNING)
    assert one != study_name(log, SPLIT, replace(CONFIG, limit=7), TUNING)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5_400)])
def test_a_budget_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    context, option = click.Context(click.Command("tune")), click.Option(["--budget"])

    assert seconds_of(context, option, text) == seconds


@pytest.mark.parametrize("text", ["", "m", "ten minutes", "0s", "-5m", "5000h", "1d"])
def test_what_is_no_time_span_is_refused(text: str) -> None:
    context, option = click.Context(click.Command("tune")), click.Option(["--budget"])

    with pytest.raises(click.BadParameter):
        seconds_of(context, option, text)


def test_time_is_told_as_people_write_it() -> None:
    assert [spoken(each) for each in (-3, 9.6, 60, 425)] == ["0s", "10s", "1m 00s", "7m 05s"]


def test_a_log_gets_a_line_for_each_trial(tmp_path: Path) -> None:
    stream, hill = io.StringIO(), Hill(Clock())
    budget = Budget(35, clock=hill.clock)

    with (
        telling(35, stream) as told,
        open_trials(tmp_path, name="hill", seed=1) as trials,
    ):
        found = Search(hill, trials, CONFIG, TUNING, budget, told).run()

    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0] == "1 trial, the last (defaults) 0.1500; best 0.1500, the defaults; 25s left"
    assert found is not None
    standing: Standing = found.standing
    assert line(standing) == lines[-1]
