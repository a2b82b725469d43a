"""One customer's list computed in this process, beside the matrix product it cannot do without.

python -m tests.benchmarks.bench_recommend [--small]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from engine.domain.assortment import Assortment
from engine.domain.histories import DAY_MS, Histories, NetLine, histories_of
from engine.domain.ids import IdTable
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.item_item import ItemItem
from engine.models.model import Model
from engine.models.popularity import Popularity
from engine.recommend.answer import CatalogView, Request
from engine.recommend.recommender import Recommender
from tests.benchmarks.report import is_small, machine, ratio, show, table
from tests.builders import DAY_ZERO_MS

FACTORS = 64
NEIGHBOURS = 100
ORDERS, LINES = 30, 5
NOW_MS = DAY_ZERO_MS + 400 * DAY_MS
VIEW = CatalogView()
REQUEST = Request()


def a_large_model(items: int, rng: np.random.Generator) -> Model:
    """A model of the usual four scorers over a catalogue, its arrays random."""
    near = sparse.csr_matrix(
        (
            rng.random(items * NEIGHBOURS, dtype=np.float32),
            rng.integers(items, size=items * NEIGHBOURS, dtype=np.int32),
            np.arange(items + 1, dtype=np.int64) * NEIGHBOURS,
        ),
        shape=(items, items),
    )
    factors = rng.normal(size=(items, FACTORS)).astype(np.float32)
    return Model(
        version="bench",
        until_ms=NOW_MS,
        items=IdTable(f"i{number}" for number in range(items)),
        scorers={
            "popularity": Popularity(rng.random(items, dtype=np.float32), half_life_days=30.0),
            "frequency": PersonalFrequency(items=items, half_life_days=60.0),
            "als": Als.of(factors, alpha=10.0, regularization=0.05, half_life_days=180.0),
            "item_item": ItemItem(near, half_life_days=180.0),
        },
        blends={Goal.ANY: {"frequency": 1.0, "als": 0.2, "item_item": 0.3, "popularity": 0.1}},
        assortment=Assortment.unknown(items),
    )


def histories(model: Model, customers: int, rng: np.random.Generator) -> Histories:
    """Customers with a year of purchases each."""
    named = []
    for customer in range(customers):
        days = np.sort(rng.integers(365, size=ORDERS))
        bought = rng.integers(len(model.items), size=(ORDERS, LINES))
        lines = tuple(
            NetLine(f"o{order}", DAY_ZERO_MS + int(day) * DAY_MS, f"i{item}", 1.0, 100)
            for order, day in enumerate(days)
            for item in sorted(set(bought[order].tolist()))
        )
        named.append((f"c{customer}", lines))
    return histories_of(named, items=model.items)


def median_ms(times: int, work: Callable[[int], object]) -> float:
    """Median milliseconds of the work, told which time it is; the first three are not counted."""
    taken = []
    for number in range(times + 3):
        began = time.perf_counter()
        work(number)
        taken.append(time.perf_counter() - began)
    return 1000 * median(taken[3:])


def measure(items: int, *, times: int, page: int) -> list[str]:
    """The row of one catalogue size."""
    rng = np.random.default_rng(5)
    model = a_large_model(items, rng)
    recommender = Recommender(model, cooldown=timedelta(days=1))
    everyone = histories(model, max(times + 3, page), rng)
    singles = [everyone.take(np.array([row])) for row in range(times + 3)]
    factors = model.scorers["als"].arrays()["item_factors"]
    vectors = rng.normal(size=(times + 3, FACTORS)).astype(np.float32)

    def one(number: int) -> None:
        recommender.recommend(singles[number], REQUEST, view=VIEW, now_ms=NOW_MS)

    def bare(number: int) -> None:
        scores = factors @ vectors[number]
        np.argpartition(scores, -REQUEST.limit)[-REQUEST.limit :]

    own, ceiling = median_ms(times, one), median_ms(times, bare)
    batch = everyone.take(np.arange(page))
    began = time.perf_counter()
    recommender.recommend(batch, REQUEST, view=VIEW, now_ms=NOW_MS)
    rate = page / (time.perf_counter() - began)
    return [f"{items:,}", f"{own:.2f}", f"{ceiling:.3f}", ratio(own, ceiling), f"{rate:,.0f}"]


def main() -> None:
    """Measure and print."""
    small = is_small(__doc__)
    show(machine())
    sizes = [1_000, 3_000] if small else [1_000, 10_000, 100_000]
    # As a server's worker runs: one BLAS thread.
    with threadpool_limits(limits=1):
        rows = [
            measure(each, times=5 if small else 60, page=20 if small else 500) for each in sizes
        ]
    show(
        f"\n{FACTORS} factors, {NEIGHBOURS} neighbours an item, {ORDERS * LINES} lines a customer\n"
    )
    show(
        table(["items", "one list, ms", "bare product, ms", "ratio", "customers/s in batch"], rows)
    )


if __name__ == "__main__":
    main()
