"""One worker of many does what is needed once: a lock in Redis that dies with its holder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import redis

from engine.errors import StoreUnavailable

PREFIX = "regulars:turn:"
# A holder says more often than this that it is at it.
HELD_FOR = timedelta(seconds=5)
# Long enough for the slowest worker to see that it was done.
DONE_FOR = timedelta(minutes=10)
_DONE = b"done"
_HOLD = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
"""


class RedisTurn:
    """Whose turn it is, of all who share a Redis. Every method may raise StoreUnavailable."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._own = uuid.uuid4().hex

    def take(self, what: str) -> bool:
        """Whether it is ours to do; not while another one is at it, nor when it was done."""
        with _translated():
            return bool(self._client.set(_key(what), self._own, nx=True, px=HELD_FOR))

    def hold(self, what: str) -> None:
        """Say that we are still at it; who is silent for some seconds loses the turn."""
        with _translated():
            milliseconds = HELD_FOR // timedelta(milliseconds=1)
            self._client.eval(_HOLD, 1, _key(what), self._own, milliseconds)

    def done(self, what: str) -> bool:
        """Whether it was done lately."""
        with _translated():
            return bool(self._client.get(_key(what)) == _DONE)

    def finish(self, what: str) -> None:
        """Say that it was done."""
        with _translated():
            self._client.set(_key(what), _DONE, px=DONE_FOR)


def _key(what: str) -> str:
    return f"{PREFIX}{what}"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError) as error:
        raise StoreUnavailable(f"whose turn it is cannot be told: {error}") from error
