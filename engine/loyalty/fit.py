"""The cuts of a training: every number of the population that features refer to, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import numpy as np

from engine.domain.arrays import DoubleArray
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.feature import Column
from engine.loyalty.features.accounts import ACCOUNTS, value_type
from engine.loyalty.features.context import Columns, Context
from engine.loyalty.features.registry import GROUPS, SCALED, STANDARDISED, Group
from engine.loyalty.features.value import repeat_value, repeats_of
from engine.loyalty.features.wallet import fit_wallet
from engine.loyalty.population import Gaps, median_gap, win_backs
from engine.loyalty.rfm import fit_rfm_cuts, rfm_values
from engine.loyalty.states import States
from engine.loyalty.value.empirical import Empirical
from engine.loyalty.value.fitting import LeavingModel, fit, fit_gamma_gamma
from engine.loyalty.value.gamma_gamma import Spend
from engine.loyalty.value.health import too_little_data
from engine.loyalty.value.manifest import to_plain
from engine.loyalty.value.repeats import Repeats
from engine.loyalty.value_models import Fitted

# A scale of more values is kept as so many quantiles.
GRID = 1_001
# The scales of more customers are taken from so many, evenly spaced by id: a quantile of theirs is
# within a fifth of a percent of everybody's.
SCALED_CUSTOMERS = 100_000


def fit_cuts(
    states: States,
    config: LoyaltyConfig,
    *,
    now_ms: int,
    version: str = "",
    previous: Cuts | None = None,
    value: Mapping[str, ValueModels] | None = None,
) -> Cuts:
    """The cuts of the customers as of `now_ms`, equal in whatever order they come.

    `previous` lends its value models where these customers are too few to fit any; with `value`
    these models are taken, and none are fitted.
    """
    cuts = Cuts(as_of_ms=now_ms, rfm=Cuts.untrained(config).rfm, config=config, version=version)
    context = Context.of(states, cuts, now_ms=now_ms)
    values = rfm_values(context.goods, now_ms=now_ms, window_days=config.rfm_window)
    cycle, gaps = _cycle(context)
    cuts = msgspec.structs.replace(cuts, rfm=fit_rfm_cuts(values), cycle=cycle, gaps=gaps)
    context = replace(context, cuts=cuts)
    cuts = msgspec.structs.replace(
        cuts,
        value=_value_models(context, previous) if value is None else dict(value),
        win_back=win_backs(Gaps.of(context), config),
        wallet=fit_wallet(context),
    )
    return _with_scales(_sampled(states), cuts)


def fit_value_models(
    states: States, config: LoyaltyConfig, *, now_ms: int, previous: Cuts | None = None
) -> dict[str, ValueModels]:
    """The value models of the customers as of `now_ms` by account type, as `fit_cuts` takes them.

    `previous` is where the search begins, and lends its models where customers are too few.
    """
    cuts = Cuts(as_of_ms=now_ms, rfm=Cuts.untrained(config).rfm, config=config)
    return _value_models(Context.of(states, cuts, now_ms=now_ms), previous)


def _cycle(context: Context) -> tuple[float, int]:
    """The population's days between orders, and how many gaps that ended they are taken from.

    Of gaps that a repeat order began: many customers order once and never again, which says
    nothing of the rhythm of those who do.
    """
    config, gaps = context.cuts.config, Gaps.of(context, after_repeats=True)
    ended = int(gaps.ended.sum())
    if ended < config.cycle_minimum_gaps:
        return config.cycle_fallback, ended
    return max(median_gap(gaps), 1.0), ended


def _value_models(context: Context, previous: Cuts | None) -> dict[str, ValueModels]:
    """Models of all customers together, and of each account type with enough repeat buyers."""
    config, lent = context.cuts.config, previous.value if previous else {}
    buyers = np.flatnonzero(context.n > 0)
    # In one order whatever order the customers come in, for sums are equal only then.
    data, money = repeats_of(context, buyers), repeat_value(context)[buyers]
    order = np.lexsort((money, data.age, data.recency, data.frequency))
    data, money, types = data.where(order), money[order], value_type(context)[buyers][order]
    if too_little_data(data):
        return lent or {POOLED: ValueModels(to_plain(Empirical.of(data)))}
    models = {POOLED: _models(data, money, config, lent.get(POOLED))}
    for number, name in enumerate(ACCOUNTS):
        own = types == number
        many = int((data.frequency[own] > 0).sum()) >= config.repeat_buyers_a_type
        # A single type for all customers has the pooled models anyway.
        if many and not own.all() and not too_little_data(data.where(own)):
            models[name] = _models(data.where(own), money[own], config, models[POOLED])
    return models


def _models(
    data: Repeats, money: DoubleArray, config: LoyaltyConfig, start: ValueModels | None
) -> ValueModels:
    known = Fitted.restored(start) if start else None
    begin = known.repeat if known and isinstance(known.repeat, LeavingModel) else None
    repeat = fit(config.repeat_model, data, start=begin)
    spend = fit_gamma_gamma(Spend(data.frequency, money), start=known.spend if known else None)
    return ValueModels(to_plain(repeat.model), to_plain(spend.model), len(data))


def _sampled(states: States) -> States:
    if len(states) <= SCALED_CUSTOMERS:
        return states
    by_id = sorted(range(len(states)), key=states.customers.__getitem__)
    places = np.arange(SCALED_CUSTOMERS) * len(states) // SCALED_CUSTOMERS
    return states.take(np.asarray(by_id, dtype=np.int64)[places])


def _with_scales(states: States, cuts: Cuts) -> Cuts:
    """The cuts with scales, moments and the top margin, fitted group after group."""
    context = Context.of(states, cuts, now_ms=cuts.as_of_ms)
    known: Columns = {}
    for group in GROUPS:
        columns = group.compute(context, known)
        for fitted in (_scales, _moments, _top_margin):
            changes = fitted(context, columns)
            if not changes:
                continue
            context = replace(context, cuts=msgspec.structs.replace(context.cuts, **changes))
            # A group that asked for scales of its own may say something else by them.
            if _asked(group) & set(columns):
                columns = group.compute(context, known)
        known.update(columns)
    return context.cuts


def _asked(group: Group) -> set[str]:
    return {*getattr(group, "SCALED", ()), *getattr(group, "STANDARDISED", ())}


def _sorted(column: Column, context: Context) -> DoubleArray:
    """The known values of customers with an order, rising."""
    return np.sort(column.values[column.known & (context.n > 0)])


def _scales(context: Context, columns: Columns) -> dict[str, dict[str, tuple[float, ...]]]:
    """The cuts' scales with those of the columns that have to have one; nothing if none do."""
    found = {name: _sorted(columns[name], context) for name in sorted(SCALED & set(columns))}
    scales = {
        name: np.quantile(values, np.linspace(0, 1, GRID), method="inverted_cdf")
        if values.shape[0] > GRID
        else values
        for name, values in found.items()
    }
    held = {name: tuple(values.tolist()) for name, values in scales.items()}
    return {"scales": {**context.cuts.scales, **held}} if held else {}


def _moments(context: Context, columns: Columns) -> dict[str, dict[str, tuple[float, float]]]:
    """The cuts' moments with those of the columns that have to have them; nothing if none do."""
    found = {name: _sorted(columns[name], context) for name in sorted(STANDARDISED & set(columns))}
    held = {
        name: (float(values.mean()), float(values.std()))
        for name, values in found.items()
        if values.shape[0]
    }
    return {"moments": {**context.cuts.moments, **held}} if held else {}


def _top_margin(context: Context, columns: Columns) -> dict[str, float]:
    """From which margin of 12 months a customer is among the top ones, when the margin is here."""
    if "margin_12m" not in columns:
        return {}
    values, share = _sorted(columns["margin_12m"], context), context.cuts.config.top_margin_share
    if not values.shape[0]:
        return {}
    return {"top_margin": float(np.quantile(values, 1 - share, method="inverted_cdf"))}
