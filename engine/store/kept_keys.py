"""The API keys as this machine last saw them, in a file of the home.

It holds digests, which open nothing. A worker that starts while the database is away asks for
these keys, and never answers openly on a machine that has seen one.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from engine.domain.keys import StoredKey
from engine.errors import StoreUnavailable
from engine.store.private_folder import make_private

NAME = "api-keys.json"
_MODE = 0o600


class KeyFile:
    """Keys in the file `api-keys.json` of a home, readable by its owner alone."""

    def __init__(self, home: Path) -> None:
        self._path = home / NAME

    def load(self) -> list[StoredKey] | None:
        """The keys, None when this machine never saw any. Raises StoreUnavailable."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[StoredKey])
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreUnavailable(f"{self._path} cannot be read: {error}") from error

    def save(self, keys: Sequence[StoredKey]) -> None:
        """Keep the keys, in one step: a reader finds the old ones or the new."""
        aside = self._path.with_name(f".{NAME}.{uuid.uuid4().hex}")
        try:
            make_private(self._path.parent)
            with os.fdopen(
                os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb"
            ) as file:
                file.write(msgspec.json.encode(keys))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(self._path)
        except OSError as error:
            with suppress(OSError):
                aside.unlink()
            raise StoreUnavailable(
                f"{self._path} cannot be written ({error}); until it can, a worker that starts "
                "while the database is away knows no key"
            ) from error
