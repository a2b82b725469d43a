"""Who belongs to which segment, for everyone at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import duckdb
import numpy as np
import pyarrow as pa

from engine.domain.arrays import BoolArray
from engine.loyalty.feature import Column, Kind
from engine.loyalty.features.registry import FEATURES, Features
from engine.segments.book import SegmentBook
from engine.segments.conditions import Condition, OfAttribute, OfEvents, walk
from engine.segments.segment import Segment
from engine.segments.sql import compile_sql

_TYPES: Mapping[Kind, pa.DataType] = MappingProxyType(
    {Kind.FLAG: pa.int16(), Kind.MOMENT: pa.int64()}
)


def of_features_alone(book: SegmentBook) -> tuple[Segment, ...]:
    """The segments whose conditions ask nothing but features, in the book's order."""
    return tuple(
        segment
        for segment in book
        if not any(isinstance(part, OfAttribute | OfEvents) for part in _parts(book, segment))
    )


def members(
    segments: Iterable[Segment], book: SegmentBook, features: Features
) -> dict[str, BoolArray]:
    """For each segment's name which customers belong to it, shape (n,)."""
    with duckdb.connect() as connection:
        connection.register("customer_features", _table(features))
        return {each.name: _holding(connection, book, each, features) for each in segments}


def _holding(
    connection: duckdb.DuckDBPyConnection, book: SegmentBook, segment: Segment, features: Features
) -> BoolArray:
    compiled = compile_sql(book.condition(segment.name), dialect="duckdb", now_ms=features.now_ms)
    query = f"SELECT f.position FROM customer_features AS f WHERE {compiled.sql}"  # noqa: S608 - values are parameters
    found = connection.execute(query, dict(compiled.params)).fetchnumpy()["position"]
    holding = np.zeros(len(features), dtype=np.bool_)
    holding[found] = True
    return holding


def _table(features: Features) -> pa.Table:
    """The features as columns of a database: unknown is null."""
    columns = {name: _array(name, column) for name, column in features.columns.items()}
    return pa.table({"position": np.arange(len(features)), **columns})


def _array(name: str, column: Column) -> pa.Array:
    kind = FEATURES[name].kind
    unknown = ~column.known
    if kind in (Kind.CHOICE, Kind.TEXT):
        positions = pa.array(np.nan_to_num(column.values).astype(np.int32), mask=unknown)
        labels = pa.array(column.labels, pa.string())
        return pa.DictionaryArray.from_arrays(positions, labels).cast(pa.string())
    values = pa.array(column.values, mask=unknown)
    return values.cast(_TYPES.get(kind, pa.float64()))


def _parts(book: SegmentBook, segment: Segment) -> list[Condition]:
    return [part for _, part in walk(book.condition(segment.name))]
