"""Fitting the trees that put a customer's candidates in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np

from engine.models.goals import Goal
from engine.models.ranker import Ranker
from training.config import TrainConfig
from training.rows import Rows

BINS = 127
# The worst a list of this length can do is what the objective looks at, and a little beyond.
TRUNCATION = 20
# Of new items few are bought: more places teach, and customers who bought many teach more.
RARE = {"lambdarank_truncation_level": 40, "lambdarank_norm": False}
# Threads wait for each other at every split: of fewer rows one thread grows trees sooner.
FEW_ROWS = 50_000


def fit_ranker(
    parts: Sequence[Rows],
    *,
    goal: Goal,
    config: TrainConfig,
    validation: Rows | None = None,
    rounds: int | None = None,
) -> tuple[Ranker, int]:
    """Trees from the rows of past windows that a goal is about, and how many there are.

    With a `validation` window as many as do best there; else exactly `rounds`. Burges (2010),
    "From RankNet to LambdaRank to LambdaMART". Equal input and seed give equal trees.
    """
    names = parts[0].names
    told = [each.told_apart() for each in parts]
    threads = 1 if sum(len(each.bought) for each in told) < FEW_ROWS else 0
    params = {**_params(config, goal), "num_threads": threads}
    data = _dataset(told, params).construct()
    # Gigabytes in a large shop, and now in bins.
    del told
    if validation is None:
        trees = lightgbm.train(params, data, num_boost_round=rounds or config.ranker.rounds)
        return Ranker(trees.model_to_string(num_iteration=-1), names=names), trees.num_trees()
    trees = lightgbm.train(
        params,
        data,
        num_boost_round=config.ranker.rounds,
        valid_sets=[_dataset([validation.told_apart()], params, like=data)],
        callbacks=[lightgbm.early_stopping(config.ranker.patience, verbose=False)],
    )
    best = trees.best_iteration or trees.num_trees()
    return Ranker(trees.model_to_string(num_iteration=best), names=names), best


def _dataset(
    parts: Sequence[Rows], params: Mapping[str, Any], *, like: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        [each.features for each in parts],
        np.concatenate([each.bought for each in parts]).astype(np.float32),
        group=np.concatenate([each.size for each in parts]),
        feature_name=list(parts[0].names),
        reference=like,
        params=dict(params),
        free_raw_data=True,
    )


def _params(config: TrainConfig, goal: Goal) -> dict[str, Any]:
    own = config.ranker
    params: dict[str, Any] = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [config.limit],
        "lambdarank_truncation_level": TRUNCATION,
        "learning_rate": own.learning_rate,
        "num_leaves": own.leaves,
        "min_data_in_leaf": own.minimum_rows,
        "feature_fraction": own.feature_share,
        "bagging_fraction": own.row_share,
        "bagging_freq": 1,
        "lambda_l2": own.regularization,
        "max_bin": BINS,
        "seed": config.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    } | (RARE if goal is Goal.NEW else {})
    deepest = max(params["lambdarank_truncation_level"], config.limit)
    return params | {"lambdarank_truncation_level": deepest}
