"""Whether the value models of a training may be used: a look back over the last weeks.

Models fitted on what was known some weeks ago say what customers would do; what they then did
decides. Models that fail are replaced by the live model's, or by the plainest there is, and those
of an account type by everybody's; unless the others did no better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import msgspec
import numpy as np

from engine.domain.arrays import DoubleArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.features.accounts import ACCOUNTS, value_type
from engine.loyalty.features.context import Context
from engine.loyalty.features.value import repeat_value, repeats_of
from engine.loyalty.fit import fit_value_models
from engine.loyalty.states import States
from engine.loyalty.value.empirical import Empirical
from engine.loyalty.value.fitting import plain_spend
from engine.loyalty.value.gamma_gamma import Spend
from engine.loyalty.value.health import Health, Holdout, backtest, too_little_data
from engine.loyalty.value.manifest import to_plain
from engine.loyalty.value.repeats import Repeats
from engine.loyalty.value_models import Fitted
from training.holdout import Aftermath, aftermath

WEEKS = 13
# Where models come from, in the order in which they are preferred.
FITTED, PREVIOUS, PLAIN = "fitted", "previous", "plain"


@dataclass(frozen=True)
class Trial:
    """What was found of one account type: whose models are taken, and how each did.

    `untested` says why nothing could be found out.
    """

    taken: str
    health: Mapping[str, Health]
    untested: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The same as values that JSON holds; NaN becomes null there."""
        return {
            "taken": self.taken,
            "health": {name: asdict(each) for name, each in self.health.items()},
            "untested": list(self.untested),
        }


@dataclass(frozen=True)
class Past:
    """Customers with an order before the last weeks, shape (n,), and what they did in them."""

    data: Repeats
    mean_value: DoubleArray
    types: LongArray
    holdout: Holdout

    @classmethod
    def of(cls, states: States, later: Histories, config: LoyaltyConfig, *, cut_ms: int) -> Past:
        """The past as of a UTC midnight, from states before it and histories of a later day."""
        cuts = msgspec.structs.replace(Cuts.untrained(config), as_of_ms=cut_ms)
        context = Context.of(states, cuts, now_ms=cut_ms)
        buyers = np.flatnonzero(context.n > 0)
        then = aftermath(states.customers, later, cut_ms=cut_ms, days=WEEKS * 7)
        return cls(
            data=repeats_of(context, buyers),
            mean_value=repeat_value(context)[buyers],
            types=value_type(context)[buyers],
            holdout=_holdout(then, buyers),
        )

    def of_type(self, name: str) -> Past:
        """Those of one account type; POOLED is everybody."""
        if name == POOLED:
            return self
        own = self.types == ACCOUNTS.index(name)
        seen = self.holdout
        return Past(
            self.data.where(own),
            self.mean_value[own],
            self.types[own],
            replace(seen, orders=seen.orders[own], spend=seen.spend[own]),
        )


def weeks_before(until_ms: int) -> int:
    """The UTC midnight at which the weeks of the test begin, in ms."""
    return (until_ms // DAY_MS - WEEKS * 7) * DAY_MS


def try_out(
    past: States,
    later: Histories,
    config: LoyaltyConfig,
    *,
    cut_ms: int,
    previous: Cuts | None = None,
) -> dict[str, Trial]:
    """By account type, whose models may be taken; `past` are states before `cut_ms`."""
    seen = Past.of(past, later, config, cut_ms=cut_ms)
    short = too_little_data(seen.data)
    if short:
        return {POOLED: Trial(FITTED, {}, short)}
    models = fit_value_models(past, config, now_ms=cut_ms)
    everybody = models.pop(POOLED)
    lent = previous.value.get(POOLED) if previous else None
    plain = ValueModels(to_plain(Empirical.of(seen.data)), everybody.spend)
    others = {PREVIOUS: lent, PLAIN: plain} if lent else {PLAIN: plain}
    found = {POOLED: _tried(seen, everybody, others)}
    for name, own in models.items():
        found[name] = _tried(seen.of_type(name), own, {POOLED: everybody})
    return found


def taken(
    fitted: Mapping[str, ValueModels],
    found: Mapping[str, Trial],
    states: States,
    *,
    previous: Cuts | None,
    until_ms: int,
) -> dict[str, ValueModels]:
    """The models to use: fitted ones that passed, instead of others what was found better.

    An account type whose own models failed has those of everybody.
    """
    passed = {
        name: own
        for name, own in fitted.items()
        if name == POOLED or name not in found or found[name].taken == FITTED
    }
    whose = found[POOLED].taken if POOLED in found else FITTED
    if whose == PREVIOUS and previous is not None:
        passed[POOLED] = previous.value[POOLED]
    if whose == PLAIN:
        context = Context.of(states, Cuts.untrained(), now_ms=until_ms)
        data = repeats_of(context, np.flatnonzero(context.n > 0))
        own = fitted[POOLED]
        passed[POOLED] = ValueModels(to_plain(Empirical.of(data)), own.spend, own.customers)
    return passed


def _tried(past: Past, fitted: ValueModels, others: Mapping[str, ValueModels]) -> Trial:
    """Fitted models that are healthy, else the first of the others that are.

    Others that fail as well are no remedy: then those are taken that err least.
    """
    health = {FITTED: _health(past, fitted)}
    if not health[FITTED].healthy:
        health |= {name: _health(past, own) for name, own in others.items()}
    sound = [name for name, each in health.items() if each.healthy]
    return Trial(sound[0] if sound else min(health, key=lambda name: health[name].mae), health)


def _health(past: Past, models: ValueModels) -> Health:
    fitted = Fitted.restored(models)
    spend = fitted.spend or plain_spend(Spend(past.data.frequency, past.mean_value))
    return backtest(
        fitted.repeat, spend, past.data, mean_value=past.mean_value, holdout=past.holdout
    )


def _holdout(then: Aftermath, buyers: LongArray) -> Holdout:
    return Holdout(then.orders[buyers], then.spent[buyers], float(WEEKS * 7))
