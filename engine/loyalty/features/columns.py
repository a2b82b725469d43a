"""Many columns that rest on the same observations, at the price of little more than one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.domain.arrays import LongArray
from engine.loyalty.feature import Column, Feature
from engine.loyalty.features.context import Columns, Context, column

NO_LABELS: Mapping[str, tuple[str, ...]] = {}


def columns_of(
    evidence: LongArray,
    values: Mapping[str, NDArray[Any]],
    *,
    labels: Mapping[str, tuple[str, ...]] = NO_LABELS,
) -> Columns:
    """A column of each name as `column` makes it: unknown where there is no evidence."""
    counted, known = evidence.astype(np.int32), evidence > 0
    everywhere = np.count_nonzero(known) == known.shape[0]
    return {
        name: Column(
            np.asarray(own, np.float64) if everywhere else np.where(known, own, np.nan),
            counted,
            labels.get(name, ()),
        )
        for name, own in values.items()
    }


def unknown_columns(features: Iterable[Feature], context: Context) -> Columns:
    """A column of each feature for customers whose states say nothing of any of them.

    Most shops leave whole tables empty, and most customers too: no need to work through nothing.
    """
    nothing = column(*context.unknown)
    return {each.name: Column(nothing.values, nothing.evidence, each.choices) for each in features}
