"""A made-up shop's purchases as a file, of any size and the same every time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

DAYS = 365
LINES_PER_ORDER = 4
START = np.datetime64("2025-01-01T00:00:00", "s")


@dataclass(frozen=True)
class Size:
    """How large the shop is."""

    rows: int
    customers: int
    items: int


def write_purchases(path: Path, size: Size, *, seed: int = 11) -> Path:
    """The file, oldest purchase first: few items sell most, and customers keep to favourites."""
    rng = np.random.default_rng(seed)
    order = np.arange(size.rows) // LINES_PER_ORDER
    orders = int(order[-1]) + 1
    # Everyone buys at least once, where there are orders enough: c0 to the last are all known.
    owners = np.concatenate([np.arange(size.customers), rng.integers(size.customers, size=orders)])
    owner = rng.permutation(owners[:orders])[order]
    favourite = (owner * 7 + rng.integers(20, size=size.rows)) % size.items
    anything = np.minimum(rng.pareto(1.1, size=size.rows) * 20, size.items - 1).astype(np.int64)
    item = np.where(rng.random(size.rows) < 0.6, favourite, anything)
    second = np.sort(rng.integers(DAYS * 86_400, size=orders))[order]
    table = pa.table(
        {
            "customer_id": named("c", owner),
            "item_id": named("i", item),
            "order_id": named("o", order),
            "occurred_at": pa.array(np.datetime_as_string(START + second)),
            "quantity": pa.array(rng.integers(1, 5, size=size.rows)),
            "unit_price": pa.array(np.round(1 + item % 50 + 0.99, 2)),
        }
    )
    csv.write_csv(table, path)
    return path


def named(letter: str, numbers: np.typing.NDArray[np.int64]) -> pa.Array:
    """Ids such as c17."""
    return pa.array(np.char.add(letter, numbers.astype("U9")))
