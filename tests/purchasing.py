"""Customers who order and leave as the repeat models assume."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from engine.loyalty.value.beta_geometric import BetaGeometric
from engine.loyalty.value.pareto_nbd import ParetoNbd
from engine.loyalty.value.repeats import Repeats


@dataclass(frozen=True)
class Simulated:
    """Repeats up to an age and the number of orders in the horizon after it."""

    repeats: Repeats
    later: np.ndarray


def simulate(
    model: BetaGeometric | ParetoNbd,
    age: np.ndarray,
    *,
    horizon: float,
    rng: np.random.Generator,
) -> Simulated:
    """One customer for each age, order by order; leaving by coin or by a clock of its own."""
    count = age.size
    rate = rng.gamma(model.r, 1 / model.alpha, count)
    coin, until = np.zeros(count), np.full(count, np.inf)
    if isinstance(model, ParetoNbd):
        until = rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, count))
        there = np.ones(count, dtype=bool)
    else:
        coin = rng.beta(model.a, model.b, count)
        there = rng.random(count) >= coin if model.first_toss else np.ones(count, dtype=bool)
    frequency, recency, later = np.zeros(count), np.zeros(count), np.zeros(count)
    clock, end = np.zeros(count), np.minimum(until, age + horizon)
    while (rows := np.flatnonzero(there)).size:
        clock[rows] += rng.exponential(1 / rate[rows])
        there[rows] = clock[rows] <= end[rows]
        rows = rows[there[rows]]
        known = rows[clock[rows] <= age[rows]]
        frequency[known] += 1
        recency[known] = clock[known]
        later[rows[clock[rows] > age[rows]]] += 1
        there[rows] = rng.random(rows.size) >= coin[rows]
    return Simulated(Repeats(frequency, recency, age), later)


def parameters(model: msgspec.Struct) -> np.ndarray:
    """The parameters of a model in their order."""
    return np.asarray(msgspec.structs.astuple(model))
