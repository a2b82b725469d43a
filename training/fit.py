"""Fitting every scorer on what was held before a cut."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import msgspec
from msgspec.structs import replace
from threadpoolctl import threadpool_limits

from engine.domain.assortment import Assortment
from engine.domain.catalog import Item
from engine.loyalty.cuts import Cuts
from engine.loyalty.fit import fit_cuts, fit_value_models
from engine.loyalty.purchases import facts_of, states_of_purchases
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.item_item import Ease, ItemItem
from engine.models.model import Model, Ranking
from engine.models.neighbours import NeighbourCustomers
from engine.models.popularity import Popularity
from engine.models.repurchase import RepurchaseTiming
from engine.models.scorer import Scorer
from engine.models.sessions import Sessions
from training.config import TrainConfig
from training.fitting.als import Warm, fit_als
from training.fitting.ease import fit_ease
from training.fitting.item_item import fit_item_item
from training.fitting.item_statistics import fit_item_statistics
from training.fitting.neighbours import fit_neighbours
from training.fitting.popularity import fit_popularity
from training.fitting.repurchase import fit_repurchase
from training.fitting.sessions import fit_sessions
from training.history import Purchases


@dataclass(frozen=True)
class Recipe:
    """What tuning settles: how fast habits fade, and how much each scorer counts for a goal."""

    half_life: float
    blends: Mapping[Goal, Mapping[str, float]]


@dataclass(frozen=True)
class Fitted:
    """Everything that is fitted on the purchases before a cut, but the blends and the rankers.

    `seconds` is by scorer how long its fit took.
    """

    purchases: Purchases
    scorers: Mapping[str, Scorer]
    assortment: Assortment
    ranking: Ranking
    config: TrainConfig
    seconds: Mapping[str, float] = field(default_factory=dict)

    def model(self, recipe: Recipe, *, version: str = "evaluation") -> Model:
        """The model that blends the scorers as the recipe says."""
        return Model(
            version=version,
            until_ms=self.purchases.until_ms,
            items=self.purchases.items,
            scorers=with_half_life(self.scorers, recipe.half_life),
            blends=recipe.blends,
            assortment=self.assortment,
            ranking=self.ranking,
            # Without them the rankers see no loyalty features, as with those asked not to.
            cuts=self.cuts if self.ranking.loyalty else None,
        )

    @cached_property
    def cuts(self) -> Cuts:
        """The customer model as of the cut, from purchases alone."""
        return cuts_of(self.purchases, self.assortment, config=self.config)


def fit(
    purchases: Purchases,
    catalog: Mapping[str, Item],
    *,
    config: TrainConfig,
    horizon_days: float,
    warm: Warm | None = None,
) -> Fitted:
    """All scorers and statistics as of the cut; equal input and seed give equal arrays."""
    assortment = Assortment.of(purchases.items, catalog)
    statistics = fit_item_statistics(purchases, assortment, horizon_days=horizon_days)
    basis = Basis(purchases, assortment, config, horizon_days, warm)
    # One BLAS thread throughout: the limit holds for the whole process, so that a fitter that set
    # and reset it by itself would change the rounding of whichever runs beside it.
    with (
        threadpool_limits(limits=1, user_api="blas"),
        ThreadPoolExecutor(max_workers=AT_ONCE) as pool,
    ):
        timed = {name: pool.submit(_timed, each, basis) for name, each in FITTERS.items()}
    scorers = {name: each.result()[0] for name, each in timed.items()}
    seconds = {name: each.result()[1] for name, each in timed.items()}
    return Fitted(
        purchases=purchases,
        scorers=scorers,
        assortment=assortment,
        ranking=Ranking(statistics, horizon_days, loyalty=config.ranker.loyalty),
        config=config,
        seconds=seconds,
    )


@dataclass(frozen=True)
class Basis:
    """What scorers are fitted on, and how."""

    purchases: Purchases
    assortment: Assortment
    config: TrainConfig
    horizon_days: float
    warm: Warm | None = None


def _timed(fitter: Callable[[Basis], Scorer], basis: Basis) -> tuple[Scorer, float]:
    begun = time.perf_counter()
    return fitter(basis), time.perf_counter() - begun


def _frequency(basis: Basis) -> Scorer:
    return PersonalFrequency(
        items=len(basis.purchases.items), half_life_days=basis.config.half_lives[0]
    )


def _repurchase(basis: Basis) -> Scorer:
    timing = replace(basis.config.repurchase, horizon_days=basis.horizon_days)
    return fit_repurchase(basis.purchases, basis.assortment, config=timing)


def _als(basis: Basis) -> Scorer:
    config = basis.config
    return fit_als(basis.purchases, config=config.als, seed=config.seed, previous=basis.warm)


# Fitted side by side; more would hold more at once in memory.
AT_ONCE = 2
# How each scorer is fitted, by name, the longest first, so that all end together. A scorer that
# has a table of the configuration has its name.
FITTERS: Mapping[str, Callable[[Basis], Scorer]] = MappingProxyType(
    {
        Ease.name: lambda basis: fit_ease(basis.purchases, config=basis.config.ease),
        Popularity.name: lambda basis: fit_popularity(
            basis.purchases, config=basis.config.popularity
        ),
        PersonalFrequency.name: _frequency,
        RepurchaseTiming.name: _repurchase,
        NeighbourCustomers.name: lambda basis: fit_neighbours(
            basis.purchases, config=basis.config.neighbours
        ),
        Als.name: _als,
        ItemItem.name: lambda basis: fit_item_item(basis.purchases, config=basis.config.item_item),
        Sessions.name: lambda basis: fit_sessions(basis.purchases, config=basis.config.sessions),
    }
)


def with_half_life(scorers: Mapping[str, Scorer], half_life: float) -> dict[str, Scorer]:
    """The scorers with habits fading so fast."""
    frequency = scorers[PersonalFrequency.name]
    params = {**frequency.params(), "half_life_days": half_life}
    return {**scorers, PersonalFrequency.name: PersonalFrequency.restore({}, params)}


def cuts_of(purchases: Purchases, assortment: Assortment, *, config: TrainConfig) -> Cuts:
    """The customer model as of the cut, from purchases alone."""
    states = states_of_purchases(purchases.customers, facts_of(purchases.items, assortment))
    now_ms = purchases.until_ms
    value = fit_value_models(states, config.loyalty, now_ms=now_ms)
    return fit_cuts(states, config.loyalty, now_ms=now_ms, version="", value=value)


def fitted_alike(one: TrainConfig, other: TrainConfig) -> bool:
    """Whether two configurations fit the same scorers."""
    return all(
        msgspec.to_builtins(getattr(one, name)) == msgspec.to_builtins(getattr(other, name))
        for name in FITTED_BY
    )


FITTED_BY = (
    "popularity",
    "repurchase",
    "neighbours",
    "als",
    "item_item",
    "ease",
    "sessions",
    "loyalty",
    "seed",
)
