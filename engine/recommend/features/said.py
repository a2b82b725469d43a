"""Features of what the scorers say of a pair, as it is and beside the customer's other items."""

from __future__ import annotations

import numpy as np

from engine.domain.arrays import FloatArray
from engine.models.pairs import Pairs
from engine.recommend.features.asked import Asked, Columns


def said_columns(asked: Asked) -> Columns:
    """For each scorer its score, its share of the customer's highest, and its rank from 0."""
    out: Columns = {}
    for name, scores in asked.said.items():
        out[name] = scores
        out[f"{name}_of_best"] = of_best(scores, asked.pairs)
        out[f"{name}_rank"] = ranks(scores, asked.pairs)
    return out


def of_best(scores: FloatArray, pairs: Pairs) -> FloatArray:
    """Scores over the customer's highest; 0 where the scorer cannot say, or says nothing good."""
    known = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
    highest = highest_of(known, pairs)[pairs.row()]
    out = np.zeros_like(known)
    np.divide(known, highest, out=out, where=highest > 0)
    return out


def highest_of(scores: FloatArray, pairs: Pairs) -> FloatArray:
    """Each customer's highest score, shape (customers,), 0 for none above it."""
    highest = np.zeros(pairs.customers, dtype=np.float32)
    filled = np.flatnonzero(np.diff(pairs.indptr))
    if len(filled):
        highest[filled] = np.maximum(np.maximum.reduceat(scores, pairs.indptr[filled]), 0)
    return highest


def ranks(scores: FloatArray, pairs: Pairs) -> FloatArray:
    """The rank of each pair among the customer's, best first from 0; NaN where it has no score."""
    out = np.full(len(scores), np.nan, dtype=np.float32)
    known = np.flatnonzero(np.isfinite(scores))
    if len(known):
        # Two stable sorts rather than one by three keys: pairs stand by customer and item.
        row = pairs.row()[known]
        order = np.argsort(-scores[known], kind="stable")
        order = order[np.argsort(row[order].astype(np.int32), kind="stable")]
        count = np.bincount(row, minlength=pairs.customers)
        out[known[order]] = np.arange(len(known)) - (np.cumsum(count) - count).repeat(count)
    return out
