"""Features of what the scorers say of a pair, as it is and beside the customer's other items."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.domain.arrays import FloatArray
from engine.models.ordering import best_first
from engine.models.pairs import Pairs
from engine.recommend.features.asked import Asked, Columns

# Scores ranked at a time: of a lone customer those of all scorers.
TOGETHER = 2**16


def said_columns(asked: Asked) -> Columns:
    """For each scorer its score, its share of the customer's highest, and its rank from 0."""
    if asked.heard is not None:
        return dict(asked.heard)
    shares = shares_of(asked.said, asked.pairs) if asked.shares is None else asked.shares
    out: Columns = {}
    for name, scores in asked.said.items():
        out[name] = scores
        out[f"{name}_of_best"] = shares[name]
    named = [name for name in asked.said if asked.wanted([_rank(name)])]
    return out | _ranks({name: asked.said[name] for name in named}, asked.pairs)


def _rank(name: str) -> str:
    return f"{name}_rank"


def _ranks(said: Mapping[str, FloatArray], pairs: Pairs) -> Columns:
    if not said or len(said) * len(pairs) > TOGETHER:
        return {_rank(name): ranks(scores, pairs) for name, scores in said.items()}
    together = ranks(np.stack(list(said.values())), pairs)
    return dict(zip(map(_rank, said), together, strict=True))


def shares_of(said: Mapping[str, FloatArray], pairs: Pairs) -> Columns:
    """What each scorer says over the most it says of any of the customer's pairs (`of_best`)."""
    if not said:
        return {}
    shares = of_best(np.stack(list(said.values())), pairs)
    return dict(zip(said, shares, strict=True))


def of_best(scores: FloatArray, pairs: Pairs) -> FloatArray:
    """Scores over the customer's highest, shape (..., pairs).

    0 where the scorer cannot say, or says nothing good.
    """
    known: FloatArray = np.where(np.isfinite(scores), scores, np.float32(0))
    if pairs.customers == 1:
        highest = known.max(axis=-1, keepdims=True, initial=0)
    else:
        highest = highest_of(known, pairs).take(pairs.row(), axis=-1)
    out = np.zeros_like(known)
    np.divide(known, highest, out=out, where=highest > 0)
    return out


def highest_of(scores: FloatArray, pairs: Pairs) -> FloatArray:
    """Each customer's highest score, shape (..., customers), 0 for none above it."""
    highest = np.zeros((*scores.shape[:-1], pairs.customers), dtype=np.float32)
    filled = (pairs.indptr[1:] > pairs.indptr[:-1]).nonzero()[0]
    if len(filled):
        best = np.maximum.reduceat(scores, pairs.indptr[filled], axis=-1)
        highest[..., filled] = np.maximum(best, 0)
    return highest


def ranks(scores: FloatArray, pairs: Pairs) -> FloatArray:
    """The rank of each pair among the customer's, best first from 0, shape (..., pairs).

    NaN where it has no score.
    """
    count = len(pairs)
    sayings = scores.size // count if count else 0
    known = np.isfinite(scores)
    # Each saying has customers of its own: all of them are put in order at once.
    row = (pairs.row() + np.arange(0, sayings * pairs.customers, pairs.customers)[:, None]).ravel()
    start = (pairs.indptr[:-1] + np.arange(0, sayings * count, count)[:, None]).ravel()
    order = best_first(row, scores.ravel(), rows=sayings * pairs.customers)
    out = np.empty(scores.size, dtype=np.float32)
    out[order] = np.arange(len(order)) - start[row]
    out[~known.ravel()] = np.nan
    return out.reshape(scores.shape)
