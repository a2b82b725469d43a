"""Short marks of items, by which a finished list is asked whether it shows one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

# Two of ten million items have the same one with a chance of 3 in a million; the price is that a
# list is computed again though it need not be.
MARK_BYTES = 8


def mark(item_id: str) -> bytes:
    """The item's mark, equal in every process."""
    return hashlib.blake2b(item_id.encode(), digest_size=MARK_BYTES).digest()


def marks(item_ids: Iterable[str]) -> bytes:
    """The marks of some items end to end, in order."""
    return b"".join(map(mark, item_ids))
