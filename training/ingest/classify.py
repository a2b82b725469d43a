"""What becomes of every row: exactly one class each, in the table `judged`."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from engine.domain.events import MAX_ID_LENGTH, MAX_MINOR_UNITS, MAX_QUANTITY, check_id
from engine.errors import DataRefused, RequestInvalid
from training.ingest.parse import settle_money

ACCEPTED = "accepted"
GUEST_ORDER = "guest_order"
REFUND = "refund"
NOT_A_PRODUCT = "not_a_product"
DUPLICATE = "duplicate"
REJECTED = "rejected: "

# Rows of these classes go into the log, unless it holds them already.
USABLE = (ACCEPTED, GUEST_ORDER, REFUND)
# An order of this many lines is a column taken for the order's by mistake.
MAX_ORDER_LINES = 50_000
BATCH_LINES = 20_000
_ID_CHUNK = 50_000

# Rows that repeat an earlier one in every column. The hash only narrows the search.
_REPEATS = """
CREATE TABLE repeats AS
WITH hashed AS (SELECT line, hash({columns}) AS digest FROM raw WHERE broken IS NULL),
twins AS (
  SELECT line FROM hashed
  WHERE digest IN (SELECT digest FROM hashed GROUP BY digest HAVING count(*) > 1)
)
SELECT line FROM (
  SELECT line, row_number() OVER (PARTITION BY {columns} ORDER BY line) AS occurrence
  FROM raw WHERE broken IS NULL AND line IN (SELECT line FROM twins)
) WHERE occurrence > 1
"""

# Ids of anything but plain ASCII are for Python to judge: printable means what it means there.
_UNUSUAL_IDS = r"""
SELECT DISTINCT id FROM (
  SELECT unnest([customer_id, item_id, order_id]) AS id FROM meant
) WHERE NOT regexp_full_match(id, '[ -~]{1,200}')
"""

# The unit price is the exact one rounded up, and the discount grows by what that adds, so that
# the line is worth to the last minor unit what was paid. Half of a unit goes to the even one, as
# in `Line.value`.
_JUDGED = f"""
CREATE TABLE judged AS
WITH priced AS (
  SELECT
    * EXCLUDE (at_ms, order_id),
    at_ms + getvariable('shift_ms') AS at_ms,
    coalesce(
      order_id, customer_id || '@' || strftime(make_timestamp(at_ms * 1000), '%Y-%m-%dT%H:%M:%SZ')
    ) AS order_id,
    abs(units) AS quantity,
    try_cast(ceil(price) AS BIGINT) AS unit_price
  FROM (SELECT * REPLACE (round(price, 4) AS price) FROM meant)
), summed AS (
  SELECT
    *,
    round_even(quantity * unit_price, 0) AS gross,
    round(abs(discount)) AS stated
  FROM priced
), told AS (
  SELECT
    *,
    CASE WHEN unit_price IS NULL THEN try_cast(stated AS BIGINT)
      ELSE try_cast(stated + gross - round_even(quantity * price, 0) AS BIGINT)
    END AS deducted
  FROM summed
)
SELECT
  line, customer_id, item_id, order_id, at_ms, quantity, unit_price, deducted AS discount, loose,
  CASE
    WHEN broken IS NOT NULL THEN '{REJECTED}' || broken
    WHEN line IN (SELECT line FROM repeats) THEN '{DUPLICATE}'
    WHEN NOT product THEN '{NOT_A_PRODUCT}'
    WHEN item_id IS NULL THEN '{REJECTED}missing_item'
    WHEN occurred_at IS NULL THEN '{REJECTED}missing_time'
    WHEN at_ms IS NULL THEN '{REJECTED}bad_time'
    WHEN at_ms < 0 THEN '{REJECTED}before_1970'
    WHEN at_ms > getvariable('latest_ms') THEN '{REJECTED}future_time'
    WHEN order_id IS NULL THEN '{REJECTED}missing_order'
    WHEN item_id IN (SELECT id FROM unusable) OR order_id IN (SELECT id FROM unusable)
      OR customer_id IN (SELECT id FROM unusable) OR length(order_id) > {MAX_ID_LENGTH}
      THEN '{REJECTED}bad_id'
    WHEN NOT regexp_full_match(currency, '[A-Z]{{3}}') THEN '{REJECTED}bad_currency'
    WHEN currency <> getvariable('currency') THEN '{REJECTED}other_currency'
    WHEN quantity IS NULL OR NOT quantity <= {MAX_QUANTITY} THEN '{REJECTED}bad_quantity'
    WHEN quantity = 0 THEN '{REJECTED}zero_quantity'
    WHEN wrong IS NOT NULL THEN '{REJECTED}' || wrong
    WHEN priced AND price IS NULL THEN '{REJECTED}bad_price'
    WHEN price < 0 THEN '{REJECTED}negative_price'
    WHEN price = 0 THEN '{REJECTED}zero_price'
    WHEN priced AND (unit_price IS NULL OR unit_price > {MAX_MINOR_UNITS}
      OR gross > {MAX_MINOR_UNITS}) THEN '{REJECTED}bad_price'
    WHEN deducted IS NULL OR (discount < 0 AND NOT returned) OR deducted > {MAX_MINOR_UNITS}
      OR deducted > gross THEN '{REJECTED}bad_discount'
    WHEN returned AND loose AND customer_id IS NULL THEN '{REJECTED}refund_of_unknown_customer'
    WHEN returned THEN '{REFUND}'
    WHEN customer_id IS NULL THEN '{GUEST_ORDER}'
    ELSE '{ACCEPTED}'
  END AS class
FROM told
"""  # noqa: S608 - names of ours

_USABLE_SQL = "('accepted', 'guest_order', 'refund')"

# Orders whose rows do not agree on the customer; the first named one owns the order.
_OWNERS = f"""
CREATE TABLE owners AS
SELECT order_id, arg_min(customer_id, line) FILTER (customer_id IS NOT NULL) AS owner
FROM judged WHERE class IN {_USABLE_SQL}
GROUP BY order_id HAVING min(coalesce(customer_id, '')) <> max(coalesce(customer_id, ''))
"""  # noqa: S608 - names of ours

_SETTLE_OWNERS = f"""
UPDATE judged SET
  customer_id = coalesce(customer_id, owner),
  class = CASE
    WHEN customer_id <> owner THEN '{REJECTED}order_of_another_customer'
    WHEN class = '{GUEST_ORDER}' THEN '{ACCEPTED}'
    ELSE class
  END
FROM owners WHERE judged.order_id = owners.order_id AND class IN {_USABLE_SQL}
"""  # noqa: S608 - names of ours

# An order begins with its earliest purchase line. Orders of one customer stand together, so that
# a customer's state is written about once.
_ORDERS = f"""
CREATE TABLE orders AS
SELECT
  *,
  row_number() OVER sorted AS position,
  (sum(size) OVER (sorted ROWS UNBOUNDED PRECEDING) - size) // {BATCH_LINES} AS batch
FROM (
  SELECT
    order_id, any_value(customer_id) AS customer_id, count(*) AS size,
    coalesce(min(at_ms) FILTER (class <> '{REFUND}'), min(at_ms)) AS at_ms
  FROM judged WHERE class IN {_USABLE_SQL} GROUP BY order_id
)
WINDOW sorted AS (ORDER BY customer_id NULLS LAST, at_ms, order_id)
"""  # noqa: S608 - names of ours

_LINES = f"""
CREATE TABLE lines AS
SELECT
  batch::BIGINT AS batch, position, orders.order_id, orders.customer_id, orders.at_ms AS order_at,
  line, judged.at_ms, item_id, quantity, unit_price, discount, class, loose
FROM judged JOIN orders USING (order_id)
WHERE class IN {_USABLE_SQL}
ORDER BY batch, position, line
"""  # noqa: S608 - names of ours


def settle_currency(
    connection: duckdb.DuckDBPyConnection, *, shop: str | None, stated: str | None, source: str
) -> str | None:
    """The currency of the file's sums: the shop's, or the one stated, or its only one.

    None when nobody says. Raises DataRefused when they contradict each other.
    """
    if shop and stated and shop != stated:
        raise DataRefused(
            f"the sums are in {stated}, this shop's are in {shop}; convert them first, "
            "or use another REGULARS_HOME",
            source=source,
        )
    currency = shop or stated
    settle_money(connection, currency)
    if currency is None:
        found = connection.execute(
            "SELECT DISTINCT currency FROM meant WHERE regexp_full_match(currency, '[A-Z]{3}') "
            "ORDER BY 1 LIMIT 2"
        ).fetchall()
        if len(found) > 1:
            raise DataRefused(
                f"sums in {found[0][0]} and in {found[1][0]}; say which is the shop's "
                f"with --currency {found[0][0]}",
                source=source,
            )
        currency = found[0][0] if found else None
        settle_money(connection, currency)
    return currency


def classify(connection: duckdb.DuckDBPyConnection, *, width: int, source: str) -> None:
    """Make the table `judged`, every row with its class, and `lines`, the usable ones in order."""
    columns = ", ".join(f"c{index}" for index in range(width))
    connection.execute(_REPEATS.format(columns=columns))
    connection.execute("CREATE TABLE unusable (id VARCHAR)")
    for some in _unusable_ids(connection):
        connection.register("some_ids", pa.table({"id": pa.array(some, pa.string())}))
        connection.execute("INSERT INTO unusable SELECT id FROM some_ids")
        connection.unregister("some_ids")
    for statement in (_JUDGED, _OWNERS, _SETTLE_OWNERS, _ORDERS):
        connection.execute(statement)
    _check_order_size(connection, source=source)
    connection.execute(_LINES)


def _unusable_ids(connection: duckdb.DuckDBPyConnection) -> Iterator[list[str]]:
    connection.execute("CREATE TABLE unusual AS " + _UNUSUAL_IDS)
    offset = 0
    while some := connection.execute(
        "SELECT id FROM unusual LIMIT ? OFFSET ?", [_ID_CHUNK, offset]
    ).fetchall():
        offset += len(some)
        wrong = [each for (each,) in some if not _is_id(each)]
        if wrong:
            yield wrong


def _is_id(text: str) -> bool:
    try:
        check_id(text, field="id")
    except RequestInvalid:
        return False
    return True


def _check_order_size(connection: duckdb.DuckDBPyConnection, *, source: str) -> None:
    found = connection.execute(
        "SELECT order_id, size FROM orders ORDER BY size DESC, order_id LIMIT 1"
    ).fetchone()
    if found and found[1] > MAX_ORDER_LINES:
        raise DataRefused(
            f"{found[1]} rows name the order {found[0]!r}: is --map order_id=COLUMN right?",
            source=source,
        )
