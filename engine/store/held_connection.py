"""A connection to Redis that its thread holds: the cheapest way to ask one small thing.

A pool takes a connection out, looks whether it is good, and puts it back, for every call; that
costs half of a read. Here each thread keeps its own, and one that failed is made anew. The kernel
keeps the time-outs: a time-out of Python's own costs a system call more in each direction, and
with it the interpreter, which other threads then take.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import weakref
from typing import Any, TypeAlias

import hiredis
import redis

# The library's connections have no types.
_Connection: TypeAlias = Any
RECEIVED_BYTES = 65_536
CLOSED = "closed at the other end"


class HeldConnections:
    """A connection for each thread that asks, over the settings of a client."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._local = threading.local()
        self._made: weakref.WeakSet[_Held] = weakref.WeakSet()

    def ask(self, commands: bytes, *, replies: int) -> list[Any]:
        """The replies to so many packed commands, sent together; raises redis.RedisError.

        The commands must be ones that may be sent twice: a connection may have been closed at the
        other end since it was used last, and then a new one is tried.
        """
        held: _Held | None = getattr(self._local, "held", None)
        if held is not None and held.is_open:
            try:
                return held.replies(commands, replies)
            except redis.TimeoutError:
                raise
            except redis.ConnectionError:
                pass
        held = self._local.held = _Held(self._pool.make_connection())
        self._made.add(held)
        return held.replies(commands, replies)

    def close(self) -> None:
        """Close every thread's connection; the next question opens one again."""
        for each in list(self._made):
            each.close()


class _Held:
    """One connection, opened and introduced by the library, asked without it."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        connection.connect()
        self._socket: socket.socket = connection._sock
        self._reader = hiredis.Reader(replyError=redis.ResponseError)
        if not isinstance(self._socket, ssl.SSLSocket):
            _let_kernel_time(self._socket)

    @property
    def is_open(self) -> bool:
        return self._connection._sock is not None

    def replies(self, commands: bytes, count: int) -> list[Any]:
        """So many replies to what is sent; without all of them the connection is closed."""
        try:
            self._socket.sendall(commands)
            return self._received(count)
        except (TimeoutError, BlockingIOError) as error:
            self.close()
            raise redis.TimeoutError("no answer in time") from error
        except OSError as error:
            self.close()
            raise redis.ConnectionError(str(error)) from error
        except BaseException:
            # Whatever still comes in on it is no answer to the next question.
            self.close()
            raise

    def close(self) -> None:
        self._connection.disconnect()

    def _received(self, count: int) -> list[Any]:
        gets, replies = self._reader.gets, list[Any]()
        while len(replies) < count:
            received = self._socket.recv(RECEIVED_BYTES)
            if not received:
                raise redis.ConnectionError(CLOSED)
            self._reader.feed(received)
            # False is what the reader says while a reply is not complete.
            while len(replies) < count and (reply := gets()) is not False:
                if isinstance(reply, redis.ResponseError):
                    raise reply
                replies.append(reply)
        return replies


def _let_kernel_time(connected: socket.socket) -> None:
    seconds = connected.gettimeout()
    if not seconds:
        return
    whole = int(seconds)
    timed = struct.pack("ll", whole, int((seconds - whole) * 1_000_000))
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timed)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timed)
    connected.settimeout(None)


def packed(*words: str | bytes) -> bytes:
    """A command as Redis wishes to read it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word.encode() if isinstance(word, str) else word
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def script(text: str, key: str, *arguments: str | bytes | float) -> bytes:
    """A script that touches one key, as a command."""
    words = (each if isinstance(each, str | bytes) else repr(each) for each in arguments)
    return packed("EVAL", text, "1", key, *words)
