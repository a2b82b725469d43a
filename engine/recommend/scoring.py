"""From scorers to one score for each candidate: the ranker's, or else the blend's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray, LongArray
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.models.scores import Scores
from engine.recommend.blend import Blended, blend, summed
from engine.recommend.features.asked import Asked
from engine.recommend.features.matrix import columns, filled, matrix, moved_columns
from engine.recommend.features.said import said_columns, shares_of


@dataclass(frozen=True)
class Scored:
    """Candidates of a block of customers.

    `total` (pairs,) is what the list goes by; `said` what each scorer said, NaN where nothing;
    `blended` the scorers' shares, by which an item's source is named; `features` (pairs, names)
    what the trees looked at, None where there are none.
    """

    query: Query
    pairs: Pairs
    said: Mapping[str, FloatArray]
    blended: Blended
    total: FloatArray
    features: FloatArray | None = None


@dataclass(frozen=True)
class Anew:
    """Scored pairs under customers who lack a purchase, of whose pairs only a few need a score.

    `picked` (pairs,) are the places of the pairs as they were first scored; `said` is what the
    scorers say otherwise than then, by scorer, shape (pairs,): it has a part in the score of each
    of the customer's pairs. `few`, places in `pairs`, are new to their customers.
    """

    first: Scored
    query: Query
    pairs: Pairs
    picked: LongArray
    said: Mapping[str, FloatArray]
    few: LongArray


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
    ranker = model.ranker(goal)
    if ranker is None:
        return Scored(query, pairs, said, blended, blended.total)
    asked = replace(asked_of(model, query, pairs, said), shares=shares, names=ranker.used)
    features = matrix(columns(asked), ranker.names, rows=len(pairs))
    total = ranker.rank(features)
    past = _past(query)
    if not past.all():
        total = np.where(past[pairs.row()], total, blended.total)
    return Scored(query, pairs, said, blended, total, features)


def rescored(model: Model, anew: Anew, *, goal: Goal) -> FloatArray:
    """The scores of the few, shape (few,), as `score` would give them among all the pairs."""
    shares = shares_of(anew.said, anew.pairs)
    ranker, features = model.ranker(goal), anew.first.features
    if ranker is None or features is None:
        return _blended_anew(anew, shares, weights=model.weights(goal))
    asked = replace(
        asked_of(model, anew.query, anew.pairs, anew.said), shares=shares, names=ranker.used
    )
    heard = {name: values[anew.few] for name, values in said_columns(asked).items()}
    few = replace(asked, pairs=anew.pairs.at(anew.few), heard=heard)
    known = features.T.take(anew.picked[anew.few], axis=1).T
    total = ranker.rank(filled(known, moved_columns(few), ranker.names))
    past = _past(anew.query)
    if past.all():
        return total
    blended = _blended_anew(anew, shares, weights=model.weights(goal))
    return np.where(past[few.row], total, blended)


def _blended_anew(
    anew: Anew, shares: Mapping[str, FloatArray], *, weights: Mapping[str, float]
) -> FloatArray:
    """The blend of the few, shape (few,): what they had, but for the shares that are others."""
    first = anew.picked[anew.few]
    parts = {
        name: shares[name][anew.few] * np.float32(weights[name]) if name in shares else part[first]
        for name, part in anew.first.blended.parts.items()
    }
    return summed(parts, count=len(first))


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


def _past(query: Query) -> BoolArray:
    """Which customers have one, shape (n,): of others, whom trees never saw, the blend counts."""
    bounds = query.bought.pairs.indptr
    past: BoolArray = bounds[1:] > bounds[:-1]
    return past
