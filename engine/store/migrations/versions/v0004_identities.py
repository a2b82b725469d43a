"""Whose an anonymous visitor's events are, and the events that were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; `regulars rebuild` joins whom the log already names together."""
    op.create_index(
        "ix_events_anonymous_id_occurred_ms",
        "events",
        ["anonymous_id", "occurred_ms"],
        sqlite_where=sa.text("anonymous_id IS NOT NULL"),
        postgresql_where=sa.text("anonymous_id IS NOT NULL"),
    )
    _make_identities()
    op.create_table(
        "rejected_events",
        sa.Column("seq", _SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("customer_id", _ID),
        sa.Column("anonymous_id", _ID),
        sa.PrimaryKeyConstraint("seq", name="pk_rejected_events"),
        sqlite_autoincrement=True,
    )


def _make_identities() -> None:
    op.create_table(
        "identities",
        sa.Column("anonymous_id", _ID, nullable=False),
        sa.Column("from_ms", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("joined_ms", sa.BigInteger, nullable=False),
        sa.Column("event_seq", _SEQUENCE, nullable=False),
        sa.PrimaryKeyConstraint("anonymous_id", "from_ms", name="pk_identities"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_identities_customer_id", "identities", ["customer_id"])
    op.create_table(
        "identity_splits",
        sa.Column("anonymous_id", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("anonymous_id", "customer_id", name="pk_identity_splits"),
        sqlite_with_rowid=False,
    )
