"""Emptying the cache of a shop that is not the shop it was."""

from __future__ import annotations

import redis

from engine.errors import StoreUnavailable
from engine.store.redis_cache import connect

PREFIX = "regulars:"
_AT_ONCE = 1_000


def empty(url: str) -> int:
    """Remove all that Regulars keeps in a Redis; how many keys. Raises StoreUnavailable.

    Customers and catalogue of a restored shop are of older revisions than the cache was told of:
    it would refuse their new lists, and serve what was computed from what is no more.
    """
    try:
        with connect(url, answer_seconds=10) as client:
            removed = 0
            found: list[bytes] = []
            for key in client.scan_iter(match=f"{PREFIX}*", count=_AT_ONCE):
                found.append(key)
                if len(found) == _AT_ONCE:
                    removed += _remove(client, found)
                    found = []
            return removed + _remove(client, found)
    except (redis.RedisError, OSError) as error:
        raise StoreUnavailable(f"the cache cannot be emptied: {error}") from error


def _remove(client: redis.Redis, keys: list[bytes]) -> int:
    # One by one, so that it works on a Redis Cluster, where keys lie on several nodes.
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.unlink(key)
    return sum(int(removed) for removed in pipeline.execute())
