"""The items' attributes, kept by the process while the catalogue does not change."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from engine.domain.catalog import Item
from engine.ports import Catalog


class ItemBook:
    """Keeps every item, and reads those that changed when the catalogue's revision has."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._items: dict[str, Item] = {}
        self._revision = -1
        self._lock = threading.Lock()

    def latest(self) -> Mapping[str, Item]:
        """Every item by id, as the catalogue is. Raises StoreUnavailable."""
        revision = self._catalog.revision()
        if self._revision < revision:
            with self._lock:
                if self._revision < revision:
                    changed = self._catalog.changed_since(self._revision)
                    # A new mapping: others may be reading the old one.
                    self._items = {**self._items, **{each.item_id: each for each in changed}}
                    self._revision = revision
        return self._items
