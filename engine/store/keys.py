"""Every key that Regulars keeps in Redis, with its lifetime and its size.

| key                         | type   | holds                           | size                   |
|-----------------------------|--------|---------------------------------|------------------------|
| `regulars:lists:{customer}` | hash   | the customer's revision and up  | 2 KB an answer of 20   |
|                             |        | to `MAX_LISTS` finished answers | items, usually 1 to 3  |
| `regulars:catalog`          | string | the catalogue's revision        | 60 bytes               |
| `regulars:rate:{who}:{when}`| string | requests let in during a window | 100 bytes              |

The last lives for two windows of its rate. The others live for `memory_ttl` after the last write,
an answer within the hash for the cache's own TTL.

Fields of the hash: `rev`, the customer's revision in decimal, below which no answer may be
written; and `list:<request>`, 16 bytes (the catalogue's revision as a signed 64-bit integer and
the end of the answer's life in seconds since 1970 as a double, both big-endian) before the body.

All that concerns one customer carries the customer as its hash tag, so that it lies on one node
of a Redis Cluster. Anything may vanish at any time: an eviction or a restart costs a computation.
"""

from __future__ import annotations

import struct
from datetime import timedelta

LIST_PREFIX = "list:"
CATALOG = "regulars:catalog"
RATE_PREFIX = "regulars:rate"
# Requests vary without bound (excluded items); a customer's hash must not.
MAX_LISTS = 64
HEADER = struct.Struct(">qd")


def lists(customer_id: str) -> str:
    """The hash of one customer's answers and revision."""
    return f"regulars:lists:{{{customer_id}}}"


def answer(field: str) -> str:
    """The hash field of one request's answer."""
    return f"{LIST_PREFIX}{field}"


def permits(name: str, window: int) -> str:
    """What follows the prefix in the key of one window of a key or an address."""
    return f"{name}:{window}"


def memory_ttl(ttl: timedelta) -> timedelta:
    """How long a revision is remembered: past the end of any answer that lives for `ttl`.

    A revision may be forgotten only when no answer older than it can be left or still be written.
    """
    return 2 * ttl + timedelta(minutes=1)
