"""From the event log to histories: what every customer held as of a day."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from training.goods import CUSTOMER, held_columns, hold, scratch

_ITEMS = """
    create temp table items as
    select item_id, row_number() over (order by item_id) - 1 as position
    from (select distinct item_id from held)
"""
_ITEM_IDS = "select item_id from items order by position"
_OWNERS = """
    select owner, count(*) as lines from held join orders using (number)
    group by owner order by owner
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
    with scratch() as connection:
        hold(connection, log, cut_ms=cut_ms)
        connection.execute(_ITEMS)
        return _purchases(connection, cut_ms)


def _purchases(connection: duckdb.DuckDBPyConnection, cut_ms: int) -> Purchases:
    owners = connection.execute(_OWNERS).fetchall()
    everyone = Histories(
        customers=tuple(owner for owner, _ in owners),
        indptr=np.concatenate(
            [np.zeros(1, np.int64), np.cumsum([lines for _, lines in owners], dtype=np.int64)]
        ),
        **held_columns(connection),
    )
    people = sum(owner.startswith(CUSTOMER) for owner, _ in owners)
    return Purchases(
        customers=_named(everyone.take(np.arange(people))),
        guests=_named(everyone.take(np.arange(people, len(owners)))),
        items=IdTable(item_id for (item_id,) in connection.execute(_ITEM_IDS).fetchall()),
        until_ms=cut_ms,
    )


def _named(histories: Histories) -> Histories:
    return Histories(
        **{**vars(histories), "customers": tuple(owner[1:] for owner in histories.customers)}
    )
