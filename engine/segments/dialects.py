"""How SQLite, PostgreSQL and DuckDB write what they write differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

DialectName: TypeAlias = Literal["sqlite", "postgresql", "duckdb"]


@dataclass(frozen=True)
class Dialect:
    """One database's words: placeholders, and attributes read as one type or NULL.

    In the templates `{name}` stands for the placeholder of the attribute's name, which
    `attribute_path` turns into what the JSON function takes.
    """

    placeholder: str
    text: str
    number: str
    flag: str
    known: str
    attribute_path: Callable[[str], str]
    # PostgreSQL hashes a NOT IN only while it fits in work_mem, and reads all of it for every
    # customer when it does not; asking for each customer by the index is never worse than slow.
    correlated_absence: bool = False
    # What the whole expression is written into.
    whole: str = "{}"


def _itself(name: str) -> str:
    return name


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _sqlite(value: str) -> str:
    # json_each compares keys as they read; a path would need quotes that SQLite cannot escape.
    query = f"SELECT {value} FROM json_each(f.attributes) AS a"  # noqa: S608 - texts of ours
    return f"({query} WHERE a.key = {{name}})"


def _postgresql(types: str, value: str) -> str:
    typed = "jsonb_typeof(f.attributes::jsonb -> {name}::text)"
    return f"(CASE WHEN {typed} IN ({types}) THEN {value} END)"


def _duckdb(types: str, value: str) -> str:
    return f"(CASE WHEN json_type(f.attributes, {{name}}) IN ({types}) THEN {value} END)"


_POSTGRESQL_VALUE = "f.attributes::jsonb ->> {name}::text"
_DUCKDB_VALUE = "json_extract_string(f.attributes, {name})"
_DUCKDB_NUMBERS = "'BIGINT', 'UBIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE'"

DIALECTS: Mapping[DialectName, Dialect] = {
    "sqlite": Dialect(
        placeholder=":{}",
        text=_sqlite("CASE WHEN a.type = 'text' THEN a.atom END"),
        number=_sqlite("CASE WHEN a.type IN ('integer', 'real') THEN CAST(a.atom AS REAL) END"),
        flag=_sqlite("CASE WHEN a.type IN ('true', 'false') THEN a.type = 'true' END"),
        known=_sqlite(
            "CASE WHEN a.type IN ('text', 'integer', 'real', 'true', 'false') THEN 1 END"
        ),
        attribute_path=_itself,
    ),
    "postgresql": Dialect(
        placeholder="%({})s",
        text=_postgresql("'string'", _POSTGRESQL_VALUE),
        number=_postgresql("'number'", f"({_POSTGRESQL_VALUE})::double precision"),
        flag=_postgresql("'boolean'", f"({_POSTGRESQL_VALUE})::boolean"),
        known=_postgresql("'string', 'number', 'boolean'", "1"),
        attribute_path=_itself,
        correlated_absence=True,
    ),
    "duckdb": Dialect(
        placeholder="${}",
        text=_duckdb("'VARCHAR'", _DUCKDB_VALUE),
        number=_duckdb(_DUCKDB_NUMBERS, f"TRY_CAST({_DUCKDB_VALUE} AS DOUBLE)"),
        flag=_duckdb("'BOOLEAN'", f"TRY_CAST({_DUCKDB_VALUE} AS BOOLEAN)"),
        known=_duckdb(f"'VARCHAR', 'BOOLEAN', {_DUCKDB_NUMBERS}", "1"),
        attribute_path=_pointer,
        # DuckDB compares every pair of conditions joined by AND at the top: a hundred take a
        # second, five hundred minutes. Inside CASE it leaves them alone.
        whole="CASE WHEN {} THEN TRUE ELSE FALSE END",
    ),
}
