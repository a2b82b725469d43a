"""The tables of the truth. Times are ms since 1970 UTC, money is minor units."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids sort by code point everywhere, as Python sorts them: locks are taken in that order.
Id = Text().with_variant(Text(collation="C"), "postgresql")
# SQLite numbers rows by itself only in a column declared INTEGER, which holds 64 bits there.
Sequence = BigInteger().with_variant(Integer(), "sqlite")

events = Table(
    "events",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("event_id", Id, nullable=False, unique=True),
    Column("digest", LargeBinary(16), nullable=False),
    Column("type", Text, nullable=False),
    Column("customer_id", Id),
    Column("anonymous_id", Id),
    Column("order_id", Id),
    Column("occurred_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("currency", Text),
    Column("recommendation_id", Id),
    Column("placement", Text),
    Column("properties", Text),
    Index(None, "customer_id", "occurred_ms"),
    Index(None, "order_id"),
    Index(None, "occurred_ms"),
    # Whose an anonymous visitor's events are; of the others it holds nothing.
    Index(
        "ix_events_anonymous_id_occurred_ms",
        "anonymous_id",
        "occurred_ms",
        sqlite_where=text("anonymous_id IS NOT NULL"),
        postgresql_where=text("anonymous_id IS NOT NULL"),
    ),
    # Numbers are never given twice, so that "everything after seq" misses nothing.
    sqlite_autoincrement=True,
)

# No index on item_id: the log is read by event, by order or as a whole, never by item.
event_lines = Table(
    "event_lines",
    metadata,
    Column("event_seq", Sequence, ForeignKey("events.seq"), primary_key=True, autoincrement=False),
    Column("line_no", SmallInteger, primary_key=True, autoincrement=False),
    Column("item_id", Id, nullable=False),
    Column("quantity", Double),
    Column("unit_price", BigInteger),
    Column("discount", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# A row of revision 0 only holds a lock on PostgreSQL: that customer is not known yet.
customers = Table(
    "customers",
    metadata,
    Column("customer_id", Id, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("orders", BigInteger, nullable=False),
    Column("units", Double, nullable=False),
    Column("revenue", BigInteger, nullable=False),
    Column("first_order_ms", BigInteger),
    Column("last_order_ms", BigInteger),
)

items = Table(
    "items",
    metadata,
    Column("item_id", Id, primary_key=True),
    Column("revision", BigInteger, nullable=False, index=True),
    Column("title", Text),
    Column("category", Text),
    Column("brand", Text),
    Column("price", BigInteger),
    Column("cost", BigInteger),
    Column("image_url", Text),
    Column("url", Text),
    Column("available", Boolean, nullable=False),
    Column("tags", Text, nullable=False),
    Column("attributes", Text, nullable=False),
)

shop = Table(
    "shop",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

invalidations = Table(
    "invalidations",
    metadata,
    Column("customer_id", Id, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

ingest_runs = Table(
    "ingest_runs",
    metadata,
    Column("fingerprint", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("counts", Text, nullable=False),
    Column("finished", Boolean, nullable=False),
)

# Which stage a customer left for which. A record of what was seen, not a truth of its own.
stage_changes = Table(
    "stage_changes",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("customer_id", Id, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index(None, "customer_id"),
    Index(None, "at_ms"),
)

# Segments of the shop's own; the built-in ones are code.
segments = Table(
    "segments",
    metadata,
    Column("name", Id, primary_key=True),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("condition", Text, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
)

segment_members = Table(
    "segment_members",
    metadata,
    Column("segment", Id, primary_key=True),
    Column("customer_id", Id, primary_key=True),
    Column("entered_ms", BigInteger, nullable=False),
    Index(None, "customer_id"),
    sqlite_with_rowid=False,
)

segment_moves = Table(
    "segment_moves",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("segment", Id, nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("entered", Boolean, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "segment", "at_ms"),
    Index(None, "customer_id"),
)

segment_runs = Table(
    "segment_runs",
    metadata,
    Column("segment", Id, primary_key=True),
    Column("refreshed_ms", BigInteger, nullable=False),
    Column("members", BigInteger, nullable=False),
)

# Which customer's an anonymous visitor's events are, in half-open spans of time; no two overlap.
# It follows from the events that carry both ids and from `identity_splits`.
identities = Table(
    "identities",
    metadata,
    Column("anonymous_id", Id, primary_key=True),
    Column("from_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("joined_ms", BigInteger, nullable=False),
    Column("event_seq", Sequence, nullable=False),
    Index(None, "customer_id"),
    sqlite_with_rowid=False,
)

# Whom the shop took apart from whom: events that carry both ids join them no more.
identity_splits = Table(
    "identity_splits",
    metadata,
    Column("anonymous_id", Id, primary_key=True),
    Column("customer_id", Id, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What could not be taken of those who hear of no reasons.
rejected_events = Table(
    "rejected_events",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("received_ms", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("customer_id", Id),
    Column("anonymous_id", Id),
    sqlite_autoincrement=True,
)

# Of a key only its digest is kept; ended ones stay, so that the door never falls open again.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("last_used_ms", BigInteger),
)
