"""Exact top k of factor scores beside `implicit`'s own `recommend`, from the same factors.

python -m tests.benchmarks.bench_factors [--small]
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from threadpoolctl import threadpool_limits

from engine.domain.arrays import FloatArray
from engine.domain.histories import DAY_MS, Histories
from engine.domain.ids import IdTable
from engine.models.als import Als
from engine.models.factor_scores import FactorScores
from engine.models.item_factors import ItemFactors
from engine.models.pairs import Pairs
from tests.benchmarks.report import is_small, machine, ratio, show, table
from training.fitting.als import AlsConfig, fit_als
from training.history import Purchases

RANK = 64
LINES = 40
TASTES = 100
DAYS = 200
MOSTS = (10, 100)
# What sweeps add to the fit changes nothing of the time to search.
CONFIG = AlsConfig(factors=RANK, iterations=5)


@dataclass(frozen=True)
class Size:
    """How large the shop is, how many customers are asked about at once, and how often."""

    customers: int
    items: int
    block: int
    times: int


@dataclass(frozen=True)
class Shop:
    """Who bought what, and factors of them all."""

    own: FloatArray
    items: FloatArray
    bought: sparse.csr_matrix


def zipf_purchases(size: Size, rng: np.random.Generator) -> Purchases:
    """Customers of a hundred tastes; in each a few items sell most, as Zipf's law has it."""
    lines = size.customers * LINES
    taste = np.arange(size.customers).repeat(LINES) % TASTES
    shelf = size.items // TASTES
    popularity = 1 / np.arange(1, shelf + 1)
    rank = rng.choice(shelf, size=lines, p=popularity / popularity.sum())
    # One in five is bought out of taste.
    taste = np.where(rng.random(lines) < 0.2, rng.integers(TASTES, size=lines), taste)
    day = np.sort(rng.integers(DAYS, size=(size.customers, LINES)), axis=1).ravel()
    return Purchases(
        customers=_histories(size.customers, rank * TASTES + taste, day),
        guests=_histories(0, rank[:0], day[:0]),
        items=IdTable(f"i{item}" for item in range(size.items)),
        until_ms=DAYS * DAY_MS,
    )


def _histories(customers: int, item: np.ndarray, day: np.ndarray) -> Histories:
    lines = item.size
    return Histories(
        customers=tuple(f"c{row}" for row in range(customers)),
        indptr=np.arange(customers + 1, dtype=np.int64) * LINES,
        item=item.astype(np.int32),
        order=np.arange(lines, dtype=np.int64),
        at=day.astype(np.int64) * DAY_MS,
        units=np.ones(lines, dtype=np.float32),
        value=np.full(lines, 100, dtype=np.int64),
        discount=np.zeros(lines, dtype=np.int64),
    )


def milliseconds(works: Sequence[Callable[[], object]], *, times: int) -> list[float]:
    """Median milliseconds of each work, all of them in turn; the first round is not counted."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(times + 1):
        for own, work in zip(taken, works, strict=True):
            began = time.perf_counter()
            work()
            own.append(time.perf_counter() - began)
    return [1000 * median(own[1:]) for own in taken]


def compared(name: str, shop: Shop, *, customers: int, most: int, times: int) -> list[str]:
    """The row of one question, asked of both."""
    own, bought = shop.own[:customers], shop.bought[:customers]
    scores = FactorScores(own, ItemFactors.from_items(shop.items))
    without = Pairs(bought.indptr.astype(np.int64), bought.indices)
    library = AlternatingLeastSquares(factors=RANK, num_threads=os.cpu_count() or 1)
    library.user_factors, library.item_factors = own, shop.items
    who = np.arange(customers)

    def ours() -> Pairs:
        return scores.best(most, without=without)

    def theirs() -> np.ndarray:
        return library.recommend(who, bought, N=most, filter_already_liked_items=True)[0]

    def theirs_with_blas_threads() -> np.ndarray:
        with threadpool_limits(os.cpu_count(), user_api="blas"):
            return theirs()

    ours_ms, *theirs_ms = milliseconds([ours, theirs, theirs_with_blas_threads], times=times)
    best = min(theirs_ms)
    return [
        f"{name}, best {most} of {len(shop.items):,} for {customers:,}",
        f"{ours_ms:.2f}",
        f"{best:.2f}",
        ratio(best, ours_ms),
        f"{agreement(ours(), theirs()):.2%}",
    ]


def agreement(ours: Pairs, theirs: np.ndarray) -> float:
    """The share of our items that are among theirs."""
    width = int(max(ours.item.max(), theirs.max())) + 1
    row = np.arange(len(theirs)).repeat(theirs.shape[1])
    return float(np.isin(ours.keys(items=width), row * width + theirs.ravel()).mean())


def folded_in(als: Als, customers: Histories, *, times: int) -> list[list[str]]:
    """Rows of customers' factors from their histories, one and a block."""
    rows = []
    for count in (1, len(customers)):
        confidence = als.confidence(customers.take(np.arange(count)))
        (taken,) = milliseconds([lambda given=confidence: als.fold_in(given)], times=times)
        rows.append([f"fold-in of {count:,}, {LINES} lines each", f"{taken:.2f}", "-", "-", "-"])
    return rows


def measure(size: Size) -> list[list[str]]:
    """All rows."""
    rng = np.random.default_rng(5)
    purchases = zipf_purchases(size, rng)
    als = fit_als(purchases, config=CONFIG, seed=1)
    block = purchases.customers.take(np.arange(size.block))
    bought = als.confidence(block)
    shops = {
        "fitted": Shop(als.fold_in(bought), als.items.by_item(), bought),
        "random": Shop(
            rng.normal(size=(size.block, RANK)).astype(np.float32),
            rng.normal(size=(size.items, RANK)).astype(np.float32),
            bought,
        ),
    }
    return [
        compared(name, shop, customers=customers, most=most, times=size.times)
        for name, shop in shops.items()
        for customers in (1, size.block)
        for most in MOSTS
    ] + folded_in(als, block, times=size.times)


def main() -> None:
    """Measure and print."""
    small = is_small(__doc__)
    show(machine())
    size = Size(200, 3_000, 50, 2) if small else Size(30_000, 100_000, 1_000, 11)
    # As a server's worker runs: one BLAS thread; `implicit` gets all where it is faster so.
    with threadpool_limits(1, user_api="blas"):
        rows = measure(size)
    show(f"\n{RANK} factors, what was bought left out; factors fitted to Zipf, and random ones\n")
    show(table(["question", "ms", "implicit, ms", "times faster", "same items"], rows))


if __name__ == "__main__":
    main()
