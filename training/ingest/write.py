"""Usable rows into the log, a batch of orders in each transaction."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb

from engine.errors import DataRefused
from engine.feedback import record_in
from engine.ports import IngestRun, Ledger, LedgerTransaction, Outcome
from engine.receipts import entry_of
from training.ingest.classify import DUPLICATE
from training.ingest.orders import Planned, Row, plan
from training.progress import Advance

_BATCH = """
SELECT
  position, order_id, customer_id, order_at, at_ms, item_id, quantity, unit_price, discount, class,
  loose
FROM lines WHERE batch = ? ORDER BY position, line
"""


@dataclass(frozen=True, slots=True)
class Writing:
    """One file's way into the log."""

    fingerprint: str
    source: str
    currency: str | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the usable rows; `resumed` when an earlier run had written some of them."""

    counts: dict[str, int]
    resumed: bool


def write(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, writing: Writing, *, done: Advance
) -> Written:
    """The rows' classes after the log has had its say: a line it holds already is a duplicate.

    An interrupted run of the same file and reading is taken up after its last batch.
    """
    numbers = [
        int(number)
        for (number,) in connection.execute(
            "SELECT DISTINCT batch FROM lines ORDER BY 1"
        ).fetchall()
    ]
    before = ledger.run(writing.fingerprint)
    resumed = before is not None and not before.finished
    start = before.position if before is not None and resumed else 0
    counts = Counter(before.counts if before is not None and resumed else {})
    for number in [each for each in numbers if each >= start] or [start]:
        rows = [Row(*values) for values in connection.execute(_BATCH, [number]).fetchall()]
        with ledger.transaction() as transaction:
            _settle(transaction, writing)
            counts.update(_record(transaction, rows, writing))
            finished = not numbers or number >= numbers[-1]
            transaction.note_run(
                IngestRun(writing.fingerprint, writing.source, number + 1, counts, finished)
            )
        done(number + 1)
    return Written(dict(counts), resumed)


def _settle(transaction: LedgerTransaction, writing: Writing) -> None:
    settled = transaction.shop_currency(writing.currency)
    if writing.currency is not None and settled != writing.currency:
        raise DataRefused(
            f"the sums are in {writing.currency}, this shop's are in {settled}; convert them first",
            source=writing.source,
        )


def _record(transaction: LedgerTransaction, rows: Sequence[Row], writing: Writing) -> Counter[str]:
    known = transaction.order_lines(list(dict.fromkeys(row.order_id for row in rows)))
    planned: list[Planned] = []
    for _, group in itertools.groupby(rows, key=lambda row: row.position):
        order = list(group)
        held = known.get(order[0].order_id, set())
        planned.extend(plan(order, known=held, currency=writing.currency))
    entries = [entry_of(each.event, received_at=writing.now) for each in planned]
    outcomes = record_in(transaction, entries)
    counts: Counter[str] = Counter()
    for each, outcome in zip(planned, outcomes, strict=True):
        # Ids come from the content: one met again in another guise is the same row, told of an
        # order that has become known since.
        counts[each.row_class if outcome is Outcome.ACCEPTED else DUPLICATE] += each.rows
    counts[DUPLICATE] += len(rows) - sum(each.rows for each in planned)
    return counts
