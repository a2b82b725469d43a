"""What sells in a segment, counted from its members' purchases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from engine.domain.arrays import FloatArray
from engine.domain.histories import NetLine, histories_of
from engine.domain.ids import IdTable
from engine.loyalty.net import net_lines
from engine.loyalty.state import decode
from engine.models.model import Model
from engine.ports import Customers, Segments
from engine.recommend.surfaces import popular_among

# Members looked at, the first by id, and read at once.
MOST_MEMBERS = 2_000
PAGE = 200
# Segments kept, and how long; a list that is a minute old is as good.
MOST_KEPT = 100
KEPT = timedelta(minutes=1)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class _Counted:
    items: IdTable
    at_ms: int
    shares: FloatArray | None


class SegmentSales:
    """Shares of items in the purchases of segments, counted again when they have become old."""

    def __init__(self, customers: Customers, segments: Segments) -> None:
        self._customers = customers
        self._segments = segments
        self._lock = threading.Lock()
        self._kept: dict[str, _Counted] = {}

    def shares(self, model: Model, name: str, *, now_ms: int) -> FloatArray | None:
        """How often the segment's members buy each of a model's items, see `popular_among`.

        None while no member has bought any of them. Raises StoreUnavailable.
        """
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or kept.items is not model.items or now_ms - kept.at_ms >= KEPT // _MS:
                kept = _Counted(model.items, now_ms, self._count(model, name))
                self._kept.pop(name, None)
                while len(self._kept) >= MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[name] = kept
        return kept.shares

    def _count(self, model: Model, name: str) -> FloatArray | None:
        members = histories_of(self._members(name), items=model.items)
        if not (members.item >= 0).any():
            return None
        return popular_among(model, members)

    def _members(self, name: str) -> Iterator[tuple[str, tuple[NetLine, ...]]]:
        found = self._segments.members(name, after=None, limit=MOST_MEMBERS)
        for start in range(0, len(found), PAGE):
            page = [each.customer_id for each in found[start : start + PAGE]]
            for stored in self._customers.load_many(page):
                yield stored.customer_id, tuple(net_lines(decode(stored.state)))
