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
written; `list:<request>`, an answer behind its header (below); and `making:<request>`, until when
in seconds since 1970 somebody is making that answer.

The header, big-endian: the catalogue's revision as a signed 64-bit integer, the end of the
answer's life in seconds since 1970 as a double, and a 16-bit number of marks of 8 bytes that
follow: those of the items whose change concerns the answer. `ANY_ITEM` instead of a number: any
item's change does.

All that concerns one customer carries the customer as its hash tag, so that it lies on one node
of a Redis Cluster. Anything may vanish at any time: an eviction or a restart costs a computation.
"""

from __future__ import annotations

import struct
from datetime import timedelta
from typing import NamedTuple

from engine.domain.marks import MARK_BYTES

LIST_PREFIX = "list:"
MAKING_PREFIX = "making:"
CATALOG = "regulars:catalog"
RATE_PREFIX = "regulars:rate"
# Requests vary without bound (excluded items); a customer's hash must not.
MAX_LISTS = 64
HEADER = struct.Struct(">qdH")
ANY_ITEM = 0xFFFF
# A list shows a hundred items at most; one that misses more than so many is made anew.
MAX_MARKS = 400


class Kept(NamedTuple):
    """An answer as it is kept; `marks` None: any change of the catalogue may concern it."""

    catalog_revision: int
    ends_at: float
    marks: bytes | None
    body: bytes


def packed(kept: Kept) -> bytes:
    """The value of an answer's field."""
    marks = kept.marks
    if marks is None or len(marks) > MAX_MARKS * MARK_BYTES:
        return HEADER.pack(kept.catalog_revision, kept.ends_at, ANY_ITEM) + kept.body
    count = len(marks) // MARK_BYTES
    return HEADER.pack(kept.catalog_revision, kept.ends_at, count) + marks + kept.body


def unpacked(value: bytes) -> Kept:
    """The answer that a field's value holds."""
    revision, ends_at, count = HEADER.unpack_from(value)
    if count == ANY_ITEM:
        return Kept(revision, ends_at, None, value[HEADER.size :])
    end = HEADER.size + count * MARK_BYTES
    return Kept(revision, ends_at, value[HEADER.size : end], value[end:])


def lists(customer_id: str) -> str:
    """The hash of one customer's answers and revision."""
    return f"regulars:lists:{{{customer_id}}}"


def answer(field: str) -> str:
    """The hash field of one request's answer."""
    return f"{LIST_PREFIX}{field}"


def making(field: str) -> str:
    """The hash field that says until when somebody makes that answer."""
    return f"{MAKING_PREFIX}{field}"


def permits(name: str, window: int) -> str:
    """What follows the prefix in the key of one window of a key or an address."""
    return f"{name}:{window}"


def memory_ttl(ttl: timedelta) -> timedelta:
    """How long a revision is remembered: past the end of any answer that lives for `ttl`.

    A revision may be forgotten only when no answer older than it can be left or still be written.
    """
    return 2 * ttl + timedelta(minutes=1)
