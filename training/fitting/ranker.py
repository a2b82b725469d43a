"""Fitting the trees that put a customer's candidates in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
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


class Objective(StrEnum):
    """What trees are grown for; which of them ranks better differs from shop to shop.

    A list's order: Burges (2010), "From RankNet to LambdaRank to LambdaMART". Or for each
    candidate by itself whether it is bought, which learns more from few customers.
    """

    ORDER = "lambdarank"
    PURCHASE = "binary"


@dataclass(frozen=True)
class Grown:
    """Trees, how many of them, and what they were grown for."""

    ranker: Ranker
    rounds: int
    objective: Objective


def fit_ranker(
    parts: Sequence[Rows],
    *,
    goal: Goal,
    config: TrainConfig,
    rounds: int,
    objective: Objective = Objective.ORDER,
) -> Ranker:
    """So many trees from the rows of past windows that a goal is about.

    Equal input and seed give equal trees.
    """
    params = _params(config, goal, objective) | {"num_threads": _threads(parts)}
    trees = lightgbm.train(params, _dataset(parts, params), num_boost_round=rounds)
    return Ranker(trees.model_to_string(num_iteration=-1), names=parts[0].names)


def grown_for_each(
    parts: Sequence[Rows], validation: Rows, *, goal: Goal, config: TrainConfig
) -> list[Grown]:
    """Trees for each objective, as many as rank best in a later window."""
    threads = {"num_threads": _threads(parts)}
    params = {each: _params(config, goal, each) | threads for each in Objective}
    # In bins the rows are the same whatever trees are grown for.
    data = _dataset(parts, params[Objective.ORDER]).construct()
    later = _dataset([validation], params[Objective.ORDER], like=data).construct()
    found = []
    for objective, own in params.items():
        trees = lightgbm.train(
            own,
            data,
            num_boost_round=config.ranker.rounds,
            valid_sets=[later],
            callbacks=[lightgbm.early_stopping(config.ranker.patience, verbose=False)],
        )
        best = trees.best_iteration or trees.num_trees()
        text = trees.model_to_string(num_iteration=best)
        found.append(Grown(Ranker(text, names=parts[0].names), best, objective))
    return found


def _threads(parts: Sequence[Rows]) -> int:
    return 1 if sum(len(each.bought) for each in parts) < FEW_ROWS else 0


def _dataset(
    parts: Sequence[Rows], params: Mapping[str, Any], *, like: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    told = [each.told_apart() for each in parts]
    return lightgbm.Dataset(
        [each.features for each in told],
        np.concatenate([each.bought for each in told]).astype(np.float32),
        group=np.concatenate([each.size for each in told]),
        feature_name=list(told[0].names),
        reference=like,
        params=dict(params),
        free_raw_data=True,
    )


def _params(config: TrainConfig, goal: Goal, objective: Objective) -> dict[str, Any]:
    own = config.ranker
    params: dict[str, Any] = {
        "objective": objective.value,
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
