"""Fitting item factors with `implicit`, from nothing or from the factors of a day ago."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import msgspec
import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from engine.domain.arrays import FloatArray
from engine.domain.ids import MISSING, IdTable
from engine.models.als import Als, confidences
from training.history import Purchases

ALL_CORES = 0  # as the library counts
# Factors start at random between 0 and this, as the library's own do.
START = np.float32(0.01)


class AlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Matrix factorisation: rank, confidence, regularisation, sweeps, how fast tastes fade.

    `regularization` counts in `noise_level`s, so that one number suits shops of any size.
    `warm_iterations` are the sweeps that do when starting from a previous model's factors.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "factors": (1, 512),
        "alpha": (0.01, 1_000),
        "regularization": (0.001, 10),
        "iterations": (1, 100),
        "warm_iterations": (1, 100),
        "half_life_days": (0.01, 10**9),
    }

    factors: int = 64
    alpha: float = 2.0
    regularization: float = 0.6
    iterations: int = 15
    warm_iterations: int = 5
    half_life_days: float = 60.0


@dataclass(frozen=True)
class Warm:
    """Where a fit starts from: a previous model's factors, (items, rank), and its items."""

    factors: FloatArray
    items: IdTable

    @classmethod
    def of(cls, als: Als, items: IdTable) -> Warm:
        """The factors of a model and the table its items are positions in."""
        return cls(als.items.by_item(), items)


def fit_als(
    purchases: Purchases, *, config: AlsConfig, seed: int, previous: Warm | None = None
) -> Als:
    """Item factors from `implicit`, given confidences 1 + alpha x weight.

    With a `previous` model of the same rank the fit starts where that one ended and takes
    `warm_iterations`; one of another rank is of no use and is passed over. Equal input and
    seed give equal factors.
    """
    certain = confidences(
        purchases.customers,
        items=len(purchases.items),
        alpha=config.alpha,
        half_life_days=config.half_life_days,
    )
    penalty = config.regularization * noise_level(certain)
    # BLAS threads beside the library's own make it ten times slower.
    with threadpool_limits(limits=1, user_api="blas"):
        model = _model(config, penalty, seed)
        if previous is not None and previous.factors.shape[1] == config.factors:
            _start(model, certain, realigned(previous, purchases.items, seed=seed))
            model.iterations = config.warm_iterations
        model.fit(certain, show_progress=False)
        return Als.of(
            np.asarray(model.item_factors, dtype=np.float32),
            alpha=config.alpha,
            regularization=penalty,
            half_life_days=config.half_life_days,
        )


def noise_level(certain: sparse.csr_matrix) -> float:
    """The largest singular value to expect of such confidences if they meant nothing.

    Of a matrix of independent entries with these squares, over the customers and items that have
    any: the root of a row's sum of squares plus that of a column's (Latala 2005). Regularising
    both sides thresholds singular values at the penalty, so this is the scale on which it tells
    taste from chance (Candes & Plan 2010, "Matrix completion with noise", section III). 1 for a
    matrix without entries.
    """
    if not certain.nnz:
        return 1.0
    squares = float(np.square(certain.data, dtype=np.float64).sum())
    customers = np.count_nonzero(np.diff(certain.indptr))
    items = np.count_nonzero(np.bincount(certain.indices))
    return float(np.sqrt(squares / customers) + np.sqrt(squares / items))


def realigned(previous: Warm, items: IdTable, *, seed: int) -> FloatArray:
    """Factors to start the given items from, shape (items, rank).

    An item the previous model knew starts where it was, whatever its position then; one it did
    not know starts small and random. Items that are gone are dropped.
    """
    rng = np.random.default_rng(seed)
    rank = previous.factors.shape[1]
    factors: FloatArray = rng.random((len(items), rank), dtype=np.float32) * START
    before = previous.items.indices(items.ids)
    factors[before != MISSING] = previous.factors[before[before != MISSING]]
    return factors


def _model(config: AlsConfig, penalty: float, seed: int) -> AlternatingLeastSquares:
    # The library takes the value as the confidence itself, so its own alpha stays 1. Of seeds it
    # takes an int alone: a RandomState fails, and a Generator cannot be loaded again.
    return AlternatingLeastSquares(
        factors=config.factors,
        regularization=penalty,
        alpha=1.0,
        iterations=config.iterations,
        num_threads=ALL_CORES,
        random_state=seed,
    )


def _start(model: AlternatingLeastSquares, certain: sparse.csr_matrix, factors: FloatArray) -> None:
    # The library goes on from factors it finds without a look at their shapes, and beyond their
    # ends where these are not the matrix's: both are made for this matrix here.
    model.item_factors = factors
    model.user_factors = model.recalculate_user(np.arange(certain.shape[0]), certain)
