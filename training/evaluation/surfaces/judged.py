"""From the lists of contenders, case by case, to what a surface is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from engine.domain.arrays import DoubleArray, IntArray, LongArray
from training.evaluation.bootstrap import interval, resampled_means
from training.evaluation.judge import DECIMALS, PLAIN
from training.evaluation.metrics import (
    ALL,
    HIT_RATE,
    METRICS,
    MRR,
    NDCG,
    RECALL,
    Sought,
    Truth,
    mean,
    padded,
)
from training.evaluation.results import Difference
from training.evaluation.surfaces.results import Row, Surface

# By contender and column a number for each case, NaN where it does not count.
Values: TypeAlias = Mapping[str, Mapping[str, DoubleArray]]
Lists: TypeAlias = Mapping[str, Sequence[LongArray]]

USUAL = (NDCG, RECALL, HIT_RATE)
# Ludewig & Jannach (2018) ask whether the next item is in the list, and how high.
NEXT = (HIT_RATE, MRR)
_NOTHING: LongArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Asked:
    """What a surface is asked: its name, the question in words, what a case is, what to know."""

    name: str
    question: str
    unit: str
    notes: Sequence[str] = ()


def wanted(items: LongArray | IntArray, *, unseen: int = 0) -> Truth:
    """What a list should hold, and how many more items no list could hold."""
    return Truth(_NOTHING, items.astype(np.int64), unseen)


def of_lists(
    lists: Lists,
    truths: Sequence[Truth],
    *,
    items: int,
    limit: int,
    metrics: Sequence[str] = USUAL,
) -> dict[str, dict[str, DoubleArray]]:
    """The metrics of each contender's lists at `limit`, case by case, by title."""
    sought = Sought.of(truths, part=ALL, items=items)
    found = {name: sought.found_in(padded(own, limit=limit)) for name, own in lists.items()}
    return {
        name: {f"{METRICS[each].title}@{limit}": METRICS[each].of(matches) for each in metrics}
        for name, matches in found.items()
    }


def judged(
    asked: Asked, values: Values, *, drawn_from: int, rng: np.random.Generator
) -> Surface | None:
    """The surface with its differences; None when no case was there to try it on."""
    names = list(values)
    columns = list(values[names[0]])
    deciding = np.stack([values[name][columns[0]] for name in names], axis=1)
    cases = int(np.count_nonzero(~np.isnan(deciding[:, 0])))
    if not cases:
        return None
    drawn = resampled_means(deciding, resamples=PLAIN.resamples, rng=rng)
    return Surface(
        name=asked.name,
        question=asked.question,
        unit=asked.unit,
        cases=cases,
        drawn_from=drawn_from,
        columns=columns,
        rows=[Row(name, [known(mean(values[name][each])) for each in columns]) for name in names],
        differences=[
            paired(name, columns[0], deciding[:, [0, at]], drawn[:, [0, at]])
            for at, name in enumerate(names)
            if at
        ],
        notes=list(asked.notes),
    )


def paired(against: str, metric: str, values: DoubleArray, drawn: DoubleArray) -> Difference:
    """The difference of the first column from the second, (cases, 2), with its interval.

    `drawn` (resamples, 2) are resampled means. Too few cases get no interval.
    """
    gaps = np.round(drawn[:, 0] - drawn[:, 1], DECIMALS)
    low, high = interval(gaps, confidence=PLAIN.confidence)
    cases = int(np.count_nonzero(~np.isnan(values[:, 0])))
    few = cases < PLAIN.fewest
    base = mean(values[:, 1])
    return Difference(
        against=against,
        metric=metric,
        part=ALL,
        value=known(round(mean(values[:, 0]) - base, DECIMALS)),
        low=None if few else known(low),
        high=None if few else known(high),
        base=known(base),
        customers=cases,
    )


def known(value: float) -> float | None:
    """A number, None for NaN."""
    return None if math.isnan(value) else value
