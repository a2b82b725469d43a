"""The sockets that workers take connections from: one each, held by the supervisor for good.

A connection that waits is lost with the last process that holds its socket. Held here, it waits
for the next worker instead. On Linux the kernel deals connections out to the sockets, and is told
which of them have a worker right now; elsewhere all workers share one socket.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress

from engine.errors import SettingsError

CONNECTIONS_WAITING = 1024
# What the kernel calls them; Python has no names for them.
_SO_ATTACH_REUSEPORT_CBPF = 51
_LOAD, _MODULO, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x94, 0x15, 0x06
_A_RANDOM_NUMBER = 0xFFFFF000 + 56


class Listeners:
    """Listening sockets on one address, by the number of their worker."""

    def __init__(self, sockets: Sequence[socket.socket], *, count: int) -> None:
        self._sockets = sockets
        self._count = count
        self._dealt: tuple[int, ...] = ()

    @classmethod
    def open(cls, host: str, port: int, *, count: int) -> Listeners:
        """Sockets for so many workers. Raises SettingsError when the address cannot be had."""
        own = count if sys.platform == "linux" else 1
        opened: list[socket.socket] = []
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            for _ in range(own):
                opened.append(_listening(family, host, port, shared=own > 1))
        except OSError as error:
            for each in opened:
                each.close()
            raise SettingsError(
                f"port {port} of {host} cannot be listened on: {error.strerror}; "
                "choose another with --port or REGULARS_PORT"
            ) from error
        return cls(opened, count=count)

    def descriptor(self, number: int) -> int:
        """The socket of a worker."""
        return self._sockets[number % len(self._sockets)].fileno()

    def deal_to(self, ready: Sequence[int]) -> None:
        """Let new connections go to these workers only; to all when there is none."""
        among = tuple(sorted(ready)) or tuple(range(self._count))
        if len(self._sockets) == 1 or among == self._dealt:
            return
        self._dealt = among
        # Where the kernel refuses, it deals to all, and some connections wait for a worker.
        with suppress(OSError):
            _attach(self._sockets[0], among)

    def close(self) -> None:
        """Take no more connections."""
        for each in self._sockets:
            each.close()


def _listening(family: int, host: str, port: int, *, shared: bool) -> socket.socket:
    opened = socket.socket(family)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Connections inherit it. Without it the end of an answer waits for the client to
        # acknowledge its beginning, which a client may put off for 40 ms.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.bind((host, port))
        opened.listen(CONNECTIONS_WAITING)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened


def _attach(opened: socket.socket, among: Sequence[int]) -> None:
    """Give the kernel a program that names one of the sockets, by the order of their making.

    Classic BPF, `SO_ATTACH_REUSEPORT_CBPF` in socket(7): a random number modulo how many there
    are, then the number of the socket for each remainder. It needs no privilege.
    """
    steps = [(_LOAD, 0, 0, _A_RANDOM_NUMBER), (_MODULO, 0, 0, len(among))]
    for remainder, number in enumerate(among):
        steps += [(_JUMP_IF_EQUAL, 0, 1, remainder), (_RETURN, 0, 0, number)]
    steps.append((_RETURN, 0, 0, among[0]))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    head = struct.pack("HL", len(steps), ctypes.addressof(program))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, head)
