"""Lists computed in this process, nothing cached: by all scorers and trees, and by ALS alone.

python -m tests.benchmarks.bench_recommend [--small]
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from engine.domain.histories import Histories
from engine.models.als import Als
from engine.models.goals import Goal
from engine.models.model import Model
from engine.recommend.answer import CatalogView, Request
from engine.recommend.recommender import Ranked, Recommender
from tests.benchmarks.fitted_shop import Shop, Size, fitted_shop
from tests.benchmarks.report import is_small, machine, ratio, show, table

VIEW = CatalogView()
HOME = Request()
LISTS = {"home": HOME, "discover": replace(HOME, placement="discover").of_placement()}
# What is asked first pays for tables that a server has long built.
WARM_UP = 5


@dataclass(frozen=True)
class Asking:
    """How many lists are asked for one by one, how many at once, and how often these."""

    singly: int
    at_once: int
    compared: tuple[int, ...]
    times: int


def one_by_one(shop: Shop, recommender: Recommender, *, times: int) -> list[list[str]]:
    """A row for each list: its time, each customer asked about once and no list kept."""
    rows = []
    for name, request in LISTS.items():
        everyone = singles(shop.customers, len(KINDS) * (times + WARM_UP))
        for kind, work in KINDS.items():
            some = islice(everyone, times + WARM_UP)
            taken = [1000 * seconds(work, recommender, own, request) for own in some]
            rows.append(_row(f"{name}, {kind}", taken[WARM_UP:]))
    return rows


def at_once(shop: Shop, recommender: Recommender, asking: Asking) -> list[list[str]]:
    """A row for each list: the time of many customers' lists in one call."""
    rng = np.random.default_rng(2)
    rows = []
    for name, request in LISTS.items():
        for kind, work in KINDS.items():
            taken = []
            for _ in range(asking.times):
                chosen = rng.choice(len(shop.customers), asking.at_once, replace=False)
                taken.append(seconds(work, recommender, shop.customers.take(chosen), request))
            each = min(taken)
            rows.append([f"{name}, {kind}", f"{each:.2f}", f"{asking.at_once / each:,.0f}"])
    return rows


def beside_implicit(shop: Shop, asking: Asking) -> list[list[str]]:
    """Lists by ALS alone, folded in from histories, beside `implicit`'s from the same factors."""
    als = shop.model.scorers[Als.name]
    if not isinstance(als, Als):
        raise TypeError(f"{Als.name} is {type(als).__name__}; the comparison needs factors")
    alone = Model(
        version="als",
        until_ms=shop.model.until_ms,
        items=shop.model.items,
        scorers={Als.name: als},
        blends={Goal.ANY: {Als.name: 1.0}},
        assortment=shop.model.assortment,
    )
    recommender = Recommender(alone, cooldown=timedelta(0))
    return [
        row
        for count in asking.compared
        for row in _compared(recommender, als, shop.customers.take(np.arange(count)), asking.times)
    ]


def _compared(
    recommender: Recommender, als: Als, customers: Histories, times: int
) -> Iterator[list[str]]:
    confidence = als.confidence(customers)
    library = AlternatingLeastSquares(factors=als.items.rank, num_threads=os.cpu_count() or 1)
    library.user_factors, library.item_factors = als.fold_in(confidence), als.items.by_item()
    who, request = np.arange(len(customers)), LISTS["discover"]

    def ours() -> list[Ranked]:
        return list(ranked_of(recommender, customers, request))

    def theirs(*, fold_in: bool = False) -> np.ndarray:
        return np.asarray(
            library.recommend(who, confidence, N=request.limit, recalculate_user=fold_in)[0]
        )

    own, known = fastest(ours, times=times), fastest(theirs, times=times)
    folded = fastest(lambda: theirs(fold_in=True), times=times)
    same = agreement(np.concatenate([each.lists.item for each in ours()]), theirs())
    for name, taken in (("factors given", known), ("folded in", folded)):
        what = f"{len(customers):,} customers, implicit's {name}"
        yield [what, f"{own:.3f}", f"{taken:.3f}", ratio(taken, own), f"{same:.1%}"]


def agreement(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The share of our items that are among theirs."""
    inside = [np.isin(own, other) for own, other in zip(ours, theirs, strict=True)]
    return float(np.mean(np.concatenate(inside)))


def singles(customers: Histories, count: int) -> Iterator[Histories]:
    """Customers one by one, drawn evenly, none twice where there are enough."""
    rng = np.random.default_rng(1)
    for row in rng.choice(len(customers), count, replace=count > len(customers)):
        yield customers.take([row])


def ranked_of(recommender: Recommender, customers: Histories, request: Request) -> Iterator[Ranked]:
    """The lists, block by block, without reasons."""
    return recommender.rank(customers, request, view=VIEW, now_ms=recommender.model.until_ms)


def rank(recommender: Recommender, customers: Histories, request: Request) -> None:
    """Make lists without reasons."""
    for _ in ranked_of(recommender, customers, request):
        pass


def tell(recommender: Recommender, customers: Histories, request: Request) -> None:
    """Make lists with reasons."""
    recommender.recommend(customers, request, view=VIEW, now_ms=recommender.model.until_ms)


def seconds(work: Callable[..., object], *given: object) -> float:
    """How long the work takes."""
    began = time.perf_counter()
    work(*given)
    return time.perf_counter() - began


def fastest(work: Callable[[], object], *, times: int) -> float:
    """Seconds of the fastest of some times, after one that does not count."""
    work()
    return min(seconds(work) for _ in range(times))


def _row(name: str, taken: list[float]) -> list[str]:
    middle, slow = np.quantile(taken, (0.5, 0.95))
    return [name, f"{middle:.2f}", f"{slow:.2f}", ratio(middle, 5.0)]


KINDS: Mapping[str, Callable[[Recommender, Histories, Request], None]] = {
    "ranked": rank,
    "with reasons": tell,
}


def measure(size: Size, asking: Asking) -> None:
    """Fit, measure and print."""
    began = time.perf_counter()
    shop = fitted_shop(size)
    show(
        f"\n{len(shop.model.items):,} items, {len(shop.customers):,} customers, "
        f"{shop.customers.lines / len(shop.customers):.0f} lines each; "
        f"fitted in {time.perf_counter() - began:.0f} s"
    )
    recommender = Recommender(shop.model, cooldown=timedelta(days=1))
    # As a server's worker runs: one BLAS thread.
    with threadpool_limits(limits=1, user_api="blas"):
        headings = ["one list", "median ms", "p95 ms", "to 5 ms"]
        show("\n" + table(headings, one_by_one(shop, recommender, times=asking.singly)))
        headings = [f"{asking.at_once:,} lists at once", "seconds", "customers/s"]
        show("\n" + table(headings, at_once(shop, recommender, asking)))
        headings = ["ALS alone, new items", "seconds", "implicit's", "ratio", "the same items"]
        show("\n" + table(headings, beside_implicit(shop, asking)))


def main() -> None:
    """Measure and print."""
    small = is_small(__doc__)
    show(machine())
    if small:
        measure(Size(400, 1_500, 8_000, 100, 10), Asking(5, 20, (20,), 1))
    else:
        measure(
            Size(20_000, 100_000, 1_000_000, 2_000, 150), Asking(200, 1_000, (1_000, 10_000), 3)
        )


if __name__ == "__main__":
    main()
