"""Features for a notebook: a DataFrame of purchases in, a DataFrame of features out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.domain.arrays import IntArray
from engine.domain.events import to_ms
from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from engine.errors import DataRefused
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Kind
from engine.loyalty.features.registry import FEATURES, Features, features
from engine.loyalty.features.rows import values_of
from engine.loyalty.fit import fit_cuts
from engine.loyalty.purchases import plain_facts, states_of_purchases
from engine.loyalty.states import States

REQUIRED = ("customer_id", "occurred_at")
_MISSING: Mapping[str, Any] = {"item_id": "", "quantity": 1.0, "unit_price": 0, "discount": 0}
_KINDS: Mapping[str, pa.DataType] = {
    "customer_id": pa.string(),
    "item_id": pa.string(),
    "quantity": pa.float64(),
    "unit_price": pa.float64(),
    "discount": pa.int64(),
}
_MONEY = ("unit_price", "discount")
_TYPES: Mapping[Kind, pa.DataType] = {
    Kind.FLAG: pa.bool_(),
    Kind.CHOICE: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.MOMENT: pa.timestamp("ms", tz="UTC"),
}


def customer_features(
    purchases: Any,  # noqa: ANN401 - any DataFrame that speaks Arrow
    *,
    now: datetime,
    cuts: Cuts | None = None,
    config: LoyaltyConfig | None = None,
) -> Any:  # noqa: ANN401 - the same kind of DataFrame
    """Every feature of every customer as of `now`, one row each, sorted by customer.

    `purchases` is a pandas or polars DataFrame or an Arrow table with a row for each purchase
    line: `customer_id` and `occurred_at`, and where there are `order_id`, `item_id`, `quantity`,
    `unit_price` and `discount` (minor units). The answer is of the same kind; unknown is null.
    Without `cuts` they are fitted on these purchases. Raises DataRefused naming what is wrong.
    """
    if now.tzinfo is None:
        raise DataRefused(f"now {now.isoformat()} has no time zone; give it one, UTC say")
    table = _checked(pa.table(purchases), now_ms=to_ms(now))
    states = purchase_states(table)
    frozen = cuts or fit_cuts(states, config or LoyaltyConfig(), now_ms=to_ms(now))
    return _like(purchases, feature_table(features(states, frozen, now_ms=to_ms(now))))


def feature_table(computed: Features) -> pa.Table:
    """The features as an Arrow table: `customer_id` first, unknown is null."""
    columns: dict[str, pa.Array] = {"customer_id": pa.array(computed.customers, pa.string())}
    for name, feature in FEATURES.items():
        kind = _TYPES.get(feature.kind, pa.float64())
        values = values_of(computed.columns[name])
        if pa.types.is_boolean(kind):
            values = [None if each is None else bool(each) for each in values]
        elif pa.types.is_timestamp(kind):
            values = [None if each is None else int(each) for each in values]
        columns[name] = pa.array(values, kind)
    return pa.table(columns)


def purchase_states(table: pa.Table) -> States:
    """The states that a checked table of purchases leaves."""
    who, customers = _coded(table["customer_id"])
    order, _ = _coded(table["order_id"])
    item, items = _coded(table["item_id"])
    at = table["at_ms"].to_numpy()
    # Parts of an order count from its earliest.
    starts = np.full(int(order.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(starts, order, at)
    at = starts[order]
    sort = np.lexsort((item, order, at, who))
    units, price = table["quantity"].to_numpy(), table["unit_price"].to_numpy()
    discount = table["discount"].to_numpy()
    value = np.rint(units * price).astype(np.int64) - discount
    counts = np.bincount(who, minlength=len(customers))
    goods = Histories(
        customers=customers,
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
        item=item[sort],
        order=order[sort].astype(np.int64),
        at=at[sort],
        units=units[sort].astype(np.float32),
        value=value[sort],
        discount=discount[sort],
    )
    return states_of_purchases(goods, plain_facts(items))


def _checked(table: pa.Table, *, now_ms: int) -> pa.Table:
    """The table with every column a purchase has, or DataRefused."""
    lacking = [name for name in REQUIRED if name not in table.column_names]
    if lacking:
        raise DataRefused(
            f"the purchases have no column {', '.join(lacking)}; rename the one that holds it"
        )
    given = set(table.column_names)
    columns: dict[str, Any] = {
        name: table[name] if name in given else pa.array([missing] * len(table))
        for name, missing in _MISSING.items()
    }
    columns["customer_id"] = table["customer_id"]
    columns = {name: _cast(name, columns[name], kind) for name, kind in _KINDS.items()}
    columns["at_ms"] = pc.cast(_moments(table["occurred_at"]), pa.int64())
    columns["order_id"] = _orders(table, columns)
    checked = pa.table(columns)
    for name in ("customer_id", "at_ms"):
        if checked[name].null_count:
            raise DataRefused(f"{name} is missing in {checked[name].null_count} rows; drop them")
    if len(checked) and pc.min(checked["quantity"]).as_py() <= 0:
        raise DataRefused("a quantity is not above 0; leave returns out, or use `regulars ingest`")
    return checked.filter(pc.less_equal(checked["at_ms"], now_ms))


def _cast(name: str, column: Any, kind: pa.DataType) -> Any:  # noqa: ANN401 - one chunk or several
    try:
        return pc.cast(column, kind)
    except pa.ArrowInvalid as error:
        money = "; money is in minor units, 499 for 4.99" if name in _MONEY else ""
        raise DataRefused(f"{name} cannot be read: {str(error).splitlines()[0]}{money}") from error


def _moments(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times in ms since 1970 UTC, cut off; texts with an offset or all without, which mean UTC."""
    texts = column
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        kinds = (pa.timestamp("us", tz="UTC"), pa.timestamp("us"))
        read = (_read(column, kind) for kind in kinds)
        column = next((found for found in read if found is not None), None)
        if column is None:
            raise DataRefused(_unreadable(texts, kinds))
    return pc.cast(column, pa.timestamp("ms"), safe=False)


def _read(texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    try:
        return pc.cast(texts, kind)
    except pa.ArrowInvalid:
        return None


def _unreadable(texts: pa.ChunkedArray, kinds: Sequence[pa.DataType]) -> str:
    """Why texts are no times, by the first that is none."""
    for text in pc.unique(texts).to_pylist():
        if all(_read(pa.chunked_array([[text]], texts.type), kind) is None for kind in kinds):
            return (
                f"occurred_at {text!r} is no time; write it as 2026-01-31T10:00:00+00:00, "
                "or drop the row"
            )
    return "some of occurred_at have an offset and others none; give all of them one, or none"


def _orders(table: pa.Table, columns: Mapping[str, Any]) -> pa.Array | pa.ChunkedArray:
    """Order ids; without any, what one customer bought at one moment is an order."""
    own = (
        pc.cast(table["order_id"], pa.string())
        if "order_id" in table.column_names
        else pc.cast(columns["at_ms"], pa.string())
    )
    return pc.binary_join_element_wise(columns["customer_id"], own, "\x1f")


def _coded(column: pa.ChunkedArray) -> tuple[IntArray, tuple[str, ...]]:
    """Positions in the sorted distinct texts, and these."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    texts = IdTable(sorted(encoded.dictionary.to_pylist()))
    return texts.indices(encoded.dictionary.to_pylist())[encoded.indices.to_numpy()], texts.ids


def _like(given: Any, table: pa.Table) -> Any:  # noqa: ANN401 - see customer_features
    """The table as what was given is: pandas, polars, or Arrow itself."""
    kind = type(given)
    if isinstance(given, pa.Table):
        return table
    if kind.__module__.split(".")[0] == "pandas":
        return table.to_pandas()
    return kind(table)
