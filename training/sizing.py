"""How much room a shop takes, from what was measured; docs/sizing.md says how.

Estimates, good to a third or so: ids and properties differ from shop to shop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# tests/benchmarks/bench_size.py: bytes an event with its lines and indexes; bytes a customer with
# features and segments, and what each event of theirs adds to the state.
SQLITE_EVENT, SQLITE_CUSTOMER, SQLITE_STATE = 274, 550, 75
POSTGRESQL_EVENT, POSTGRESQL_CUSTOMER, POSTGRESQL_STATE = 462, 750, 125
# A customer with one list of ten in Valkey.
LIST = 1_864
# A worker's own memory, what an item adds to it, and the libraries that all workers share.
WORKER, WORKER_ITEM, LIBRARIES = 121_000_000, 210, 73_000_000
# A model: factors, neighbours and EASE an item; the customers and orders it keeps are bounded.
MODEL_ITEM = 1_530
MODEL_CUSTOMER, MODEL_CUSTOMERS = 400, 50_000
MODEL_ORDER, MODEL_ORDERS = 80, 200_000
# In the mix of events that was measured, twelve in a hundred are purchases, of three lines each.
LINES_AN_EVENT = 0.36
LINES_AN_ORDER = 3
# docs/scale.md: purchase lines, seconds of `regulars train`, most memory in GB.
TRAINED = (
    (80_000, 19, 0.8),
    (312_500, 90, 1.8),
    (1_250_000, 534, 4.9),
    (5_000_000, 876, 7.4),
    (20_000_000, 1_782, 11.3),
)


@dataclass(frozen=True, slots=True)
class Shop:
    """How large a shop is; `lines` are those of purchases."""

    customers: int
    events: int
    items: int
    lines: int


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes and seconds; `workers` is the memory of all of them, the model's once."""

    sqlite: int
    postgresql: int
    cache: int
    model: int
    workers: int
    training: int
    training_seconds: float


def room_for(shop: Shop, *, workers: int) -> Room:
    """What a shop takes."""
    model = model_bytes(shop)
    seconds, gigabytes = trained(shop.lines)
    return Room(
        sqlite=_database(shop, SQLITE_EVENT, SQLITE_CUSTOMER, SQLITE_STATE),
        postgresql=_database(shop, POSTGRESQL_EVENT, POSTGRESQL_CUSTOMER, POSTGRESQL_STATE),
        cache=shop.customers * LIST,
        model=model,
        workers=workers * (WORKER + WORKER_ITEM * shop.items) + LIBRARIES + model,
        training=int(gigabytes * 1e9),
        training_seconds=seconds,
    )


def model_bytes(shop: Shop) -> int:
    """The files of a model."""
    customers = min(shop.customers, MODEL_CUSTOMERS)
    orders = min(shop.lines // LINES_AN_ORDER, MODEL_ORDERS)
    return MODEL_ITEM * shop.items + MODEL_CUSTOMER * customers + MODEL_ORDER * orders


def trained(lines: int) -> tuple[float, float]:
    """Seconds and GB of a training, read off the measured curve.

    Below its first point that one's; beyond its last, on as from the last but one.
    """
    measured, seconds, gigabytes = zip(*TRAINED, strict=True)
    return _read_off(lines, measured, seconds), _read_off(lines, measured, gigabytes)


def _read_off(at: float, places: Sequence[float], values: Sequence[float]) -> float:
    x, y = np.log(places), np.log(values)
    wanted = np.log(max(at, 1))
    if wanted <= x[-1]:
        return float(np.exp(np.interp(wanted, x, y)))
    slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
    return float(np.exp(y[-1] + slope * (wanted - x[-1])))


def _database(shop: Shop, event: int, customer: int, state: int) -> int:
    return shop.events * (event + state) + shop.customers * customer
