"""From the event log to histories: what every customer held as of a day.

Aggregation is SQL over the log's columns. What refunds take back is worked out by the same
`net_lines` that the live state uses, for the customers who have refunds; nobody else needs it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from engine.loyalty.net import net_lines
from engine.loyalty.state import CustomerState, Order, OrderLine, Refund

# An owner is a customer ("c" + id) or a guest's order ("g" + id): the letter keeps them apart and
# sorts customers first.
_BOUGHT = """
    create temp table bought as
    select owner, order_id, item_id, min(order_at) as at_ms, sum(units) as units,
           sum(value)::bigint as value
    from (
        select owner, order_id, item_id, quantity as units,
               coalesce(round_even(quantity * unit_price, 0) - discount, 0) as value,
               min(at_ms) over (partition by owner, order_id) as order_at
        from (
            select *, coalesce('c' || customer_id, 'g' || order_id) as owner
            from (
                select * replace (coalesce(order_id, 'event:' || event_id) as order_id)
                from log where type = 'purchase' and at_ms < $cut
            )
        )
    )
    group by owner, order_id, item_id
"""
# A refund that names only its order belongs to whoever placed the order.
_REFUNDED = """
    create temp table refunded as
    with placed as (
        select distinct order_id, customer_id from log
        where type = 'purchase' and at_ms < $cut and customer_id is not null
    )
    select coalesce('c' || log.customer_id, 'c' || placed.customer_id, 'g' || log.order_id)
               as owner,
           at_ms, event_id, line_no, log.order_id, item_id, quantity,
           case when quantity is not null
                then (round_even(quantity * unit_price, 0) - discount)::bigint end as value
    from log left join placed on log.customer_id is null and placed.order_id = log.order_id
    where type = 'refund' and at_ms < $cut and owner is not null
"""
_BOUGHT_BY_REFUNDERS = """
    select owner, at_ms, order_id, item_id, units, value from bought
    where owner in (select owner from refunded) order by owner, at_ms, order_id, item_id
"""
_REFUNDS = "select * from refunded order by owner, at_ms, event_id, line_no"
_HELD = """
    create temp table held as
    select owner, order_id, item_id, at_ms, units, value from bought
    where owner not in (select owner from refunded)
    union all by name
    select * from netted
"""
_ITEMS = "select item_id from held group by item_id order by item_id"
_OWNERS = "select owner, count(*) as lines from held group by owner order by owner"
_COLUMNS = """
    with items as (
        select item_id, row_number() over (order by item_id) - 1 as position
        from (select distinct item_id from held)
    )
    select position::integer as item,
           (dense_rank() over (order by owner, order_id) - 1)::bigint as "order",
           at_ms::bigint as "at", units::float as units, value::bigint as "value"
    from held join items using (item_id)
    order by owner, at_ms, order_id, held.item_id
"""


@dataclass(frozen=True)
class Purchases:
    """What was held just before `until_ms`, by customers and in guests' orders.

    Items are positions in `items`, which is sorted; each guest's order is a row of `guests`.
    """

    customers: Histories
    guests: Histories
    items: IdTable
    until_ms: int


def purchases_before(log: pa.Table, *, cut_ms: int) -> Purchases:
    """Histories from events earlier than the cut, and from nothing later.

    `log` has the columns of `engine.store.log_reader.read_lines`.
    """
    # What does not fit into memory goes to the system's temporary folder, not to the caller's.
    connection = duckdb.connect(config={"temp_directory": tempfile.gettempdir()})
    try:
        connection.register("log", log)
        connection.execute(_BOUGHT, {"cut": cut_ms})
        connection.execute(_REFUNDED, {"cut": cut_ms})
        connection.register("netted", _table(_netted(connection)))
        connection.execute(_HELD)
        return _purchases(connection, cut_ms)
    finally:
        connection.close()


def _purchases(connection: duckdb.DuckDBPyConnection, cut_ms: int) -> Purchases:
    owners = connection.execute(_OWNERS).fetchall()
    items = IdTable(row[0] for row in connection.execute(_ITEMS).fetchall())
    columns = {
        name: np.ascontiguousarray(values)
        for name, values in connection.execute(_COLUMNS).fetchnumpy().items()
    }
    everyone = Histories(
        customers=tuple(owner for owner, _ in owners),
        indptr=np.concatenate(
            [np.zeros(1, np.int64), np.cumsum([lines for _, lines in owners], dtype=np.int64)]
        ),
        **columns,
    )
    people = sum(owner.startswith("c") for owner, _ in owners)
    return Purchases(
        customers=_named(everyone.take(np.arange(people))),
        guests=_named(everyone.take(np.arange(people, len(owners)))),
        items=items,
        until_ms=cut_ms,
    )


def _named(histories: Histories) -> Histories:
    return Histories(
        **{**vars(histories), "customers": tuple(owner[1:] for owner in histories.customers)}
    )


def _netted(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Net lines of everyone who has refunds, as rows of `held`."""
    refunds = {
        owner: tuple(Refund(*row[1:]) for row in rows)
        for owner, rows in groupby(connection.execute(_REFUNDS).fetchall(), key=itemgetter(0))
    }
    bought = connection.execute(_BOUGHT_BY_REFUNDERS).fetchall()
    for owner, rows in groupby(bought, key=itemgetter(0)):
        state = CustomerState(orders=tuple(_orders(rows)), refunds=refunds[owner])
        for line in net_lines(state):
            yield owner, line.order_id, line.item_id, line.at_ms, line.units, line.value


def _orders(rows: Iterable[tuple[Any, ...]]) -> Iterator[Order]:
    for (at_ms, order_id), lines in groupby(rows, key=itemgetter(1, 2)):
        yield Order(at_ms, order_id, tuple(OrderLine(*line[3:]) for line in lines))


def _table(rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * 6
    kinds = {
        "owner": pa.string(),
        "order_id": pa.string(),
        "item_id": pa.string(),
        "at_ms": pa.int64(),
        "units": pa.float64(),
        "value": pa.int64(),
    }
    return pa.table(
        {
            name: pa.array(values, type=kind)
            for (name, kind), values in zip(kinds.items(), columns, strict=True)
        }
    )
