"""A bell between the processes of one host: rung by one, noticed by all before the next answer."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Protocol

from engine.store.private_folder import make_private

_BYTES = 8


class Alarm(Protocol):
    """Something that has another state after each ringing."""

    def ring(self) -> None:
        """Make the state another one."""

    @property
    def state(self) -> bytes:
        """The state, equal for all as long as nobody rings."""


class OwnAlarm:
    """An alarm that only this process hears."""

    def __init__(self) -> None:
        self._state = bytes(_BYTES)

    def ring(self) -> None:
        """Make the state another one."""
        self._state = os.urandom(_BYTES)

    @property
    def state(self) -> bytes:
        """The state since the last ringing."""
        return self._state


class SharedAlarm:
    """An alarm in a small file that every process of the host maps: looking at it costs nothing.

    The state is random, so that two who ring at once are both heard.
    """

    def __init__(self, path: Path) -> None:
        make_private(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size < _BYTES:
                os.ftruncate(descriptor, _BYTES)
            self._memory = mmap.mmap(descriptor, _BYTES)
        finally:
            os.close(descriptor)

    def ring(self) -> None:
        """Make the state another one."""
        self._memory[:_BYTES] = os.urandom(_BYTES)

    @property
    def state(self) -> bytes:
        """The state since the last ringing."""
        return self._memory[:_BYTES]
