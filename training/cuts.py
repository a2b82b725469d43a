"""The cuts of a training: fitted on customers as of the end of its data, and on nothing later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.errors import ModelUnavailable
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import Cuts
from engine.loyalty.fit import fit_cuts, fit_value_models
from engine.loyalty.gather import Described
from engine.store.log_reader import ReadLog
from engine.store.model_store import ModelStore
from training.states import states_before
from training.value_health import Trial, taken, try_out, weeks_before


@dataclass(frozen=True)
class Source:
    """What customers are rebuilt from, and how they are measured."""

    log: ReadLog
    catalog: Mapping[str, Described]
    config: LoyaltyConfig


@dataclass(frozen=True)
class FittedCuts:
    """The cuts, and by account type what a look back over the last weeks found of the models."""

    cuts: Cuts
    trials: Mapping[str, Trial]


def cuts_before(
    source: Source,
    *,
    until_ms: int,
    version: str,
    previous: Cuts | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> FittedCuts:
    """The cuts of everything before `until_ms`, and of nothing later.

    `previous` are the live model's: its value models are kept where new ones fail.
    """
    step("customers as of the end of the data")
    states = states_before(
        source.log,
        cut_ms=until_ms,
        catalog=source.catalog,
        exclusive_tags=source.config.exclusive_tags,
    )
    step("value models, and a look back at how they would have done")
    cut_ms = weeks_before(until_ms)
    past = states_before(source.log, cut_ms=cut_ms, catalog={})
    found = try_out(past, states.goods, source.config, cut_ms=cut_ms, previous=previous)
    fitted = fit_value_models(states, source.config, now_ms=until_ms, previous=previous)
    value = taken(fitted, found, states, previous=previous, until_ms=until_ms)
    step("frozen cuts")
    cuts = fit_cuts(states, source.config, now_ms=until_ms, version=version, value=value)
    return FittedCuts(cuts, found)


def live_cuts(store: ModelStore) -> Cuts | None:
    """The cuts of the live model; None when nothing is live, or it has none or is unreadable."""
    try:
        version = store.current_version()
        return None if version is None else store.load(version).cuts
    except ModelUnavailable:
        return None
