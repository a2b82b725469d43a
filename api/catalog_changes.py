"""Which items changed lately, so that a list need not be made anew for the change of another."""

from __future__ import annotations

import threading

from engine.domain.marks import MARK_BYTES, mark
from engine.ports import Catalog

# A few megabytes; a list from before the oldest of them is made anew.
REMEMBERED = 50_000


class CatalogChanges:
    """When items last changed, by their marks, as far back as it reaches.

    Any thread may ask; `catch_up` reads on from where it was.
    """

    def __init__(self, catalog: Catalog, *, remembered: int = REMEMBERED) -> None:
        self._catalog = catalog
        self._remembered = remembered
        self._lock = threading.Lock()
        self._changed: dict[bytes, int] = {}
        # Everything that changed after the first and up to the second is known.
        self._span = (-1, -1)

    def catch_up(self) -> bool:
        """Read what changed since the last time; whether anything did. Raises StoreUnavailable."""
        revision = self._catalog.revision()
        if revision <= self._span[1]:
            return False
        with self._lock:
            since, known = self._span
            if revision <= known:
                return True
            # The revision was read first: what is newer than it is only read once more.
            found = self._catalog.changes(since=max(known, 0), limit=self._remembered)
            cut_off = len(found) == self._remembered
            if known < 0 or cut_off or len(self._changed) + len(found) > 2 * self._remembered:
                # The oldest of what was read may be one of several of its revision.
                since = found[-1][1] if cut_off else 0 if known < 0 else known
                self._changed = {}
            # A new mapping: others may be reading the old one.
            self._changed = self._changed | {mark(item_id): at for item_id, at in found}
            self._span = (since, revision)
        return True

    def unchanged(self, since: int, now: int, marks: bytes | None) -> bool:
        """Whether none of the items changed between two revisions of the catalogue.

        False also when that is not known, because it is too long ago or too new.
        """
        oldest, latest = self._span
        if marks is None or since < oldest or now > latest:
            return False
        changed = self._changed
        return not any(
            changed.get(marks[at : at + MARK_BYTES], -1) > since
            for at in range(0, len(marks), MARK_BYTES)
        )
