"""The table of customers' features: one column for each feature there is.

It is derived from the log and can be emptied at any time; its columns follow the registry of
features, and are added when a feature is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    SmallInteger,
    Table,
    Text,
    inspect,
)
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import TypeEngine

from engine.domain.features import FeatureRow, Value
from engine.loyalty.feature import Kind
from engine.loyalty.features.registry import FEATURES
from engine.store.tables import Id, metadata

_TYPES: Mapping[Kind, type[TypeEngine[Any]]] = {
    Kind.FLAG: SmallInteger,
    Kind.CHOICE: Text,
    Kind.TEXT: Text,
    Kind.MOMENT: BigInteger,
}
_WHOLE = (Kind.FLAG, Kind.MOMENT)

customer_features = Table(
    "customer_features",
    metadata,
    Column("customer_id", Id, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("as_of_ms", BigInteger, nullable=False),
    Column("cuts_version", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    *(Column(name, _TYPES.get(feature.kind, Double)) for name, feature in FEATURES.items()),
    Index(None, "as_of_ms"),
    Index(None, "favourite_category", "last_order_at"),
)

HEAD_COLUMNS = ("customer_id", "revision", "as_of_ms", "cuts_version", "attributes")
COLUMNS = (*HEAD_COLUMNS, *FEATURES)
_INTEGERS = frozenset(name for name, each in FEATURES.items() if each.kind in _WHOLE)


def missing_columns(connection: Connection) -> list[str]:
    """Features that the table has no column for."""
    found = {column["name"] for column in inspect(connection).get_columns("customer_features")}
    return [name for name in FEATURES if name not in found]


def add_missing_columns(connection: Connection) -> None:
    """Give every feature its column, and each index its columns, where they are missing.

    The caller keeps others from doing the same meanwhile.
    """
    for name in missing_columns(connection):
        written = CreateColumn(customer_features.c[name]).compile(connection)
        connection.exec_driver_sql(f"ALTER TABLE customer_features ADD COLUMN {written}")
    # Those over features can only come now.
    for index in customer_features.indexes:
        index.create(connection, checkfirst=True)


def feature_values(row: FeatureRow) -> tuple[Any, ...]:
    """The values of a row by COLUMNS."""
    own = row.values
    told = [(name, own.get(name)) for name in FEATURES]
    return (
        row.customer_id,
        row.revision,
        row.as_of_ms,
        row.cuts_version,
        row.attributes,
        *[_stored(value) if name in _INTEGERS else value for name, value in told],
    )


def feature_row(values: Sequence[Any]) -> FeatureRow:
    """The row of values by COLUMNS."""
    customer_id, revision, as_of_ms, cuts_version, attributes, *own = values
    named = dict(zip(FEATURES, own, strict=True))
    return FeatureRow(customer_id, revision, as_of_ms, cuts_version, attributes, named)


def _postgresql_type(name: str) -> str:
    kind = FEATURES[name].kind
    return {
        Kind.FLAG: "smallint",
        Kind.MOMENT: "bigint",
        Kind.CHOICE: "text",
        Kind.TEXT: "text",
    }.get(kind, "float8")


# What PostgreSQL calls the type of each of COLUMNS.
POSTGRESQL_TYPES = (
    *("text", "bigint", "bigint", "text", "text"),
    *(_postgresql_type(name) for name in FEATURES),
)


def _stored(value: Value) -> Value:
    return int(value) if isinstance(value, float) else value
