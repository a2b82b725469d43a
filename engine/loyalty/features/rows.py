"""Columns of features to and from rows of single customers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from engine.domain.arrays import LongArray
from engine.domain.features import FeatureRow, LastStage, StageChange, Value
from engine.domain.ids import MISSING
from engine.loyalty.feature import Column
from engine.loyalty.features.registry import Features
from engine.loyalty.states import NEVER, StageMemory
from engine.loyalty.trajectory import STAGES


def values_of(column: Column) -> list[Value]:
    """The column's values one by one: None for unknown, the label where there are labels."""
    plain = column.values.tolist()
    if column.labels:
        return [None if math.isnan(each) else column.labels[int(each)] for each in plain]
    return [None if math.isnan(each) else each for each in plain]


def feature_rows(
    features: Features, *, revisions: Sequence[int], attributes: Sequence[str], version: str
) -> list[FeatureRow]:
    """One row a customer, in order; `attributes` are JSON objects."""
    columns = [(name, column.labels) for name, column in features.columns.items()]
    # All at once, a row a customer: a column at a time costs a lone customer twice as much.
    rows = np.array([column.values for column in features.columns.values()]).T.tolist()
    return [
        FeatureRow(
            customer_id=customer_id,
            revision=revision,
            as_of_ms=features.now_ms,
            cuts_version=version,
            attributes=told,
            values={
                name: None if value != value else labels[int(value)] if labels else value  # noqa: PLR0124 - NaN alone does
                for (name, labels), value in zip(columns, own, strict=True)
            },
        )
        for customer_id, revision, told, own in zip(
            features.customers, revisions, attributes, rows, strict=True
        )
    ]


def memory_of(said: Sequence[LastStage | None]) -> StageMemory:
    """What the last run said, for customers in that order; None: nothing."""
    known = [each or _NOTHING for each in said]
    return StageMemory(
        stage=np.asarray([_POSITIONS[each.stage] for each in known], np.int8),
        since=_moments(each.since_ms for each in known),
        before=np.asarray([_POSITIONS[each.before] for each in known], np.int8),
    )


def stage_changes(before: Mapping[str, LastStage], rows: Sequence[FeatureRow]) -> list[StageChange]:
    """The steps between stages that new rows show since the last run.

    A customer whom the last run did not know is met for the first time, and took no step.
    """
    return [
        StageChange(row.customer_id, row.as_of_ms, old.stage, _word(row, "stage"))
        for row in rows
        if (old := before.get(row.customer_id)) is not None and old.stage != _word(row, "stage")
    ]


_NOTHING = LastStage(None, None, None)
_POSITIONS: Mapping[str | None, int] = {
    None: MISSING,
    **{stage: index for index, stage in enumerate(STAGES)},
}


def _word(row: FeatureRow, name: str) -> str | None:
    value = row.values.get(name)
    return value if isinstance(value, str) else None


def _moments(times: Iterable[int | None]) -> LongArray:
    return np.asarray([NEVER if each is None else each for each in times], np.int64)
