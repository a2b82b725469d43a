"""The paired bootstrap: as sure as theory says, paired, and repeatable."""

from __future__ import annotations

from math import isnan, sqrt

import numpy as np
import pytest

from training.evaluation import bootstrap
from training.evaluation.bootstrap import interval, resampled_means


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_interval_of_a_mean_is_as_wide_as_the_normal_one() -> None:
    values = rng(2).normal(3.0, 2.0, size=(800, 1))

    low, high = interval(resampled_means(values, resamples=2000, rng=rng())[:, 0], confidence=0.95)

    # Efron & Tibshirani (1993), chapter 13: for a mean of many the two agree.
    half = 1.96 * values.std() / sqrt(800)
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    truth, held = 0.3, 0
    for trial in range(200):
        values = (rng(trial).random((120, 1)) < truth).astype(np.float64)
        means = resampled_means(values, resamples=300, rng=rng(1000 + trial))
        low, high = interval(means[:, 0], confidence=0.95)
        held += low <= truth <= high

    # Three standard deviations of 200 such trials around 95%, and a little less for 120 customers.
    assert 0.89 <= held / 200 <= 0.995


def test_what_two_models_share_cancels_in_their_difference() -> None:
    shared = rng(3).normal(0.0, 10.0, size=500)
    values = np.stack([shared + 1.0, shared], axis=1)

    means = resampled_means(values, resamples=200, rng=rng())

    assert means[:, 0] - means[:, 1] == pytest.approx(np.ones(200))
    assert means[:, 0].std() > 0.2


def test_who_does_not_count_in_a_column_changes_nothing_in_it() -> None:
    values = rng(4).normal(size=(60, 2))
    values[20:, 1] = np.nan

    means = resampled_means(values, resamples=500, rng=rng())

    assert means[:, 1].mean() == pytest.approx(values[:20, 1].mean(), abs=0.05)
    assert means[:, 1].std() == pytest.approx(values[:20, 1].std() / sqrt(20), rel=0.2)


def test_a_column_that_few_resamples_hold_is_known_in_those_only() -> None:
    values = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, np.nan]])

    means = resampled_means(values, resamples=100, rng=rng())

    assert 0 < np.isnan(means[:, 1]).sum() < 100
    assert interval(means[:, 1], confidence=0.95) == (5.0, 5.0)


def test_the_same_seed_gives_the_same_means() -> None:
    values = rng(5).normal(size=(50, 3))

    one, other = (resampled_means(values, resamples=40, rng=rng(9)) for _ in range(2))

    np.testing.assert_array_equal(one, other)


def test_resamples_in_small_blocks_are_as_many_and_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    values = rng(6).normal(size=(200, 1))
    monkeypatch.setattr(bootstrap, "DRAWN_AT_ONCE", 1400)

    means = resampled_means(values, resamples=500, rng=rng())

    assert means.shape == (500, 1)
    assert means.std() == pytest.approx(values.std() / sqrt(200), rel=0.2)


def test_without_customers_nothing_is_known() -> None:
    means = resampled_means(np.zeros((0, 2)), resamples=10, rng=rng())

    assert all(isnan(bound) for bound in interval(means[:, 0], confidence=0.95))
