"""From scorers to one score for each candidate: the ranker's, or else the blend's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.models.scores import Scores
from engine.recommend.blend import Blended, blend
from engine.recommend.features.asked import Asked
from engine.recommend.features.matrix import columns, matrix


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


def ask(model: Model, query: Query) -> dict[str, Scores]:
    """What every scorer says of the customers, worked out only as far as it is read."""
    return {name: scorer.score(query) for name, scorer in model.scorers.items()}


def score(
    model: Model, query: Query, pairs: Pairs, scores: Mapping[str, Scores], *, goal: Goal
) -> Scored:
    """One score for each pair, for a goal."""
    said = {name: each.at(pairs) for name, each in scores.items()}
    blended = blend(said, pairs, weights=model.weights(goal))
    total = blended.total
    ranker, ranking = model.ranker(goal), model.ranking
    if ranker is not None and ranking is not None:
        known = columns(asked_of(model, query, pairs, said))
        ranked = ranker.rank(matrix(known, ranker.names, rows=len(pairs)))
        # The trees have only ever seen customers with a past.
        total = np.where(_with_past(query)[pairs.row()], ranked, total)
    return Scored(query, pairs, said, blended, total)


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


def _with_past(query: Query) -> BoolArray:
    histories = query.histories
    known = np.bincount(histories.row()[histories.item >= 0], minlength=len(query))
    with_past: BoolArray = known > 0
    return with_past
