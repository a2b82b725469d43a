"""Text to numbers, money and moments: macros in DuckDB, and how one file writes them."""

from __future__ import annotations

from datetime import datetime

import duckdb

from engine.domain.events import MAX_AHEAD
from engine.errors import DataRefused, SettingsError
from training.ingest.options import Reading

_CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
_OFFSET = r" ?([zZ]|UTC|[+-][0-9]{2}(:?[0-9]{2})?)"

MACROS = rf"""
-- Blanks, line ends, no-break spaces and byte order marks around the text; NULL when that is all.
CREATE MACRO clean(t) AS
  nullif(trim(t, ' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(65279)), '');

-- The plain spelling of a number, NULL when it is none in the file's way of writing them.
CREATE MACRO plain(t) AS CASE
  WHEN regexp_full_match(t, '[+-]?[0-9]+') THEN t
  WHEN getvariable('comma') THEN CASE
    WHEN regexp_full_match(t, '[+-]?[0-9]*,[0-9]+') THEN replace(t, ',', '.')
    WHEN regexp_full_match(t, '[+-]?[0-9]{{1,3}}(\.[0-9]{{3}})+(,[0-9]*)?')
      THEN replace(replace(t, '.', ''), ',', '.')
  END
  WHEN regexp_full_match(t, '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{{1,2}})?') THEN t
  WHEN regexp_full_match(t, '[+-]?[0-9]{{1,3}}(,[0-9]{{3}})+(\.[0-9]*)?') THEN replace(t, ',', '')
END;

CREATE MACRO number(t) AS try_cast(plain(t) AS DOUBLE);

-- Without one currency sign before or behind: "-£2.55", "2,55 €".
CREATE MACRO unsigned(t) AS CASE
  WHEN regexp_full_match(t, '[0-9.,+-]*') THEN t
  ELSE regexp_replace(t, '^([+-]?)[$€£¥] ?|[ \x{{a0}}\x{{202f}}]?[$€£¥]$', '\1')
END;

-- In minor units. The tenth of a thousandth is noise of binary fractions: 1.1 * 100 is not 110.
CREATE MACRO minor(t) AS round(number(unsigned(t)) * getvariable('scale'), 4);

CREATE MACRO from_local(t) AS CASE
  WHEN getvariable('zone') = 'UTC' THEN epoch_ms(t)
  ELSE epoch_ms(timezone(getvariable('zone'), t))
END;

CREATE MACRO half_day(t) AS
  try_strptime(upper(t), ['%Y-%m-%d %I:%M %p', '%Y-%m-%d %I:%M:%S %p', '%Y-%m-%d %I:%M%p']);

CREATE MACRO year_first(t) AS CASE
  WHEN getvariable('month_first') AND NOT regexp_matches(t, '^[0-9]+\.')
  THEN regexp_replace(t, '^([0-9]+)[/.-]([0-9]+)[/.-]([0-9]+)', '\3-\1-\2')
  ELSE regexp_replace(t, '^([0-9]+)[/.-]([0-9]+)[/.-]([0-9]+)', '\3-\2-\1')
END;

-- Milliseconds since 1970 UTC, NULL when the text is no moment.
CREATE MACRO any_moment(t) AS CASE
  WHEN regexp_full_match(t, '[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}([T ]{_CLOCK})?')
    THEN from_local(try_cast(t AS TIMESTAMP))
  WHEN regexp_full_match(t, '[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}[T ]{_CLOCK}{_OFFSET}')
    THEN epoch_ms(try_cast(regexp_replace(regexp_replace(t,
      ' ?([zZ]|UTC)$', '+00'), ' ?([+-][0-9]{{2}}):?([0-9]{{2}})$', '\1:\2') AS TIMESTAMPTZ))
  WHEN regexp_full_match(t, '[0-9]{{1,2}}([/.-])[0-9]{{1,2}}[/.-][0-9]{{4}}([T ]{_CLOCK})?')
    THEN from_local(try_cast(year_first(t) AS TIMESTAMP))
  WHEN regexp_full_match(t, '[0-9]{{1,2}}[/.-][0-9]{{1,2}}[/.-][0-9]{{4}} {_CLOCK} ?[aApP][mM]')
    THEN from_local(half_day(year_first(t)))
  WHEN regexp_full_match(t, '(19|20)[0-9]{{6}}') THEN from_local(try_strptime(t, '%Y%m%d'))
  WHEN regexp_full_match(t, '[0-9]{{9,10}}(\.[0-9]+)?')
    THEN try_cast(floor(try_cast(t AS DOUBLE) * 1000) AS BIGINT)
  WHEN regexp_full_match(t, '[0-9]{{12,13}}') THEN try_cast(t AS BIGINT)
END;
"""

_MOMENT = "CREATE MACRO moment(t) AS any_moment(t)"
_MOMENT_BY_PATTERN = "CREATE MACRO moment(t) AS from_local(try_strptime(t, getvariable('pattern')))"
_MOMENT_WITH_OFFSET = "CREATE MACRO moment(t) AS epoch_ms(try_strptime(t, getvariable('pattern')))"

# Which of comma and dot ends the whole part: seen where one or two digits follow, or both occur.
_MARKS = r"""
SELECT
  count(*) FILTER (regexp_matches(t, '(^|[^.,0-9])[0-9]{1,3}(\.[0-9]{3})*,[0-9]{1,2}[^0-9]*$')),
  count(*) FILTER (regexp_matches(t, '\.[0-9]{1,2}[^0-9]*$'))
FROM numerals WHERE contains(t, ',') OR contains(t, '.')
"""

_DAY_AND_MONTH = r"""
SELECT
  count(*) FILTER (first > 12 AND second <= 12),
  count(*) FILTER (second > 12 AND first <= 12),
  count(*) FILTER (first <= 12 AND second <= 12 AND first <> second),
  any_value(t) FILTER (first <= 12 AND second <= 12 AND first <> second)
FROM (
  SELECT
    occurred_at AS t,
    try_cast(regexp_extract(occurred_at, '^([0-9]{1,2})[/-]', 1) AS INTEGER) AS first,
    try_cast(regexp_extract(occurred_at, '^[0-9]{1,2}[/-]([0-9]{1,2})[/-]', 1) AS INTEGER) AS second
  FROM fields
  WHERE regexp_matches(occurred_at, '^[0-9]{1,2}[/-][0-9]{1,2}[/-][0-9]{4}')
)
"""

# ISO 4217: currencies whose minor unit is not a hundredth.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = {
    **dict.fromkeys(_WHOLE.split(" "), 0),
    **dict.fromkeys(_THOUSANDTHS.split(" "), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
USUAL_DIGITS = 2


def minor_digits(currency: str | None) -> int:
    """How many decimals the currency's amounts have; two when no currency is stated."""
    return _DIGITS.get(currency or "", USUAL_DIGITS)


def prepare(connection: duckdb.DuckDBPyConnection, reading: Reading, *, now: datetime) -> None:
    """Make the macros, set for the reading's zone and time format; needs the view `fields`."""
    connection.execute(MACROS)
    _set(connection, "zone", reading.timezone)
    _set(connection, "shift_ms", reading.shift_days * 86_400_000)
    _set(connection, "latest_ms", int((now + MAX_AHEAD).timestamp() * 1000))
    if reading.timezone != "UTC":
        _try_zone(connection, reading.timezone)
    if "%" not in reading.time_format:
        connection.execute(_MOMENT)
        return
    _set(connection, "pattern", reading.time_format)
    offset = "%z" in reading.time_format
    connection.execute(_MOMENT_WITH_OFFSET if offset else _MOMENT_BY_PATTERN)
    try:
        connection.execute("SELECT moment('')")
    except duckdb.Error as error:
        raise SettingsError(
            f"--time-format {reading.time_format}: no such pattern; write one such as "
            "'%d.%m.%y %H:%M'"
        ) from error


def settle_money(connection: duckdb.DuckDBPyConnection, currency: str | None) -> None:
    """Fix the currency that amounts are in, None when nobody says."""
    _set(connection, "currency", currency)
    connection.execute(f"SET VARIABLE scale = 1e{minor_digits(currency)}::DOUBLE")


def settle_spelling(
    connection: duckdb.DuckDBPyConnection, reading: Reading, *, source: str
) -> None:
    """Find out how the file writes numbers and dates; raises DataRefused where it cannot tell."""
    marks = connection.execute(_MARKS).fetchone() or (0, 0)
    _set(connection, "comma", bool(marks[0] > marks[1]))
    _set(connection, "month_first", _month_first(connection, reading, source=source))


def _month_first(connection: duckdb.DuckDBPyConnection, reading: Reading, *, source: str) -> bool:
    if reading.time_format != "auto":
        return reading.time_format == "mdy"
    day_first, month_first, either, example = connection.execute(_DAY_AND_MONTH).fetchone() or (
        0,
        0,
        0,
        None,
    )
    if bool(day_first) == bool(month_first) and (either or day_first):
        raise DataRefused(
            f"{example or 'the dates'}: day or month first? say --time-format dmy or mdy",
            source=source,
        )
    return bool(month_first)


def _try_zone(connection: duckdb.DuckDBPyConnection, zone: str) -> None:
    try:
        connection.execute("SELECT timezone(getvariable('zone'), TIMESTAMP '2000-01-01')")
    except duckdb.Error as error:
        raise SettingsError(
            f"--timezone {zone}: no such time zone; write one such as Europe/Berlin or UTC"
        ) from error


def _set(connection: duckdb.DuckDBPyConnection, name: str, value: object) -> None:
    connection.execute(f"SET VARIABLE {name} = ?", [value])
