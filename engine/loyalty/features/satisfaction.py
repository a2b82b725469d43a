"""What customers say of products and of the service: ratings, scores, and both together."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import DoubleArray
from engine.domain.histories import DAY_MS
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.columns import unknown_columns
from engine.loyalty.features.context import Columns, Context, column, float_sums, sums
from engine.loyalty.features.evidence import answers, mean_of, shown

QUADRANTS = ("loyal", "vulnerable", "potential", "negative")
# Answers to the recommendation question are told from 0 to 10.
NPS_BEST = 10.0

FEATURES: tuple[Feature, ...] = (
    Feature(
        "rating_mean",
        Kind.SHARE,
        "Mean of the customer's ratings of items in the last year, 0 to 1.",
        "rating events",
        "Rates items at {rating_mean:share} of the scale.",
    ),
    Feature(
        "csat",
        Kind.SHARE,
        "Mean answer of the last year on satisfaction with the shop, 0 to 1.",
        "surveys with the question csat",
        "Satisfied with the shop: {csat:share} of the scale.",
    ),
    Feature(
        "nps",
        Kind.NUMBER,
        "Mean answer of the last year on recommending the shop, 0 to 10; a promoter says 9 or 10.",
        "surveys with the question nps",
        "Would recommend the shop: {nps:number} of 10.",
    ),
    Feature(
        "product_satisfaction",
        Kind.SHARE,
        "Satisfaction with products: own ratings, recent ones more (half-life 180 days), and how "
        "little is sent back.",
        "rating events",
        "Satisfied with products: {product_satisfaction:share}; sends back {return_rate:share}.",
    ),
    Feature(
        "relationship_satisfaction",
        Kind.SHARE,
        "Satisfaction with the relation: the mean of satisfaction, recommendation and promises "
        "kept in complaints, of those that are known.",
        "surveys with the questions csat or nps, or complaints and their resolution",
        "Satisfied with the shop itself: {relationship_satisfaction:share}.",
    ),
    Feature(
        "satisfaction_quadrant",
        Kind.CHOICE,
        "Products and relation together: loyal (both good), vulnerable (good products only), "
        "potential (good relation only), negative.",
        "rating events, and surveys or complaints with their resolution",
        choices=QUADRANTS,
        sentences={
            "loyal": "Likes the products ({product_satisfaction:share}) and the shop "
            "({relationship_satisfaction:share}).",
            "vulnerable": "Likes the products ({product_satisfaction:share}), not the shop "
            "({relationship_satisfaction:share}): easily lost.",
            "potential": "Likes the shop ({relationship_satisfaction:share}), not yet the "
            "products ({product_satisfaction:share}).",
            "negative": "Likes neither the products ({product_satisfaction:share}) nor the shop "
            "({relationship_satisfaction:share}).",
        },
    ),
)


def compute(context: Context, known: Columns, service: Columns) -> Columns:
    """Columns of satisfaction; `service` are those of complaints."""
    if not len(context.states.opinions) and not len(context.states.cases):
        return unknown_columns(FEATURES, context)
    rating, ratings = answers(context, "rating")
    csat, scored = answers(context, "csat")
    nps, recommended = answers(context, "nps")
    kept = service["promise_kept"]
    product, evidence = _product(context, known["return_rate"].values)
    relation, _ = mean_of((csat, nps, kept.values))
    cut = context.cuts.config.satisfaction_cut
    # Loyal, vulnerable, potential, negative: 0 to 3.
    quadrant = 2.0 * (product < cut) + 1.0 * (relation < cut)
    quadrant[np.isnan(product) | np.isnan(relation)] = np.nan
    said = scored + recommended + kept.evidence
    return {
        "rating_mean": column(rating, ratings),
        "csat": column(csat, scored),
        "nps": column(nps * NPS_BEST, recommended),
        "product_satisfaction": column(product, evidence),
        "relationship_satisfaction": column(relation, said),
        "satisfaction_quadrant": shown(quadrant, np.minimum(evidence, said), QUADRANTS),
    }


def _product(context: Context, return_rate: DoubleArray) -> tuple[DoubleArray, np.ndarray]:
    """Ratings and returns of products weighted, and the number of ratings it rests on.

    What is sent back says something only beside a rating: nearly everyone keeps nearly everything.
    """
    opinions, config = context.states.opinions, context.cuts.config
    word = context.states.words.index("rating")
    if word < 0 or not len(opinions):
        return context.unknown
    mask = (opinions.topic == word) & ~np.isnan(opinions.value) & (opinions.at <= context.now_ms)
    count = sums(mask, opinions.indptr)
    age = (context.now_ms - opinions.at[mask]) / DAY_MS
    weight = np.exp2(-age / config.satisfaction_half_life)
    row = opinions.row()[mask]
    total = float_sums(weight * opinions.value[mask], row, customers=len(context))
    weights = float_sums(weight, row, customers=len(context))
    rated = np.where(count > 0, total / np.where(weights > 0, weights, 1.0), np.nan)
    both = config.rating_share * rated + (1 - config.rating_share) * (1 - return_rate)
    return np.where(np.isnan(return_rate), rated, both), count
