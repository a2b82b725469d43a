"""The shop's control over the lists of one model, with what it needs worked out once."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import msgspec
import numpy as np

from engine.domain.arrays import FloatArray, IntArray, LongArray
from engine.domain.histories import DAY_MS, Histories
from engine.models.item_item import ItemItem
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.answer import Request
from engine.recommend.candidates import union
from engine.recommend.control.arrange import arrange
from engine.recommend.control.config import Control
from engine.recommend.control.goods import Goods, likeness
from engine.recommend.control.levers import Levers
from engine.recommend.control.shortlist import Arranged, Shortlist
from engine.recommend.control.tastes import Tastes, category_mix

# Cold items that may be shown on one day, and how many of them each customer chooses from.
COLD_A_DAY = 2_000
COLD_A_CUSTOMER = 20


class Steering:
    """Arranges shortlists as the shop and the request want them; `off`: the shop wants nothing."""

    def __init__(self, model: Model, control: Control) -> None:
        self._own = control
        self.off = control.off
        self._model = model
        self._levers = Levers(control, model.items, model.assortment)
        self._goods = _goods(model, control)
        told = msgspec.json.encode(control, order="deterministic")
        self._name = hashlib.blake2b(told, digest_size=8).hexdigest()
        # The UTC day and its cold items; any thread may replace them.
        self._cold: tuple[int, IntArray] | None = None

    def control(self, request: Request) -> Control:
        """What holds for a request."""
        return request.control.applied_to(self._own) if request.control else self._own

    def unknown(self) -> list[str]:
        """What is wished of something that the model and its catalogue do not have."""
        return self._levers.unknown()

    def epoch(self, now_ms: int) -> str:
        """A name for what the shop wants at a moment, "" for nothing; another when it changes."""
        if self.off:
            return ""
        since = self._levers.at(now_ms).since_ms
        day = now_ms // DAY_MS if self._own.exploration_share else 0
        return f"{self._name}.{since:.0f}.{day}"

    def wanted(self, query: Query, request: Request) -> Pairs | None:
        """What no score may keep from the choice: items with a fixed place, and cold ones.

        None when there is nothing of the kind, or only what was bought is asked for.
        """
        parts = []
        if not request.again_only and (items := self._levers.pinned(query.now_ms)):
            count = len(query)
            row = np.arange(count, dtype=np.int64).repeat(len(items))
            tiled = np.tile(np.asarray(items, dtype=np.int64), count)
            parts.append(Pairs.of(row, tiled, customers=count))
        if not request.again_only and self._own.exploration_share:
            parts.append(self._explored(query))
        return union(parts, customers=len(query)) if parts else None

    def arrange(self, short: Shortlist, query: Query, control: Control, *, limit: int) -> Arranged:
        """Lists from shortlists."""
        if control.off:
            return Arranged.as_scored(short, limit=limit)
        tastes = Tastes.of(query.histories, self._goods, control=control, now_ms=query.now_ms)
        return arrange(
            short,
            tastes,
            limit=limit,
            control=control,
            goods=self._goods_for(control),
            levers=self._levers,
        )

    def _goods_for(self, control: Control) -> Goods:
        """The goods, with what is bought together once a control asks for that."""
        asked = control.diversity and control.diversity_by != "category"
        if asked and self._goods.similar is None:
            near = self._model.scorers.get(ItemItem.name)
            if isinstance(near, ItemItem):
                # Any thread may do this first, and all of them find the same.
                self._goods = replace(self._goods, similar=likeness(near.similarity))
        return self._goods

    def _explored(self, query: Query) -> Pairs:
        """Cold items for each customer, those of the categories bought most often first.

        Which ones is no matter of chance, so that the chance told with an item is the whole of it.
        """
        cold = self._cold_of(query.now_ms // DAY_MS)
        wish = _wish(query.histories, self._goods, cold)
        best = np.argsort(-wish, axis=1, kind="stable")[:, :COLD_A_CUSTOMER]
        row = np.arange(len(query), dtype=np.int64).repeat(best.shape[1])
        return Pairs.of(row, cold[best.ravel()], customers=len(query))

    def _cold_of(self, day: int) -> IntArray:
        """The day's cold items: every one has its turn in the course of days."""
        kept = self._cold
        if kept is None or kept[0] != day:
            every: LongArray = np.flatnonzero(self._goods.cold)
            order = np.random.default_rng([self._own.exploration_seed, day]).permutation(len(every))
            self._cold = kept = (day, every[order[:COLD_A_DAY]].astype(np.int32))
        return kept[1]


def _wish(histories: Histories, goods: Goods, items: IntArray) -> FloatArray:
    """The share of each item's category among each customer's lines, shape (n, len(items))."""
    if not goods.categories:
        return np.zeros((len(histories), len(items)), dtype=np.float32)
    category = goods.category[items]
    mix = category_mix(histories, goods)[:, category]
    wish: FloatArray = np.where(category < 0, np.float32(0), mix)
    return wish


def _goods(model: Model, control: Control) -> Goods:
    # Of a model without statistics nobody knows what is cold: nothing is.
    orders = np.full(len(model.items), control.cold_orders + 1, dtype=np.int64)
    if model.ranking:
        known = model.ranking.statistics
        orders = np.rint(known.buyers * known.orders_per_buyer).astype(np.int64)
    return Goods.of(model.assortment, orders, control=control)
