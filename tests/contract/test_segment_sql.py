"""A condition means the same in Python, SQLite, PostgreSQL and DuckDB."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import duckdb
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import RequestInvalid
from engine.loyalty.feature import Kind
from engine.segments.attributes import attributes_json
from engine.segments.book import SegmentBook
from engine.segments.conditions import Comparison, Condition, OfFeature, Op
from engine.segments.dialects import DialectName
from engine.segments.limits import (
    MAX_WHOLE_DEPTH,
    MAX_WHOLE_EVENTS,
    MAX_WHOLE_NODES,
    MAX_WHOLE_VALUES,
)
from engine.segments.parse import parse
from engine.segments.predicate import predicate
from engine.segments.segment import Segment
from engine.segments.sql import compile_sql
from tests.segment_conditions import FEATURES, NOW_MS, Customer, conditions, population

CUSTOMERS = population(300)
_TYPES = {Kind.FLAG: "SMALLINT", Kind.MOMENT: "BIGINT", Kind.CHOICE: "TEXT", Kind.TEXT: "TEXT"}
_COLUMNS = ", ".join(
    f"{each.name} {_TYPES.get(each.kind, 'DOUBLE PRECISION')}" for each in FEATURES.values()
)
TABLES = (
    "CREATE TABLE customer_features (customer_id TEXT PRIMARY KEY, as_of_ms BIGINT, "
    f"revision BIGINT, cuts_version TEXT, attributes TEXT, {_COLUMNS})",
    "CREATE TABLE events (seq BIGINT PRIMARY KEY, type TEXT NOT NULL, customer_id TEXT, "
    "occurred_ms BIGINT NOT NULL, anonymous_id TEXT, order_id TEXT)",
    "CREATE TABLE identities (anonymous_id TEXT, from_ms BIGINT, until_ms BIGINT, "
    "customer_id TEXT)",
    "CREATE TABLE event_lines (event_seq BIGINT, item_id TEXT NOT NULL)",
)
Rows = dict[str, list[tuple[Any, ...]]]


class Connection(Protocol):
    def execute(self, query: Any, params: Any = ..., /) -> Any: ...


@dataclass(frozen=True)
class Shop:
    """A database that holds the population."""

    dialect: DialectName
    connection: Connection

    def chosen(self, condition: Condition) -> set[str]:
        """The customers for whom the condition is true."""
        compiled = compile_sql(condition, dialect=self.dialect, now_ms=NOW_MS)
        query = f"SELECT f.customer_id FROM customer_features AS f WHERE {compiled.sql}"
        return {row[0] for row in self.connection.execute(query, compiled.params).fetchall()}

    def null(self, condition: Condition) -> int:
        """For how many customers the condition is neither true nor false."""
        compiled = compile_sql(condition, dialect=self.dialect, now_ms=NOW_MS)
        query = f"SELECT count(*) FROM customer_features AS f WHERE ({compiled.sql}) IS NULL"
        return int(self.connection.execute(query, compiled.params).fetchone()[0])


def rows_of(customers: list[Customer]) -> Rows:
    tables: Rows = {"customer_features": [], "events": [], "event_lines": [], "identities": []}
    for number, customer in enumerate(customers):
        values = [
            int(value) if isinstance(value, bool) else value
            for value in (customer.values[name] for name in FEATURES)
        ]
        told = attributes_json(customer.traits) if customer.traits else None
        tables["customer_features"].append((customer.customer_id, 0, 1, "", told, *values))
        # Every third is known by a device, half of whose time is in one span and half in another.
        device = f"device {number}" if number % 3 == 0 else None
        spans = ((0, NOW_MS // 2), (NOW_MS // 2, 2 * NOW_MS)) if device else ()
        tables["identities"] += [(device, *span, customer.customer_id) for span in spans]
        named = None if device else customer.customer_id
        for type_, at, items in customer.events:
            seq = len(tables["events"])
            tables["events"].append((seq, type_.value, named, at, device, None))
            tables["event_lines"] += [(seq, item) for item in items]
    # A guest's event belongs to nobody, and NOT IN must not trip over it.
    tables["events"].append((-1, "view_item", None, NOW_MS, None, None))
    return tables


def filled(connection: Any, mark: str) -> Any:
    """The cursor with the population's tables."""
    for statement in TABLES:
        connection.execute(statement)
    for table, rows in rows_of(CUSTOMERS).items():
        marks = ", ".join([mark] * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    return connection


@pytest.fixture(scope="module")
def shops(make_postgres_url) -> Iterator[tuple[Shop, ...]]:
    with (
        closing(sqlite3.connect(":memory:")) as sqlite,
        duckdb.connect() as duck,
        make_postgres_url() as url,
        psycopg.connect(url, autocommit=True) as postgresql,
        postgresql.cursor() as cursor,
    ):
        yield (
            Shop("sqlite", filled(sqlite, "?")),
            Shop("postgresql", filled(cursor, "%s")),
            Shop("duckdb", filled(duck, "?")),
        )


def held(condition: Condition) -> set[str]:
    holds = predicate(condition)
    return {each.customer_id for each in CUSTOMERS if holds(each.person(), NOW_MS)}


def assert_all_agree(shops: tuple[Shop, ...], condition: Condition) -> None:
    expected = held(condition)
    for shop in shops:
        assert shop.chosen(condition) == expected, shop.dialect
        assert shop.null(condition) == 0, shop.dialect


@settings(max_examples=250)
@given(plain=conditions)
def test_every_database_selects_exactly_those_for_whom_the_predicate_holds(
    shops: tuple[Shop, ...], plain: Mapping[str, Any]
):
    assert_all_agree(shops, parse(plain, FEATURES))


@pytest.mark.parametrize(
    "plain",
    [
        {"feature": "orders", "above": 3},
        {"feature": "turning", "is_not": True},
        {"feature": "last_order_at", "not_within_days": 7},
        {"attribute": "city", "is_not": "tea"},
        {"attribute": "city", "between": [0, 5]},
        {"events": "view_item", "at_most": 1, "within_days": 7},
        {"events": "purchase", "is": 0, "item_id": "it's"},
        {"events": "view_item", "at_least": 0},
        {"events": "purchase", "at_most": 2, "within_days": 1, "item_id": "tea"},
    ],
)
def test_a_condition_and_its_negation_part_the_customers(shops: tuple[Shop, ...], plain):
    condition, negated = parse(plain, FEATURES), parse({"not": plain}, FEATURES)

    everyone = {customer.customer_id for customer in CUSTOMERS}
    for shop in shops:
        chosen, others = shop.chosen(condition), shop.chosen(negated)
        assert chosen | others == everyone
        assert not chosen & others
    assert_all_agree(shops, negated)


def test_no_text_of_a_user_reaches_the_sql(shops: tuple[Shop, ...]):
    evil = "'; DROP TABLE events; --"
    condition = parse(
        {
            "any": [
                {"attribute": evil, "is": evil},
                {"feature": "favourite_category", "in": [evil, "tea"]},
                {"events": "view_item", "at_least": 1, "item_id": evil},
            ]
        },
        FEATURES,
    )

    for shop in shops:
        compiled = compile_sql(condition, dialect=shop.dialect, now_ms=NOW_MS)
        assert "DROP" not in compiled.sql
        assert shop.chosen(condition) == held(condition)


def test_a_feature_that_is_no_name_is_refused():
    evil = OfFeature('x" OR 1=1 --', Kind.FLAG, Comparison(Op.IS, True))

    with pytest.raises(RequestInvalid, match="no feature's name"):
        compile_sql(evil, dialect="sqlite", now_ms=NOW_MS)


def test_other_segments_are_written_out(shops: tuple[Shop, ...]):
    loyal = parse({"feature": "stage", "is": "loyalty"}, FEATURES)
    both = parse({"all": [{"segment": "loyal"}, {"feature": "orders", "above": 1}]}, FEATURES)
    book = SegmentBook([Segment("loyal", "L", "", loyal), Segment("both", "B", "", both)])

    assert_all_agree(shops, book.condition("both"))


LEAF = {"feature": "orders", "known": True}


def deepest() -> dict[str, Any]:
    """The worst that is allowed for a parser: two branches at every level, `not` between."""
    tree: dict[str, Any] = {"attribute": "city", "is": "tea"}
    for level in range(MAX_WHOLE_DEPTH - 1):
        tree = {"not": tree} if level % 2 else {"any" if level % 4 else "all": [LEAF, tree]}
    return tree


def bushy(depth: int) -> dict[str, Any]:
    if depth == 0:
        return {"attribute": "city", "is": "tea"}
    below = bushy(depth - 1)
    return {"not": {"all" if depth % 2 else "any": [below, below]}}


def widest() -> dict[str, Any]:
    ages = [{"attribute": "0", "above": -n} for n in range(MAX_WHOLE_NODES - 1)]
    return {"all": ages}


def most_events() -> dict[str, Any]:
    """Windows of different length, half of which hold for customers without any event."""
    windows = [{"events": "view_item", "within_days": 1 + n} for n in range(MAX_WHOLE_EVENTS)]
    return {
        "all": [
            each | ({"at_most": n} if n % 2 else {"at_least": 1}) for n, each in enumerate(windows)
        ]
    }


def most_values() -> dict[str, Any]:
    lists = [[f"v{n}" for n in range(1_000)] for _ in range(MAX_WHOLE_VALUES // 1_000)]
    return {"any": [{"attribute": "city", "in": [*each[:-1], "tea"]} for each in lists]}


@pytest.mark.parametrize(
    "tree",
    [deepest(), bushy(8), widest(), most_events(), most_values()],
    ids=["deepest", "bushy", "widest", "most events", "most values"],
)
def test_the_largest_conditions_allowed_still_run(shops: tuple[Shop, ...], tree, monkeypatch):
    monkeypatch.setattr("engine.segments.parse.MAX_DEPTH", MAX_WHOLE_DEPTH)
    monkeypatch.setattr("engine.segments.parse.MAX_NODES", MAX_WHOLE_NODES)
    segment = Segment("large", "Large", "", parse(tree, FEATURES))

    assert_all_agree(shops, SegmentBook([segment]).condition("large"))


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.floats() | st.integers()))
def test_any_attributes_can_be_stored_and_asked(traits: dict[str, Any]):
    with closing(sqlite3.connect(":memory:")) as sqlite, duckdb.connect() as duck:
        told = attributes_json(traits)

        assert sqlite.execute("SELECT json_valid(?)", (told,)).fetchone() == (1,)
        assert duck.execute("SELECT json_valid(?)", (told,)).fetchone() == (True,)
