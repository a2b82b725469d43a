"""From the lines of the log to what every customer, and every guest's order, still holds.

Aggregation is SQL over the log's columns. What refunds take back is worked out by the same
`net_lines` that the live state uses, for the customers who have refunds; nobody else needs it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.loyalty.net import net_lines
from engine.loyalty.state import UNIT_DIGITS, CustomerState, Order, OrderLine, Refund

Variables: TypeAlias = Mapping[str, int | float | str]

CUSTOMER = "c"
# DuckDB by itself would take most of the machine's, beside what else a training holds.
MEMORY_LIMIT = "4GB"
_MILLIONTHS = 10**UNIT_DIGITS
# An owner is a customer ("c" + id) or a guest's order ("g" + id): the letter keeps them apart and
# sorts customers first.
_LINES = """
    create temp view lines as
    select told.*, units, coalesce('c' || customer_id, 'g' || order_id) as owner
    from (
        select * replace (
            case when type = 'purchase' then coalesce(order_id, 'event:' || event_id)
                 else order_id end as order_id
        )
        from log where at_ms < getvariable('cut')
    ) as told
    left join counted using (quantity)
"""
# An order may come in parts: it starts with its earliest one.
_ORDERS = """
    create temp table orders as
    select owner, order_id, at_ms, row_number() over (order by owner, at_ms, order_id) - 1 as number
    from (
        select owner, order_id, min(at_ms) as at_ms from lines
        where type = 'purchase' group by owner, order_id
    )
"""
# Millionths are added up as whole numbers, so that a sum does not depend on its order.
_BOUGHT = """
    create temp table bought as
    select number, item_id,
           sum(coalesce(round_even(units * getvariable('millionths'), 0), 0)::bigint)::bigint
               / getvariable('millionths') as units,
           sum(coalesce(round_even(quantity * unit_price, 0)::bigint - discount, 0))::bigint
               as value,
           sum(discount)::bigint as discount
    from lines join orders using (owner, order_id) where type = 'purchase'
    group by number, item_id
"""
# A refund that names only its order belongs to whoever placed the order.
_REFUNDED = """
    create temp table refunded as
    with placed as (
        select distinct order_id, customer_id from log
        where type = 'purchase' and at_ms < getvariable('cut') and customer_id is not null
    )
    select coalesce('c' || placed.customer_id, lines.owner) as owner, at_ms, event_id, line_no,
           lines.order_id, item_id, units,
           case when quantity is not null
                then (round_even(quantity * unit_price, 0) - discount)::bigint end as value
    from lines left join placed on lines.customer_id is null and placed.order_id = lines.order_id
    where type = 'refund' and lines.owner is not null
"""
_BOUGHT_BY_REFUNDERS = """
    select owner, number, at_ms, order_id, item_id, units, value, discount
    from bought join orders using (number)
    where owner in (select owner from refunded) order by number, item_id
"""
_REFUNDS = "select * from refunded order by owner, at_ms, event_id, line_no"
_HELD = """
    create temp table held as
    select * from bought
    where number not in (
        select number from orders where owner in (select owner from refunded)
    )
    union all by name
    select * from netted
"""
_COLUMNS = """
    select position::integer as item, number as "order", at_ms as "at",
           units::float as units, "value", discount
    from held join orders using (number) join items using (item_id)
    where starts_with(owner, $owners)
    order by number, position
"""
_NETTED = pa.schema(
    [
        ("number", pa.int64()),
        ("item_id", pa.string()),
        ("units", pa.float64()),
        ("value", pa.int64()),
        ("discount", pa.int64()),
    ]
)


def silence(connection: duckdb.DuckDBPyConnection) -> None:
    """No bars of DuckDB's own beside ours, which long queries would draw."""
    # All of the result: with part of it unread the connection would do nothing else.
    shown = connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    # In a notebook without widgets there is none, and to say so is an error.
    if shown == [(True,)]:
        connection.execute("SET enable_progress_bar = false")


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, closed afterwards."""
    # What does not fit into memory goes to the system's temporary folder, not to the caller's.
    connection = duckdb.connect(
        config={"temp_directory": tempfile.gettempdir(), "memory_limit": MEMORY_LIMIT}
    )
    try:
        silence(connection)
        yield connection
    finally:
        connection.close()


def settle(connection: duckdb.DuckDBPyConnection, variables: Variables) -> None:
    """Let queries ask for the values by `getvariable`."""
    for name, value in variables.items():
        connection.execute(f"set variable {name} = ?", [value])


def hold(connection: duckdb.DuckDBPyConnection, log: pa.Table, *, cut_ms: int) -> None:
    """Make tables of what was before the cut; `log` is as `log_reader.read_lines` gives it.

    `orders` has the `number`, owner and time of each order, sorted by them; `bought` what orders
    held before refunds and `held` what they hold after them, by number and item; `netted` is the
    part of `held` whose owners have something in `refunded`. `lines` is the log itself.
    """
    connection.register("log", log)
    settle(connection, {"cut": int(cut_ms), "millionths": _MILLIONTHS})
    _count(connection)
    for statement in (_LINES, _ORDERS, _BOUGHT, _REFUNDED):
        connection.execute(statement)
    connection.register("netted", table(_netted(connection), _NETTED))
    connection.execute(_HELD)


def held_columns(connection: duckdb.DuckDBPyConnection, *, owners: str = "") -> dict[str, Any]:
    """The columns of Histories of what is held, sorted by owner, order and item.

    Of owners whose name begins with `owners`. The table `items` says each item's `position`.
    """
    return columns(connection.execute(_COLUMNS, {"owners": owners}))


def columns(result: duckdb.DuckDBPyConnection) -> dict[str, NDArray[Any]]:
    """A query's columns by name, which must hold no nulls."""
    return {name: np.ascontiguousarray(values) for name, values in result.fetchnumpy().items()}


def table(rows: Iterable[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """The rows as columns."""
    values = list(zip(*rows, strict=True)) or [()] * len(schema)
    kinds = zip(values, schema, strict=True)
    return pa.table([pa.array(own, kind.type) for own, kind in kinds], schema=schema)


def _count(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `counted`: what every quantity comes to, rounded as the fold rounds it."""
    told = connection.execute("select distinct quantity from log where quantity is not null")
    quantities = [quantity for (quantity,) in told.fetchall()]
    units = [round(quantity, UNIT_DIGITS) for quantity in quantities]
    kinds = pa.schema([("quantity", pa.float64()), ("units", pa.float64())])
    connection.register("counted", table(zip(quantities, units, strict=True), kinds))


def _netted(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Net lines of everyone who has refunds, as rows of `held`."""
    refunds = {
        owner: tuple(Refund(*row[1:]) for row in rows)
        for owner, rows in groupby(connection.execute(_REFUNDS).fetchall(), key=itemgetter(0))
    }
    bought = connection.execute(_BOUGHT_BY_REFUNDERS).fetchall()
    for owner, rows in groupby(bought, key=itemgetter(0)):
        orders = dict(_orders(rows))
        numbers = {order.order_id: number for number, order in orders.items()}
        state = CustomerState(orders=tuple(orders.values()), refunds=refunds[owner])
        for line in net_lines(state):
            yield numbers[line.order_id], line.item_id, line.units, line.value, line.discount


def _orders(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Order]]:
    for (number, at_ms, order_id), lines in groupby(rows, key=itemgetter(1, 2, 3)):
        yield number, Order(at_ms, order_id, tuple(OrderLine(*line[4:]) for line in lines))
