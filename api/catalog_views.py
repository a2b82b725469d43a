"""The catalogue as the rules of a list need it, kept by the process while it does not change."""

from __future__ import annotations

import threading

from engine.ports import Catalog
from engine.recommend.answer import CatalogView


class CatalogViews:
    """Keeps a view of the catalogue, and reads what changed when its revision has."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._view = CatalogView()
        self._built = False
        self._lock = threading.Lock()

    def latest(self) -> CatalogView:
        """The view of the catalogue as it is. Raises StoreUnavailable."""
        revision = self._catalog.revision()
        if not self._is(revision):
            with self._lock:
                if not self._is(revision):
                    # The revision was read first: items newer than it are only read once more,
                    # and a list stamped with it is dropped early.
                    changed = self._catalog.changed_since(self._view.revision)
                    self._view = self._view.after(changed, revision=revision)
                    self._built = True
        return self._view

    def last_known(self) -> CatalogView:
        """The view as it last was, an empty one before the catalogue was ever read."""
        return self._view

    def _is(self, revision: int) -> bool:
        # Another thread may have built a later view while this one waited: that will do.
        return self._built and self._view.revision >= revision
