"""All features of a block of pairs as one matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.domain.arrays import FloatArray
from engine.recommend.features.alike import brand_columns, kind_columns
from engine.recommend.features.asked import Asked, Columns
from engine.recommend.features.category import category_columns
from engine.recommend.features.item import item_columns
from engine.recommend.features.moment import moment_columns
from engine.recommend.features.own import own_columns, stranger_columns
from engine.recommend.features.paid import paid_columns
from engine.recommend.features.people import people_columns
from engine.recommend.features.rhythm import rhythm_columns
from engine.recommend.features.said import said_columns

FAMILIES = (
    own_columns,
    rhythm_columns,
    paid_columns,
    item_columns,
    people_columns,
    category_columns,
    kind_columns,
    brand_columns,
    said_columns,
    moment_columns,
)
# Of items new to the customer, what another purchase of the customer has a part in.
MOVED = (
    stranger_columns,
    people_columns,
    category_columns,
    kind_columns,
    brand_columns,
    said_columns,
)


def columns(asked: Asked) -> Columns:
    """Every feature by name, float32, shape (pairs,) each; NaN is unknown.

    Where only some are asked for, others may be among them that came about on the way.
    """
    return {name: own for family in FAMILIES for name, own in family(asked).items()}


def moved_columns(asked: Asked) -> Columns:
    """As `columns` of pairs new to their customers, without what no other purchase moves."""
    return {name: own for family in MOVED for name, own in family(asked).items()}


def matrix(known: Columns, names: Sequence[str], *, rows: int) -> FloatArray:
    """The named features side by side, shape (rows, len(names)); NaN for what is not there."""
    # Feature by feature in memory, as they come.
    out = np.full((len(names), rows), np.nan, dtype=np.float32)
    return filled(out.T, known, names)


def filled(features: FloatArray, known: Columns, names: Sequence[str]) -> FloatArray:
    """The features, shape (rows, len(names)), with those that are known written into them."""
    by_name = features.T
    for at, name in enumerate(names):
        if name in known:
            by_name[at] = known[name]
    return features
