"""The first tables: the event log, customers, items, the shop, invalidations, ingest runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_LOG = ("events", "event_lines")
_REFUSAL = "the event log is append-only"
# Erasing a person's data is the one exception; it says so with a row `erasing` in `shop`, which it
# removes again before it commits.
_SANCTIONED = "EXISTS (SELECT 1 FROM shop WHERE name = 'erasing')"


def upgrade() -> None:
    """Make the tables and guard the log."""
    _make_log()
    _make_customers()
    _make_catalog()
    if op.get_bind().dialect.name == "postgresql":
        _guard_log_postgresql()
    else:
        _guard_log_sqlite()


def _make_log() -> None:
    op.create_table(
        "events",
        sa.Column("seq", _SEQUENCE, autoincrement=True, nullable=False),
        sa.Column("event_id", _ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("customer_id", _ID),
        sa.Column("anonymous_id", _ID),
        sa.Column("order_id", _ID),
        sa.Column("occurred_ms", sa.BigInteger, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text),
        sa.Column("recommendation_id", _ID),
        sa.Column("placement", sa.Text),
        sa.Column("properties", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.UniqueConstraint("event_id", name="uq_events_event_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_customer_id_occurred_ms", "events", ["customer_id", "occurred_ms"])
    op.create_index("ix_events_order_id", "events", ["order_id"])
    op.create_index("ix_events_occurred_ms", "events", ["occurred_ms"])
    op.create_table(
        "event_lines",
        sa.Column("event_seq", _SEQUENCE, autoincrement=False, nullable=False),
        sa.Column("line_no", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("quantity", sa.Double),
        sa.Column("unit_price", sa.BigInteger),
        sa.Column("discount", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event_seq", "line_no", name="pk_event_lines"),
        sa.ForeignKeyConstraint(["event_seq"], ["events.seq"], name="fk_event_lines_event_seq"),
        sqlite_with_rowid=False,
    )


def _make_customers() -> None:
    op.create_table(
        "customers",
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("orders", sa.BigInteger, nullable=False),
        sa.Column("units", sa.Double, nullable=False),
        sa.Column("revenue", sa.BigInteger, nullable=False),
        sa.Column("first_order_ms", sa.BigInteger),
        sa.Column("last_order_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("customer_id", name="pk_customers"),
    )
    op.create_table(
        "invalidations",
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_invalidations"),
    )
    op.create_table(
        "ingest_runs",
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_ingest_runs"),
    )


def _make_catalog() -> None:
    op.create_table(
        "items",
        sa.Column("item_id", _ID, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("category", sa.Text),
        sa.Column("brand", sa.Text),
        sa.Column("price", sa.BigInteger),
        sa.Column("cost", sa.BigInteger),
        sa.Column("image_url", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("available", sa.Boolean, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_items"),
    )
    op.create_index("ix_items_revision", "items", ["revision"])
    op.create_table(
        "shop",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_shop"),
    )


def _guard_log_sqlite() -> None:
    for table in _LOG:
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{act.lower()} BEFORE {act} ON {table} "
                f"WHEN NOT {_SANCTIONED} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )


def _guard_log_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NOT {_SANCTIONED} THEN RAISE EXCEPTION '{_REFUSAL}'; END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    for table in _LOG:
        op.execute(
            f"CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_log()"
        )
