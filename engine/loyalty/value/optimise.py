"""Where a likelihood of a few positive parameters is highest, searched over their logarithms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.optimize import OptimizeResult, minimize

from engine.domain.arrays import DoubleArray

# Takes the logs of the parameters; gives the mean log likelihood and its gradient by them.
Objective: TypeAlias = Callable[[DoubleArray], tuple[float, DoubleArray]]

# Logs of parameters stay within: e^12 is as good as infinite for numbers that are about one.
BOUND = 12.0
# A search that crept towards a bound would have gone on without it.
AT_BOUND = 0.5
# A mean gradient below this moves no parameter by a thousandth of its standard error.
FLAT = 1e-6
_POLISH_EVALUATIONS = 400
_DIFFERENCE = 1e-4
_NEWTON_STEPS = 8
_UNUSABLE = 1e10


@dataclass(frozen=True)
class Optimum:
    """The highest point found, shape (k,).

    `curvature` is minus the second derivatives of the mean there, (k, k). `flat` is False when the
    search ended on a slope or at a bound, where the data do not say what the parameters are.
    """

    logs: DoubleArray
    value: float
    curvature: DoubleArray
    flat: bool

    def deviations(self, count: float) -> DoubleArray:
        """Standard errors of the logs with a mean over `count`, (k,); NaN if it has no peak."""
        try:
            variances = np.diag(np.linalg.inv(self.curvature)) / max(count, 1.0)
        except np.linalg.LinAlgError:
            return np.full(self.logs.shape, np.nan)
        peaked = np.isfinite(variances) & (variances > 0)
        return np.where(peaked, np.sqrt(np.where(peaked, variances, 1.0)), np.nan)


def penalised(objective: Objective, weight: float) -> Objective:
    """The objective less weight * sum(logs^2), which pulls parameters towards one."""
    if weight == 0:
        return objective

    def penalise(logs: DoubleArray) -> tuple[float, DoubleArray]:
        value, slope = objective(logs)
        return value - weight * float(logs @ logs), slope - 2 * weight * logs

    return penalise


def climb(objective: Objective, starts: Sequence[DoubleArray]) -> Optimum:
    """The best of L-BFGS-B from each start, polished by Nelder-Mead and climbed once more."""
    found = [_ascend(objective, start) for start in starts]
    best = min(found, key=lambda each: float(each.fun))
    polished = _polish(objective, np.asarray(best.x))
    last = _ascend(objective, np.asarray(polished.x))
    logs = np.asarray(min(best, polished, last, key=lambda each: float(each.fun)).x)
    return _at(objective, logs, curvature=_curvature(objective, logs))


def climb_from_sample(objective: Objective, start: Optimum) -> Optimum:
    """The optimum by Newton's steps from that of a sample; L-BFGS-B from there should they fail.

    The second derivatives, which the standard errors need anyway, are taken once.
    """
    descend = _descending(objective)
    logs, curvature = start.logs, _curvature(objective, start.logs)
    first, down = descend(logs)
    value = first
    try:
        for _ in range(_NEWTON_STEPS):
            if np.abs(down).max() <= FLAT:
                break
            logs = np.clip(logs - np.linalg.solve(curvature, down), -BOUND, BOUND)
            value, down = descend(logs)
    except np.linalg.LinAlgError:
        value = np.inf
    if value <= first and np.abs(down).max() <= FLAT:
        return _at(objective, logs, curvature=curvature)
    logs = np.asarray(_ascend(objective, start.logs).x)
    return _at(objective, logs, curvature=_curvature(objective, logs))


def _descending(objective: Objective) -> Callable[[DoubleArray], tuple[float, DoubleArray]]:
    def descend(logs: DoubleArray) -> tuple[float, DoubleArray]:
        # Far from the data anything may overflow; what is no number is no optimum.
        with np.errstate(all="ignore"):
            value, slope = objective(logs)
        if not (np.isfinite(value) and np.isfinite(slope).all()):
            return _UNUSABLE, np.zeros_like(logs)
        return -value, -slope

    return descend


def _ascend(objective: Objective, start: DoubleArray) -> OptimizeResult:
    return minimize(
        _descending(objective),
        np.clip(start, -BOUND, BOUND),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-BOUND, BOUND)] * start.size,
        options={"maxiter": 500, "ftol": 1e-15, "gtol": FLAT / 10},
    )


def _polish(objective: Objective, start: DoubleArray) -> OptimizeResult:
    descend = _descending(objective)
    simplex = np.vstack([start, start + 0.01 * np.eye(start.size)])
    return minimize(
        lambda logs: descend(logs)[0],
        start,
        method="Nelder-Mead",
        bounds=[(-BOUND, BOUND)] * start.size,
        options={
            "maxfev": _POLISH_EVALUATIONS,
            "xatol": 1e-7,
            "fatol": 1e-13,
            "initial_simplex": np.clip(simplex, -BOUND, BOUND),
        },
    )


def _curvature(objective: Objective, logs: DoubleArray) -> DoubleArray:
    """Minus the second derivatives, from central differences of the gradient."""
    descend = _descending(objective)
    steps = _DIFFERENCE * np.eye(logs.size)
    rows = [descend(logs + step)[1] - descend(logs - step)[1] for step in steps]
    curvature = np.stack(rows) / (2 * _DIFFERENCE)
    return (curvature + curvature.T) / 2


def _at(objective: Objective, logs: DoubleArray, *, curvature: DoubleArray) -> Optimum:
    value, slope = _descending(objective)(logs)
    inside = bool((np.abs(logs) < BOUND - AT_BOUND).all())
    flat = inside and value < _UNUSABLE and bool(np.abs(slope).max() <= 10 * FLAT)
    return Optimum(logs=logs, value=-value, curvature=curvature, flat=flat)
