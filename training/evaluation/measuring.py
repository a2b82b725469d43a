"""Every contender's numbers customer by customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import DoubleArray, LongArray
from training.evaluation.alike import Likeness, likeness
from training.evaluation.beyond import Tastes, properties_of, tastes_of
from training.evaluation.contenders import Contender, Ground
from training.evaluation.metrics import (
    ALL,
    METRICS,
    NOTHING,
    PARTS,
    Sought,
    padded,
    recall_by_rank,
)


@dataclass(frozen=True)
class Measured:
    """One contender's numbers customer by customer.

    `values` are by part and metric, each (n,), NaN for who does not count; `by_rank` is the mean
    recall of the first places, (limit,); `beyond` what the lists are like, by name.
    """

    values: Mapping[str, Mapping[str, DoubleArray]]
    by_rank: DoubleArray
    beyond: Mapping[str, float]


@dataclass(frozen=True)
class _Basis:
    """What all contenders share: what was sought, by part, and what describes items."""

    sought: Mapping[str, Sought]
    alike: Likeness
    tastes: Tastes


def measure_contenders(
    ground: Ground, contenders: Sequence[Contender], *, limit: int
) -> list[Measured]:
    """The numbers of each contender at `limit`, in their order."""
    shown = [padded(each.lists, limit=limit) for each in contenders]
    held = np.unique(np.concatenate([each.ravel() for each in shown]))
    basis = _Basis(
        sought={part: Sought.of(ground.truths, part=part, items=ground.items) for part in PARTS},
        alike=likeness(ground.histories, ground.category, shown=held[held != NOTHING]),
        tastes=tastes_of(ground.histories, ground.category),
    )
    return [_measured(ground, each, basis) for each in shown]


def _measured(ground: Ground, shown: LongArray, basis: _Basis) -> Measured:
    found = {part: sought.found_in(shown) for part, sought in basis.sought.items()}
    return Measured(
        values={
            part: {name: metric.of(matches) for name, metric in METRICS.items()}
            for part, matches in found.items()
        },
        by_rank=recall_by_rank(found[ALL]),
        beyond=properties_of(
            shown,
            popularity=ground.popularity,
            category=ground.category,
            alike=basis.alike,
            tastes=basis.tastes,
        ),
    )
