"""From scorers to one score for each candidate: the ranker's, or else the blend's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.models.ranker import Ranker
from engine.models.scores import Scores
from engine.recommend.blend import Blended, blend
from engine.recommend.features.asked import Asked
from engine.recommend.features.matrix import columns, matrix
from engine.recommend.features.said import said_columns, shares_of


@dataclass(frozen=True)
class Scored:
    """Candidates of a block of customers.

    `total` (pairs,) is what the list goes by; `said` what each scorer said, NaN where nothing;
    `blended` the scorers' shares, by which an item's source is named.
    """

    query: Query
    pairs: Pairs
    said: Mapping[str, FloatArray]
    blended: Blended
    total: FloatArray


@dataclass(frozen=True)
class Anew:
    """Pairs with what each scorer says of them, of which only the `few` (pairs,) need a score.

    What is said of the customer's other pairs has a part in the score of each.
    """

    query: Query
    pairs: Pairs
    said: Mapping[str, FloatArray]
    few: BoolArray


def ask(model: Model, query: Query) -> dict[str, Scores]:
    """What every scorer says of the customers, worked out only as far as it is read."""
    return {name: scorer.score(query) for name, scorer in model.scorers.items()}


def score(
    model: Model, query: Query, pairs: Pairs, scores: Mapping[str, Scores], *, goal: Goal
) -> Scored:
    """One score for each pair, for a goal."""
    said = {name: each.at(pairs) for name, each in scores.items()}
    shares = shares_of(said, pairs)
    blended = blend(shares, pairs, weights=model.weights(goal))
    total = blended.total
    ranker = model.ranker(goal)
    if ranker is not None:
        asked = replace(asked_of(model, query, pairs, said), shares=shares, names=ranker.used)
        total = _ranked(ranker, asked, total)
    return Scored(query, pairs, said, blended, total)


def rescored(model: Model, anew: Anew, *, goal: Goal) -> FloatArray:
    """The scores of the few, shape (few,), as `score` would give them among all the pairs."""
    pairs, few = anew.pairs, anew.few
    shares = shares_of(anew.said, pairs)
    blended = blend(shares, pairs, weights=model.weights(goal)).total[few]
    ranker = model.ranker(goal)
    if ranker is None:
        return blended
    asked = replace(asked_of(model, anew.query, pairs, anew.said), shares=shares, names=ranker.used)
    heard = {name: values[few] for name, values in said_columns(asked).items()}
    return _ranked(ranker, replace(asked, pairs=pairs.where(few), heard=heard), blended)


def asked_of(model: Model, query: Query, pairs: Pairs, said: Mapping[str, FloatArray]) -> Asked:
    """What the features of the pairs are worked out from; the model must have a ranking."""
    if model.ranking is None:
        raise ValueError(f"model {model.version} has no item statistics")
    return Asked(
        query=query,
        pairs=pairs,
        said=said,
        statistics=model.ranking.statistics,
        assortment=model.assortment,
        horizon_days=model.ranking.horizon_days,
        cuts=model.cuts if model.ranking.loyalty else None,
        facts=model.facts,
    )


def _ranked(ranker: Ranker, asked: Asked, blended: FloatArray) -> FloatArray:
    """The trees' scores; of customers without a past, whom trees have never seen, the blend."""
    bounds = asked.query.bought.pairs.indptr
    past = bounds[1:] > bounds[:-1]
    total = ranker.rank(matrix(columns(asked), ranker.names, rows=len(asked.pairs)))
    return total if past.all() else np.where(past[asked.row], total, blended)
