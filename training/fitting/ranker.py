"""Fitting the trees that put a customer's candidates in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np

from engine.models.ranker import Ranker
from training.fitting.ranker_config import RankerConfig
from training.rows import Rows

BINS = 127
# Pairs of places up to here teach: more than a list shows, so that what hardly made it counts too.
TRUNCATION = 40
# Threads wait for each other at every split: of fewer rows one thread grows trees sooner.
FEW_ROWS = 50_000


def fit_ranker(
    parts: Sequence[Rows],
    *,
    config: RankerConfig,
    seed: int,
    limit: int,
    validation: Rows | None = None,
    rounds: int | None = None,
) -> tuple[Ranker, int]:
    """Trees from the rows of past windows, the latest last, and how many there are.

    With a `validation` window as many as do best there; else exactly `rounds`. Burges (2010),
    "From RankNet to LambdaRank to LambdaMART". Equal input and seed give equal trees.
    """
    names = parts[0].names
    told = [each.told_apart() for each in parts]
    threads = 1 if sum(len(each.bought) for each in told) < FEW_ROWS else 0
    params = {**_params(config, seed=seed, limit=limit), "num_threads": threads}
    data = _dataset(told, params, fading=config.fading).construct()
    # Gigabytes in a large shop, and now in bins.
    del told
    if validation is None:
        trees = lightgbm.train(params, data, num_boost_round=rounds or config.rounds)
        return Ranker(trees.model_to_string(num_iteration=-1), names=names), trees.num_trees()
    trees = lightgbm.train(
        params,
        data,
        num_boost_round=config.rounds,
        valid_sets=[_dataset([validation.told_apart()], params, like=data)],
        callbacks=[lightgbm.early_stopping(config.patience, verbose=False)],
    )
    best = trees.best_iteration or trees.num_trees()
    return Ranker(trees.model_to_string(num_iteration=best), names=names), best


def _dataset(
    parts: Sequence[Rows],
    params: Mapping[str, Any],
    *,
    fading: float = 1.0,
    like: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    weights = fading ** np.arange(len(parts) - 1, -1, -1)
    return lightgbm.Dataset(
        [each.features for each in parts],
        np.concatenate([each.bought for each in parts]).astype(np.float32),
        group=np.concatenate([each.size for each in parts]),
        weight=weights.repeat([len(each.bought) for each in parts]).astype(np.float32),
        feature_name=list(parts[0].names),
        reference=like,
        params=dict(params),
        free_raw_data=True,
    )


def _params(config: RankerConfig, *, seed: int, limit: int) -> dict[str, Any]:
    return {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [limit],
        "lambdarank_truncation_level": max(TRUNCATION, limit),
        # Customers who bought much teach more than those who bought little.
        "lambdarank_norm": False,
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.minimum_rows,
        "feature_fraction": config.feature_share,
        "bagging_fraction": config.row_share,
        "bagging_freq": 1,
        "lambda_l2": config.regularization,
        "max_bin": BINS,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
