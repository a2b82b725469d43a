"""Splitting by time, judging, and reading the configuration."""

from __future__ import annotations

import pytest

from engine.domain.histories import DAY_MS, Histories
from engine.errors import DataRefused, SettingsError
from engine.models.goals import Goal
from tests.builders import DAY_ZERO_MS, a_history, histories
from training.config import MODELS, GateConfig, TrainConfig, load_config
from training.course import Learnt
from training.evaluate import BASELINE, BLEND, CHAMPION, FINAL, POPULAR
from training.evaluation.metrics import Metrics, Quality
from training.fit import Recipe
from training.gate import judge
from training.learning import Trial
from training.split import day_after, split_time, usual_days
from training.train import with_or_without_trees

NOON = DAY_MS // 2


def test_a_year_of_data_is_split_into_28_days_each() -> None:
    split = split_time(0, 365 * DAY_MS, validation_days=None, test_days=None)

    assert (split.test_days, split.validation_days) == (28, 28)
    assert split.until == 365 * DAY_MS


def test_a_month_of_data_gives_windows_of_a_sixth() -> None:
    split = split_time(0, 30 * DAY_MS, validation_days=None, test_days=None)

    assert (split.test_days, split.validation_days) == (5, 5)


def test_windows_can_be_set() -> None:
    split = split_time(0, 100 * DAY_MS, validation_days=10, test_days=30)

    assert (split.validation_from, split.test_from) == (60 * DAY_MS, 70 * DAY_MS)


@pytest.mark.parametrize(("days", "windows"), [(2, (None, None)), (20, (10, 10)), (0, (1, 1))])
def test_too_little_data_is_refused(days: int, windows: tuple[int | None, int | None]) -> None:
    with pytest.raises(DataRefused, match="days"):
        split_time(0, days * DAY_MS, validation_days=windows[0], test_days=windows[1])


def a_shop_of(*customers: tuple[float, ...]) -> Histories:
    """Customers who bought one item on each of their days."""
    return histories(
        ["a"],
        {
            f"c{number}": a_history(*((day, ["a"]) for day in days))
            for number, days in enumerate(customers)
        },
    )


def days_of(*customers: tuple[float, ...], until: float) -> int:
    until_ms = DAY_ZERO_MS + round(until * DAY_MS)
    return usual_days(a_shop_of(*customers), until_ms=until_ms)


def test_regulars_of_months_are_asked_about_four_weeks() -> None:
    # Of the last 28 days' customers two of three were there more than 56 days before the end.
    assert days_of((0, 95), (10, 99), (90, 98), until=100) == 28


def test_a_shop_of_newcomers_is_asked_about_the_days_before_which_most_were_there() -> None:
    # 28 and 14 days: one of three was there before two of them; 7 days: all bought before day 86.
    assert days_of((0, 95), (80, 99), (85, 98), until=100) == 7


def test_three_of_five_known_customers_are_enough_and_two_are_not() -> None:
    old, young = (0.0, 99.0), (90.0, 99.0)

    assert days_of(old, old, old, young, young, until=100) == 28
    # Two windows of 4 days begin on day 92: by then all five were there.
    assert days_of(old, old, young, young, young, until=100) == 4


def test_who_came_exactly_two_windows_ago_was_not_there_before_them() -> None:
    assert days_of((44, 99), until=100) == 14
    assert days_of((43.9, 99), until=100) == 28


def test_where_nobody_comes_back_the_window_is_a_day() -> None:
    assert days_of((99.5,), (99.6,), until=100) == 1
    assert days_of(until=100) == 1


def test_the_usual_window_is_the_longest_a_split_takes_of_itself() -> None:
    split = split_time(0, 365 * DAY_MS, validation_days=None, test_days=None, most_days=7)

    assert (split.test_days, split.validation_days) == (7, 7)
    assert split_time(0, 365 * DAY_MS, validation_days=30, test_days=9, most_days=7).test_days == 9


@pytest.mark.parametrize(
    ("at_ms", "midnight"),
    [
        (0, DAY_MS),
        (NOON, DAY_MS),
        (DAY_MS - 1, DAY_MS),
        (DAY_MS, 2 * DAY_MS),
        (DAY_ZERO_MS + 5 * DAY_MS + NOON, DAY_ZERO_MS + 6 * DAY_MS),
        (-1, 0),
    ],
)
def test_data_end_with_the_day_of_the_last_purchase(at_ms: int, midnight: int) -> None:
    assert day_after(at_ms) == midnight


def metrics_of(ndcg: float) -> Metrics:
    quality = Quality(0.1, ndcg, 0.5, 100)
    return Metrics(quality, quality, quality, 0.2)


@pytest.mark.parametrize(
    ("own", "baseline", "champion", "passed"),
    [
        (0.40, 0.39, None, True),
        (0.40, 0.404, None, True),
        (0.40, 0.41, None, False),
        (0.40, 0.39, 0.40, True),
        (0.40, 0.39, 0.403, True),
        (0.40, 0.39, 0.45, False),
        (float("nan"), 0.39, None, False),
    ],
)
def test_the_gate_allows_a_loss_within_the_margin_only(
    own: float, baseline: float, champion: float | None, passed: bool
) -> None:
    table = {FINAL: metrics_of(own), BASELINE: metrics_of(baseline)}
    if champion is not None:
        table[CHAMPION] = metrics_of(champion)

    verdict = judge(table, config=GateConfig(baseline_margin=0.01, champion_margin=0.01))

    assert verdict.passed is passed
    assert verdict.reasons


def test_a_model_below_what_merely_sells_best_is_refused() -> None:
    table = {FINAL: metrics_of(0.4), BASELINE: metrics_of(0.3), POPULAR: metrics_of(0.5)}

    verdict = judge(table, config=GateConfig())

    assert not verdict.passed
    assert any("popularity" in reason and "is below" in reason for reason in verdict.reasons)


def test_few_customers_prove_nothing() -> None:
    few = Quality(0.5, 0.5, 0.5, 19)
    table = {FINAL: Metrics(few, few, few, 0.2), BASELINE: metrics_of(0.1)}

    verdict = judge(table, config=GateConfig(minimum_customers=20))

    assert not verdict.passed
    assert "19 customers" in verdict.reasons[0]


def learnt_with(**trials: Trial) -> Learnt:
    recipe = Recipe(60.0, {goal: {"popularity": 1.0} for goal in Goal})
    return Learnt(recipe, {Goal(goal): trial for goal, trial in trials.items()}, ())


WON = Trial(5, ranker=0.6, blend=0.5, error=0.01)


def test_where_trees_do_not_pass_and_the_blend_does_the_blend_serves() -> None:
    learnt = learnt_with(any=WON, new=WON)
    table = {FINAL: metrics_of(0.30), BLEND: metrics_of(0.40), BASELINE: metrics_of(0.39)}

    settled, figures, verdict = with_or_without_trees(learnt, table, config=GateConfig())

    assert verdict.passed
    assert "0.3000" in verdict.reasons[0]
    assert settled.trials == {Goal.NEW: WON}
    assert figures[FINAL] == table[BLEND]


@pytest.mark.parametrize(
    ("trees", "blend", "passed"), [(0.40, 0.45, True), (0.30, 0.31, False), (0.40, 0.30, True)]
)
def test_trees_that_pass_stay_and_so_do_those_the_blend_cannot_help(
    trees: float, blend: float, passed: bool
) -> None:
    learnt = learnt_with(any=WON)
    table = {FINAL: metrics_of(trees), BLEND: metrics_of(blend), BASELINE: metrics_of(0.39)}

    settled, figures, verdict = with_or_without_trees(learnt, table, config=GateConfig())

    assert (settled, figures, verdict.passed) == (learnt, table, passed)


def test_a_blend_that_served_anyway_is_no_way_out() -> None:
    learnt = learnt_with(any=Trial(5, ranker=0.5, blend=0.6))
    table = {FINAL: metrics_of(0.30), BLEND: metrics_of(0.40), BASELINE: metrics_of(0.39)}

    assert not with_or_without_trees(learnt, table, config=GateConfig())[2].passed


def test_a_config_file_is_read_and_its_mistakes_are_named(tmp_path) -> None:
    good, bad, worse = (tmp_path / name for name in ("good.toml", "bad.toml", "worse.toml"))
    good.write_text("[train]\nseed = 7\n[train.als]\nfactors = 16\n")
    bad.write_text("[train]\nsede = 7\n")
    worse.write_text("[train]\ntest_days = 0\nlimit = -1\n")

    config = load_config(good)

    assert (config.seed, config.als.factors, config.limit) == (7, 16, 10)
    assert load_config(None) == TrainConfig()
    with pytest.raises(SettingsError, match="sede"):
        load_config(bad)
    with pytest.raises(SettingsError, match=r"limit.*test_days"):
        load_config(worse)


@pytest.mark.parametrize("name", MODELS)
def test_every_number_of_a_model_has_bounds_that_are_kept_and_named(name: str, tmp_path) -> None:
    own = getattr(TrainConfig(), name)
    for key, (low, high) in type(own).BOUNDS.items():
        file = tmp_path / f"{key}.toml"
        whole = isinstance(getattr(own, key), int)
        beyond = int(high) + 1 if whole else float(high) * 2 + 1
        file.write_text(f"[train.{name}]\n{key} = {beyond}\n")

        with pytest.raises(SettingsError, match=rf"{name}\.{key} must be from"):
            load_config(file)

        assert low <= getattr(own, key) <= high
