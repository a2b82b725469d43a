"""Value models fitted by maximum likelihood; nothing here raises on odd data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

import msgspec
import numpy as np

from engine.domain.arrays import DoubleArray
from engine.loyalty.value.bg_nbd import BgNbd
from engine.loyalty.value.empirical import Empirical
from engine.loyalty.value.gamma_gamma import GammaGamma, Spend
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.loyalty.value.optimise import Objective, climb, climb_from_sample, penalised
from engine.loyalty.value.pareto_nbd import ParetoNbd
from engine.loyalty.value.repeats import Repeats, compress
from engine.loyalty.value.sbg import Sbg

Kind: TypeAlias = Literal["bg_nbd", "mbg_nbd", "pareto_nbd"]
LeavingModel: TypeAlias = BgNbd | MbgNbd | ParetoNbd
Value_co = TypeVar("Value_co", covariant=True)

KINDS: Mapping[Kind, type[LeavingModel]] = {
    "bg_nbd": BgNbd,
    "mbg_nbd": MbgNbd,
    "pareto_nbd": ParetoNbd,
}
# The search for the optimum starts on so many customers; the last steps use them all.
SAMPLE = 20_000
WINSORISED_QUANTILE = 0.995
# Logs of the parameters with times divided by the longest age: everything one; rare orders of
# customers who differ and leave slowly; frequent orders of customers who are alike.
_STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, -2.0, -0.5, 1.0), (1.0, -1.0, -1.0, -1.0))
_SPEND_STARTS = ((0.0, 0.0, 0.0), (1.5, 1.0, -1.0), (-0.5, 0.5, 0.5))
_STAY_STARTS = ((0.0, 0.0), (-1.0, 0.0), (0.0, 2.0))


@dataclass(frozen=True)
class Fit(Generic[Value_co]):
    """A model and how it came about.

    `model` is always fit for use: the maximum likelihood model when `converged`, otherwise the one
    the search was started from, otherwise the plainest there is. `log_likelihood` is that of the
    customers used, `customers` how many they were. `standard_errors` by parameter, from the
    second derivatives; NaN where the likelihood has no peak, empty when nothing was fitted.
    """

    model: Value_co
    log_likelihood: float
    converged: bool
    standard_errors: Mapping[str, float]
    customers: int


def fit(
    kind: Kind, data: Repeats, *, start: LeavingModel | None = None, penalty: float = 0.0
) -> Fit[LeavingModel | Empirical]:
    """The repeat model of a kind for the customers that are usable.

    `penalty` times the sum of the squared logs of the parameters, in units of the longest age, is
    taken off the log likelihood that is maximised. With many customers the optimum of a sample of
    SAMPLE is improved by Newton's method on all of them.
    """
    kept = data.where(data.usable)
    rows, weights = compress(kept)
    if start is not None and type(start) is not KINDS[kind]:
        start = None
    if kept.frequency.sum() > 0:
        found = _search(kind, rows, weights, start=start, penalty=penalty)
        if found is not None:
            model, errors = found
            likely = float(weights @ model.log_likelihood(rows))
            return Fit(model, likely, True, errors, len(kept))
    instead = start or Empirical.of(kept)
    likely = float(weights @ instead.log_likelihood(rows))
    return Fit(instead, likely, False, {}, len(kept))


def fit_gamma_gamma(
    data: Spend,
    *,
    start: GammaGamma | None = None,
    penalty: float = 0.0,
    winsorise: float | None = WINSORISED_QUANTILE,
) -> Fit[GammaGamma]:
    """The spend model for customers with a repeat, mean values cut off at a quantile of them.

    Without a usable customer the fallback expects one unit of money an order, whoever the customer.
    """
    kept = data.where(data.usable)
    kept = kept if winsorise is None else kept.winsorised(winsorise)
    order = np.lexsort((kept.mean_value, kept.frequency))
    kept = Spend(kept.frequency[order], kept.mean_value[order])
    instead = start or plain_spend(kept)
    if len(kept) < 2:
        return Fit(instead, float(instead.log_likelihood(kept).sum()), False, {}, len(kept))
    unit = float(kept.mean_value.mean())
    scaled = Spend(kept.frequency, kept.mean_value / unit)

    def objective(logs: DoubleArray) -> tuple[float, DoubleArray]:
        p, rest, v = np.exp(logs).tolist()
        each, gradient = GammaGamma(p, 1 + rest, v).log_likelihood_gradient(scaled)
        return float(each.mean()), gradient.mean(axis=1)

    found = climb(penalised(objective, penalty / len(kept)), [np.array(s) for s in _SPEND_STARTS])
    p, rest, v = np.exp(found.logs).tolist()
    model = GammaGamma(p, 1 + rest, v * unit)
    if not found.flat or model.q <= 1:
        return Fit(instead, float(instead.log_likelihood(kept).sum()), False, {}, len(kept))
    sizes = np.array([p, rest, v * unit]) * found.deviations(len(kept))
    errors = dict(zip(("p", "q", "v"), sizes.tolist(), strict=True))
    return Fit(model, float(model.log_likelihood(kept).sum()), True, errors, len(kept))


def plain_spend(data: Spend) -> GammaGamma:
    """A spend model that expects the mean over usable customers of everybody, never failing."""
    kept = data.where(data.usable)
    mean = float(kept.mean_value.mean()) if len(kept) else 1.0
    # p = 1 and q = 2: one repeat weighs as much as the population.
    return GammaGamma(p=1.0, q=2.0, v=mean)


def fit_sbg(survivors: DoubleArray, *, start: Sbg | None = None) -> Fit[Sbg]:
    """The retention model of a cohort, from its counts after 0, 1, ... periods, (periods + 1,)."""
    counts = np.asarray(survivors, dtype=np.float64)
    instead = start or Sbg(1.0, 1.0)
    falling = counts.size > 1 and np.isfinite(counts).all() and (np.diff(counts) <= 0).all()
    if not falling or counts[-1] < 0 or counts[0] <= counts[-1]:
        return Fit(instead, float("nan"), False, {}, int(np.nan_to_num(counts[:1]).sum()))
    size = float(counts[0])

    def objective(logs: DoubleArray) -> tuple[float, DoubleArray]:
        value, slope = Sbg(*np.exp(logs).tolist()).log_likelihood_gradient(counts)
        return value / size, slope / size

    found = climb(objective, [np.array(each) for each in _STAY_STARTS])
    if not found.flat:
        return Fit(instead, instead.log_likelihood(counts), False, {}, int(size))
    parameters = np.exp(found.logs)
    errors = dict(
        zip(("alpha", "beta"), (parameters * found.deviations(size)).tolist(), strict=True)
    )
    return Fit(Sbg(*parameters.tolist()), found.value * size, True, errors, int(size))


def _search(
    kind: Kind, rows: Repeats, weights: DoubleArray, *, start: LeavingModel | None, penalty: float
) -> tuple[LeavingModel, dict[str, float]] | None:
    """The optimum and its standard errors, None when there is none to be found."""
    made = KINDS[kind]
    names = [field.name for field in msgspec.structs.fields(made)]
    unit = float(rows.age.max())
    units = np.array([unit if name in made.times else 1.0 for name in names])
    scaled, starts = rows.divided_by(unit), [np.array(each) for each in _STARTS]
    if start is not None:
        starts[-1] = np.log(np.array(msgspec.structs.astuple(start)) / units)
    sampled = _sample(weights)
    picked = np.flatnonzero(sampled)
    part = _objective(made, scaled.where(picked), sampled[picked])
    found = climb(penalised(part, penalty / weights.sum()), starts)
    if sampled is not weights:
        whole = _objective(made, scaled, weights)
        found = climb_from_sample(penalised(whole, penalty / weights.sum()), found)
    if not found.flat:
        return None
    values = np.exp(found.logs) * units
    errors = values * found.deviations(float(weights.sum()))
    return made(*values.tolist()), dict(zip(names, errors.tolist(), strict=True))


def _objective(made: type[LeavingModel], rows: Repeats, weights: DoubleArray) -> Objective:
    total = float(weights.sum())

    def objective(logs: DoubleArray) -> tuple[float, DoubleArray]:
        each, gradient = made(*np.exp(logs).tolist()).log_likelihood_gradient(rows)
        return float(weights @ each) / total, gradient @ weights / total

    return objective


def _sample(weights: DoubleArray) -> DoubleArray:
    """How often each row is in an evenly spaced sample of the customers, sorted as the rows are.

    No chance is involved, and as many of each behaviour come in as are due. `weights` itself when
    there is no need to sample.
    """
    total = float(weights.sum())
    if total <= 2 * SAMPLE:
        return weights
    places = (np.arange(SAMPLE) + 0.5) * (total / SAMPLE)
    rows = np.searchsorted(np.cumsum(weights), places, side="right")
    return np.bincount(rows, minlength=weights.size).astype(np.float64)
