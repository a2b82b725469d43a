"""Customers' features in the database, and their steps from stage to stage."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, or_, select

from engine.domain.customers import StoredCustomer
from engine.domain.features import FeatureRow, LastStage, StageChange
from engine.store.database import Database
from engine.store.feature_table import COLUMNS, customer_features, feature_row
from engine.store.rows import CUSTOMER_COLUMNS, among_texts, customer_of, found
from engine.store.tables import customers, stage_changes

_ROW = select(*(customer_features.c[name] for name in COLUMNS))
_STAGES = "SELECT customer_id, stage, stage_since, previous_stage FROM customer_features"


class SqlFeatures:
    """Customers' features in a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, customer_id: str) -> FeatureRow | None:
        """The customer's features, None when they never were worked out."""
        asked = _ROW.where(customer_features.c.customer_id == customer_id)
        with self._database.read() as connection:
            row = connection.execute(asked).one_or_none()
        return None if row is None else feature_row(row)

    def due(self, *, before_ms: int, cuts_version: str, limit: int) -> list[StoredCustomer]:
        """Customers whose features are older than the time, the customer or the cuts."""
        own = customer_features.c
        asked = (
            select(*(customers.c[name] for name in CUSTOMER_COLUMNS))
            .outerjoin(customer_features, own.customer_id == customers.c.customer_id)
            .where(
                customers.c.revision > 0,
                or_(
                    own.customer_id.is_(None),
                    own.as_of_ms < before_ms,
                    own.revision < customers.c.revision,
                    own.cuts_version != cuts_version,
                ),
            )
            .limit(limit)
        )
        with self._database.read() as connection:
            return [customer_of(row) for row in connection.execute(asked)]

    def stages(self) -> dict[str, LastStage]:
        """What the last run said of every customer who has features."""
        with self._database.read() as connection:
            rows = connection.exec_driver_sql(_STAGES)
            return {who: LastStage(*said) for who, *said in rows}

    def stage(self, customer_id: str) -> LastStage | None:
        """What the last run said of the customer, None when there was none."""
        with self._database.read() as connection:
            return stages(connection, [customer_id]).get(customer_id)

    def changes(self, customer_id: str) -> list[StageChange]:
        """The customer's steps between stages, oldest first."""
        own = stage_changes.c
        asked = (
            select(own.customer_id, own.at_ms, own.before, own.after)
            .where(own.customer_id == customer_id)
            .order_by(own.seq)
        )
        with self._database.read() as connection:
            return [StageChange(*row) for row in connection.execute(asked)]

    def favouring(self, category: str, *, limit: int) -> list[str]:
        """Customers who buy most often in the category, those who ordered last first."""
        own = customer_features.c
        asked = (
            select(own.customer_id)
            .where(own.favourite_category == category)
            .order_by(own.last_order_at.desc(), own.customer_id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return list(connection.scalars(asked))


def stages(connection: Connection, customer_ids: Sequence[str]) -> dict[str, LastStage]:
    """What the last run said of those customers who have features."""
    among, asked = among_texts(connection, customer_ids)
    rows = found(connection, f"{_STAGES} WHERE customer_id {among}", asked)
    return {who: LastStage(*said) for who, *said in rows}


def note_changes(connection: Connection, changes: Sequence[StageChange]) -> None:
    """Write steps between stages."""
    if changes:
        connection.execute(insert(stage_changes), [each._asdict() for each in changes])
