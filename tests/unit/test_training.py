"""Splitting, measuring and judging."""

from __future__ import annotations

from math import isnan, log2

import numpy as np
import pytest

from engine.domain.histories import DAY_MS
from engine.errors import DataRefused, SettingsError
from tests.builders import DAY_ZERO_MS, a_log, a_purchase
from training.config import GateConfig, TrainConfig, load_config
from training.evaluate import BASELINE, BLEND, CHAMPION, sample, window
from training.gate import judge
from training.history import purchases_before
from training.metrics import Metrics, Quality, Truth, measure
from training.split import split_time


def positions(*items: int) -> np.ndarray:
    return np.array(items, dtype=np.int64)


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


def test_recall_ndcg_and_hit_rate_by_hand() -> None:
    truth = Truth(repeat=positions(1), explore=positions(7, 8), unseen=0)

    metrics = measure([positions(5, 1, 7)], [truth], limit=3, items=10)

    ideal = 1 / log2(2) + 1 / log2(3) + 1 / log2(4)
    assert metrics.overall.recall == pytest.approx(2 / 3)
    assert metrics.overall.ndcg == pytest.approx((1 / log2(3) + 1 / log2(4)) / ideal)
    assert metrics.overall.hit_rate == 1.0
    assert metrics.repeat.recall == 1.0
    assert metrics.repeat.ndcg == pytest.approx(1 / log2(3))
    assert metrics.explore.recall == 0.5
    assert metrics.coverage == 0.3


def test_items_outside_the_catalogue_count_as_missed() -> None:
    truth = Truth(repeat=positions(), explore=positions(2), unseen=3)

    metrics = measure([positions(2)], [truth], limit=1, items=5)

    assert metrics.overall.recall == 0.25
    assert metrics.overall.ndcg == 1.0


def test_repeat_is_measured_over_those_who_bought_something_again() -> None:
    truths = [
        Truth(positions(0), positions(), 0),
        Truth(positions(), positions(1), 0),
    ]

    metrics = measure([positions(0), positions(0)], truths, limit=1, items=2)

    assert (metrics.overall.customers, metrics.repeat.customers) == (2, 1)
    assert metrics.repeat.recall == 1.0
    assert metrics.explore.recall == 0.0


def test_nobody_to_measure_is_not_a_number() -> None:
    metrics = measure([], [], limit=10, items=5)

    assert isnan(metrics.overall.ndcg)


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
    table = {BLEND: metrics_of(own), BASELINE: metrics_of(baseline)}
    if champion is not None:
        table[CHAMPION] = metrics_of(champion)

    verdict = judge(table, config=GateConfig(baseline_margin=0.01, champion_margin=0.01))

    assert verdict.passed is passed
    assert verdict.reasons


def test_a_window_holds_what_customers_with_a_past_bought_in_it() -> None:
    log = a_log(
        [
            a_purchase("e1", "anna", ["apple", "bread"], day=0),
            a_purchase("e2", "anna", ["apple", "cheese", "unheard-of"], day=20),
            a_purchase("e3", "ben", ["cheese"], day=1),
            a_purchase("e4", "carl", ["apple"], day=21),
        ]
    )
    cut_ms = DAY_ZERO_MS + 10 * DAY_MS
    before = purchases_before(log, cut_ms=cut_ms)

    found = window(before, purchases_before(log, cut_ms=cut_ms + 20 * DAY_MS))

    assert found.histories.customers == ("anna",)
    assert [before.items[each] for each in found.truths[0].repeat] == ["apple"]
    assert [before.items[each] for each in found.truths[0].explore] == ["cheese"]
    assert found.truths[0].unseen == 1
    assert found.newcomers == 1


def test_a_sample_keeps_customers_and_truths_together() -> None:
    log = a_log(
        [
            a_purchase(f"e{n}-{day}", f"c{n:02d}", [f"i{n}"], day=day)
            for n in range(30)
            for day in (0, 20)
        ]
    )
    before = purchases_before(log, cut_ms=DAY_ZERO_MS + 10 * DAY_MS)
    everyone = window(before, purchases_before(log, cut_ms=DAY_ZERO_MS + 30 * DAY_MS))

    some = sample(everyone, size=7, seed=1)

    assert len(some.truths) == len(some.histories) == 7
    for row, truth in enumerate(some.truths):
        assert before.items[truth.repeat[0]] == f"i{int(some.histories.customers[row][1:])}"


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
