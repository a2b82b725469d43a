"""Conditions as SQL over the table of features, with every value of a user as a parameter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from engine.errors import RequestInvalid
from engine.loyalty.feature import Kind
from engine.segments.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    OfAttribute,
    OfEvents,
    OfFeature,
    OfSegment,
    Op,
    Scalar,
    depth,
    window_ms,
)
from engine.segments.dialects import DIALECTS, Dialect, DialectName
from engine.segments.predicate import as_compared, written_out

Param: TypeAlias = str | int | float
_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
# Customers' own events, and those of the visitors they are joined to.
_EVENTS = """SELECT e.customer_id FROM (
    SELECT seq, type, occurred_ms, customer_id FROM events
    UNION ALL
    SELECT v.seq, v.type, v.occurred_ms, i.customer_id FROM identities AS i
    JOIN events AS v ON v.customer_id IS NULL AND v.anonymous_id = i.anonymous_id
        AND v.occurred_ms >= i.from_ms AND v.occurred_ms < i.until_ms
        AND NOT (v.type = 'refund' AND v.order_id IS NOT NULL)
) AS e"""
_LINES = "SELECT 1 FROM event_lines AS l"
_SIGNS: Mapping[Op, str] = {
    Op.IS: "=",
    Op.IS_NOT: "<>",
    Op.ABOVE: ">",
    Op.AT_LEAST: ">=",
    Op.BELOW: "<",
    Op.AT_MOST: "<=",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A boolean expression for WHERE over `customer_features AS f`, never NULL; its parameters."""

    sql: str
    params: Mapping[str, Param]


def compile_sql(condition: Condition, *, dialect: DialectName, now_ms: int) -> Compiled:
    """The condition in the database's SQL, true for exactly those for whom the predicate holds.

    Placeholders are `:p0` for SQLite, `%(p0)s` for PostgreSQL and `$p0` for DuckDB. An unknown
    feature must be NULL in the table, not NaN; `attributes` is text of `attributes_json`. Raises
    RequestInvalid for a reference to a segment that no book has resolved.
    """
    written = DIALECTS[dialect]
    writer = _Writer(written, now_ms)
    return Compiled(written.whole.format(writer.write(condition)), writer.params)


class _Writer:
    """Writes one condition and gathers its parameters."""

    def __init__(self, dialect: Dialect, now_ms: int) -> None:
        self.params: dict[str, Param] = {}
        self._dialect = dialect
        self._now_ms = now_ms

    def write(self, condition: Condition) -> str:  # noqa: PLR0911 - one case a kind of condition
        """The condition as a boolean expression; its values join the parameters."""
        match condition:
            case AllOf(parts):
                return self._group(" AND ", parts)
            case AnyOf(parts):
                return self._group(" OR ", parts)
            case Not(Not(part)):
                return self.write(part)
            case Not(part):
                return f"NOT {_bracketed(self.write(part))}"
            case OfSegment():
                return self.write(written_out(condition))
            case OfFeature():
                return self._feature(condition)
            case OfAttribute():
                return self._attribute(condition)
            case OfEvents():
                return self._events(condition)

    def _group(self, word: str, parts: tuple[Condition, ...]) -> str:
        # SQLite's parser keeps what stands left of an open bracket: the deepest part goes first.
        ordered = sorted(parts, key=depth, reverse=True)
        return _bracketed(word.join(self.write(part) for part in ordered))

    def _feature(self, leaf: OfFeature) -> str:
        column = _column(leaf.feature)
        if leaf.comparison.op is Op.KNOWN:
            return f"{column} IS {'NOT NULL' if leaf.comparison.value else 'NULL'}"
        if leaf.kind is Kind.MOMENT:
            return _never_null(self._moment(column, leaf.comparison))
        if leaf.kind is Kind.FLAG:
            # A flag is stored as 1 or 0.
            column = f"({column} = 1)"
        return _never_null(self._compared(column, leaf.comparison))

    def _moment(self, column: str, comparison: Comparison) -> str:
        window = window_ms(float(comparison.values[0]))
        first, last = self._param(self._now_ms - window), self._param(self._now_ms + window)
        word = "BETWEEN" if comparison.op is Op.WITHIN_DAYS else "NOT BETWEEN"
        return f"{column} {word} {first} AND {last}"

    def _attribute(self, leaf: OfAttribute) -> str:
        name = self._param(self._dialect.attribute_path(leaf.attribute))
        if leaf.comparison.op is Op.KNOWN:
            there = self._dialect.known.format(name=name)
            return f"{there} IS {'NOT NULL' if leaf.comparison.value else 'NULL'}"
        template = self._template(leaf.comparison.values[0])
        return _never_null(self._compared(template.format(name=name), leaf.comparison))

    def _template(self, value: Scalar) -> str:
        if isinstance(value, bool):
            return self._dialect.flag
        return self._dialect.text if isinstance(value, str) else self._dialect.number

    def _compared(self, value: str, comparison: Comparison) -> str:
        asked = [self._value(each) for each in comparison.values]
        match comparison.op:
            case Op.IN:
                return f"{value} IN ({', '.join(asked)})"
            case Op.BETWEEN:
                return f"{value} BETWEEN {asked[0]} AND {asked[1]}"
            case op:
                return f"{value} {_SIGNS[op]} {asked[0]}"

    def _events(self, leaf: OfEvents) -> str:
        low, high = leaf.bounds()
        if low > 0:
            bounds = [f"count(*) >= {self._param(low)}"] if low > 1 else []
            bounds += [f"count(*) <= {self._param(high)}"] if high is not None else []
            return f"f.customer_id IN ({self._counted(leaf, bounds)})"
        if high is None:
            return "TRUE"
        # No row tells of a customer without events: those who have too many are taken away.
        bounds = [f"count(*) > {self._param(high)}"] if high > 0 else []
        if self._dialect.correlated_absence:
            return f"NOT EXISTS ({self._counted(leaf, bounds, of='f.customer_id')})"
        return f"f.customer_id NOT IN ({self._counted(leaf, bounds)})"

    def _counted(self, leaf: OfEvents, bounds: list[str], *, of: str = "") -> str:
        """A query of the customers whose count of events lies within the bounds."""
        rules = [
            f"e.customer_id = {of}" if of else "e.customer_id IS NOT NULL",
            f"e.type = {self._param(leaf.type.value)}",
            f"e.occurred_ms <= {self._param(self._now_ms)}",
        ]
        since = leaf.since_ms(self._now_ms)
        if since is not None:
            rules.append(f"e.occurred_ms >= {self._param(since)}")
        if leaf.item_id is not None:
            item = self._param(leaf.item_id)
            rules.append(f"EXISTS ({_LINES} WHERE l.event_seq = e.seq AND l.item_id = {item})")
        having = f" GROUP BY e.customer_id HAVING {' AND '.join(bounds)}" if bounds else ""
        return f"{_EVENTS} WHERE {' AND '.join(rules)}{having}"

    def _value(self, value: Scalar) -> str:
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        return self._param(as_compared(value))

    def _param(self, value: Param) -> str:
        name = f"p{len(self.params)}"
        self.params[name] = value
        return self._dialect.placeholder.format(name)


def _never_null(comparison: str) -> str:
    return f"COALESCE({comparison}, FALSE)"


def _bracketed(sql: str) -> str:
    return f"({sql})"


def _column(feature: str) -> str:
    # The registry's names all pass; this keeps any other text out of SQL for good.
    if not _COLUMN.fullmatch(feature):
        raise RequestInvalid(f"{feature!r:.60} is no feature's name; parse the condition first")
    return f'f."{feature}"'
