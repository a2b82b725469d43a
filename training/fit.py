"""Fitting every scorer on what was held before a cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight
from scipy import sparse
from threadpoolctl import threadpool_limits

from engine.domain.arrays import FloatArray
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.interactions import interactions
from engine.models.item_item import ItemItem
from engine.models.popularity import Popularity
from engine.models.scorer import Scorer
from training.config import TrainConfig
from training.history import Purchases

ALL_CORES = 0  # as the library counts
# Far longer than any history: every order counts the same.
NO_DECAY_DAYS = 1e9


@dataclass(frozen=True)
class Recipe:
    """What tuning settles: how fast habits fade, and how much each scorer counts."""

    half_life: float
    weights: dict[str, float]


def fit_scorers(purchases: Purchases, *, config: TrainConfig) -> dict[str, Scorer]:
    """All scorers by name, fitted on the purchases; equal input and seed give equal arrays."""
    items = len(purchases.items)
    return {
        Popularity.name: Popularity.fit(
            (purchases.customers, purchases.guests),
            items=items,
            until_ms=purchases.until_ms,
            half_life_days=config.popularity_half_life,
        ),
        PersonalFrequency.name: PersonalFrequency(items=items, half_life_days=config.half_lives[0]),
        Als.name: fit_als(purchases, config=config),
        ItemItem.name: fit_item_item(purchases, config=config),
    }


def fit_als(purchases: Purchases, *, config: TrainConfig) -> Als:
    """Item factors from `implicit`, given confidences 1 + alpha x weight.

    The library takes the value as the confidence itself, so its own alpha stays 1.
    """
    weights = interactions(
        purchases.customers, items=len(purchases.items), half_life_days=config.taste_half_life
    )
    weights.data = 1 + np.float32(config.als.alpha) * weights.data
    # BLAS threads beside the library's own make it ten times slower.
    with threadpool_limits(limits=1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=config.als.factors,
            regularization=config.als.regularization,
            alpha=1.0,
            iterations=config.als.iterations,
            num_threads=ALL_CORES,
            random_state=config.seed,
        )
        model.fit(weights, show_progress=False)
    factors: FloatArray = np.asarray(model.item_factors, dtype=np.float32)
    return Als(
        factors,
        alpha=config.als.alpha,
        regularization=config.als.regularization,
        half_life_days=config.taste_half_life,
    )


def fit_item_item(purchases: Purchases, *, config: TrainConfig) -> ItemItem:
    """BM25-weighted neighbours over customers and guests' orders."""
    items = len(purchases.items)
    baskets = sparse.vstack(
        [
            interactions(part, items=items, half_life_days=NO_DECAY_DAYS)
            for part in (purchases.customers, purchases.guests)
        ],
        format="csr",
    )
    weighted = bm25_weight(baskets.T, K1=config.item_item.k1, B=config.item_item.b).T.tocsr()
    model = ItemItemRecommender(K=config.item_item.neighbours + 1, num_threads=ALL_CORES)
    model.fit(weighted, show_progress=False)
    similarity = model.similarity.astype(np.float32)
    # An item is no neighbour of its own: buying again is another scorer's business.
    similarity.setdiag(0)
    similarity.eliminate_zeros()
    similarity.sort_indices()
    return ItemItem(similarity, half_life_days=config.taste_half_life)
