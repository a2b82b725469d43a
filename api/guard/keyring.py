"""A worker's copy of the keys: asked on every request, read again when they change."""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from api.guard.caller import Caller
from api.guard.tokens import Tokens
from engine.domain.keys import SCOPES, StoredKey, digest_of, id_of
from engine.errors import StoreUnavailable
from engine.ports_access import ApiKeys, KeptKeys

# An id that is not known may be new: then the database is asked, at most so often a second.
MOST_ASKED = 10
# A database that is away is left alone for this long.
REST_SECONDS = 1.0
# Requests with one new key at once: one asks, the others wait for its answer, for so long.
WAIT_SECONDS = 0.1
# Of a key, at most one note a minute.
TOUCH_MS = 60_000
NO_REVISION = -1
_NOBODYS = bytes(32)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with who its bearer is."""

    stored: StoredKey
    caller: Caller


@dataclass(frozen=True, slots=True)
class _Known:
    revision: int
    entries: dict[str, Entry]
    tokens: Tokens = field(default_factory=lambda: Tokens(()))


class Keyring:
    """Keys in memory, as last known while the database is away; threads may share it.

    Call `refresh` every second or so. `clock` is ms since 1970.
    """

    def __init__(self, keys: ApiKeys, *, kept: KeptKeys, clock: Callable[[], int]) -> None:
        self._keys = keys
        self._kept = kept
        self._clock = clock
        self._known: _Known | None = None
        self._asked: Counter[int] = Counter()
        self._read_at = self._rest_until = 0.0
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}
        self._noted: dict[str, int] = {}
        # A file that is there and cannot be read: there are keys, and nobody knows which.
        self._closed = False

    def start(self) -> None:
        """Read the keys, or those this machine saw last while the database is away."""
        try:
            self.refresh()
        except StoreUnavailable as error:
            _log.warning("keys: the last ones known here serve for now: %s", error)
            self._remember()

    @property
    def unread(self) -> bool:
        """Whether nobody could say so far which keys there are."""
        return self._known is None

    @property
    def closed(self) -> bool:
        """Whether there are keys that cannot be read."""
        return self._known is None and self._closed

    @property
    def empty(self) -> bool:
        """Whether the shop never had a key."""
        return self._known is not None and not self._known.entries

    def find(self, text: str) -> Caller | None:
        """Who shows the key, None when nobody has it now.

        What is compared is a digest, in a time that says nothing of it; an unknown id costs the
        same comparison.
        """
        entry = self._entry(id_of(text))
        if entry is None and self._ask_again():
            entry = self._entry(id_of(text))
        wanted = entry.stored.digest if entry else _NOBODYS
        same = hmac.compare_digest(digest_of(text), wanted)
        if entry is None or not same:
            return None
        now = self._clock()
        if not entry.stored.usable(now):
            return None
        self._used[entry.stored.key_id] = now
        return entry.caller

    def customer_of(self, token: str) -> str | None:
        """Whose valid token it is, None for any other text."""
        found = self._tokens().customer_of(token, now_ms=self._clock())
        if found is None and self._ask_again():
            found = self._tokens().customer_of(token, now_ms=self._clock())
        return found

    def refresh(self) -> None:
        """Read the keys again if they changed, and note which were used. StoreUnavailable."""
        with self._lock:
            self._read()
        self._touch()

    def _read(self) -> None:
        begun = time.monotonic()
        revision = self._keys.revision()
        self._read_at = begun
        if self._known is not None and revision == self._known.revision:
            return
        stored, secrets = self._keys.all(), self._keys.token_secrets()
        self._known = _Known(revision, _entries(stored), Tokens(secrets))
        if not stored:
            return
        try:
            self._kept.save(stored)
        except StoreUnavailable as error:
            _log.warning("%s", error)

    def _remember(self) -> None:
        try:
            stored = self._kept.load()
        except StoreUnavailable as error:
            _log.warning("%s", error)
            self._closed = True
            return
        if stored is not None:
            self._known = _Known(NO_REVISION, _entries(stored))

    def _entry(self, key_id: str) -> Entry | None:
        return self._known.entries.get(key_id) if self._known is not None else None

    def _tokens(self) -> Tokens:
        return self._known.tokens if self._known is not None else Tokens(())

    def _ask_again(self) -> bool:
        """Whether the keys were read just now because something unknown was shown."""
        begun = time.monotonic()
        if begun < self._rest_until or self._asked[int(begun)] >= MOST_ASKED:
            return False
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            return False
        try:
            # Whoever was before us may have read what we came for.
            if self._read_at < begun:
                self._asked = Counter({int(begun): self._asked[int(begun)] + 1})
                self._read()
        except StoreUnavailable:
            self._rest_until = time.monotonic() + REST_SECONDS
            return False
        finally:
            self._lock.release()
        return True

    def _touch(self) -> None:
        used, self._used = self._used, {}
        due = {
            key_id: at for key_id, at in used.items() if at - self._noted.get(key_id, 0) >= TOUCH_MS
        }
        self._keys.touch(due)
        self._noted.update(due)


def _entries(stored: list[StoredKey]) -> dict[str, Entry]:
    return {
        key.key_id: Entry(key, Caller(key.key_id, key.kind, SCOPES[key.kind])) for key in stored
    }
