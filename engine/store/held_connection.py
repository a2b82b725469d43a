"""A connection to Redis that its thread holds: the cheapest way to ask one small thing.

A pool takes a connection out, looks whether it is good, and puts it back, for every call; that
costs half of a read. Here each thread keeps its own, and one that failed is made anew.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, TypeAlias

import redis

# The library's connections have no types.
_Connection: TypeAlias = Any


class HeldConnections:
    """A connection for each thread that asks, over the settings of a client."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._local = threading.local()
        self._made: weakref.WeakSet[Any] = weakref.WeakSet()

    def ask(self, *commands: tuple[str, ...]) -> list[Any]:
        """The replies to the commands, sent together; raises redis.RedisError or OSError.

        The commands must be ones that may be sent twice: a connection may have been closed at the
        other end since it was used last, and then a new one is tried.
        """
        connection: _Connection | None = getattr(self._local, "connection", None)
        packed = b"".join(map(_packed, commands))
        if connection is not None and connection.is_connected:
            try:
                return _replies(connection, packed, len(commands))
            except redis.TimeoutError:
                raise
            except redis.ConnectionError:
                return _replies(connection, packed, len(commands))
        if connection is None:
            connection = self._local.connection = self._pool.make_connection()
            self._made.add(connection)
        return _replies(connection, packed, len(commands))

    def close(self) -> None:
        """Close every thread's connection; the next question opens one again."""
        for each in list(self._made):
            each.disconnect()


def _replies(connection: _Connection, packed: bytes, count: int) -> list[Any]:
    try:
        connection.send_packed_command([packed])
        return [connection.read_response() for _ in range(count)]
    except BaseException:
        # Whatever still comes in on it is no answer to the next question.
        connection.disconnect()
        raise


def _packed(command: tuple[str, ...]) -> bytes:
    parts = [b"*%d\r\n" % len(command)]
    for word in command:
        data = word.encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)
