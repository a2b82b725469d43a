"""The customer model: features, lifecycle stages, segments and who is in them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables; the columns of single features are added after every upgrade."""
    _make_features()
    _make_segments()
    _make_moves()


def _make_features() -> None:
    op.create_table(
        "customer_features",
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("as_of_ms", sa.BigInteger, nullable=False),
        sa.Column("cuts_version", sa.Text, nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_customer_features"),
    )
    op.create_index("ix_customer_features_as_of_ms", "customer_features", ["as_of_ms"])
    op.create_table(
        "stage_changes",
        sa.Column("seq", _SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_stage_changes"),
    )
    op.create_index("ix_stage_changes_customer_id", "stage_changes", ["customer_id"])
    op.create_index("ix_stage_changes_at_ms", "stage_changes", ["at_ms"])


def _make_segments() -> None:
    op.create_table(
        "segments",
        sa.Column("name", _ID, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("condition", sa.Text, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_segments"),
    )
    op.create_table(
        "segment_runs",
        sa.Column("segment", _ID, nullable=False),
        sa.Column("refreshed_ms", sa.BigInteger, nullable=False),
        sa.Column("members", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("segment", name="pk_segment_runs"),
    )
    op.create_table(
        "segment_members",
        sa.Column("segment", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("entered_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("segment", "customer_id", name="pk_segment_members"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_segment_members_customer_id", "segment_members", ["customer_id"])


def _make_moves() -> None:
    op.create_table(
        "segment_moves",
        sa.Column("seq", _SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("segment", _ID, nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("entered", sa.Boolean, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_segment_moves"),
    )
    op.create_index("ix_segment_moves_segment_at_ms", "segment_moves", ["segment", "at_ms"])
    op.create_index("ix_segment_moves_customer_id", "segment_moves", ["customer_id"])
