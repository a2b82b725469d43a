"""What places are filled from: the candidates with all that the rules ask about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from engine.domain.arrays import BoolArray, FloatArray, IntArray, LongArray
from engine.domain.ids import MISSING
from engine.recommend.control.alike import Alike
from engine.recommend.control.config import Control
from engine.recommend.control.exploration import Draws, draws
from engine.recommend.control.goods import Goods
from engine.recommend.control.levers import Wishes
from engine.recommend.control.shortlist import Shortlist
from engine.recommend.control.tastes import Tastes

# Half for the same category, half for what is bought together.
_CATEGORY_PART = {"category": 1.0, "co_purchase": 0.0, "both": 0.5}


@dataclass(frozen=True)
class Board:
    """Of n customers with w candidates each, all (n, w), and None where no rule asks for it.

    `here` marks what is no padding; `category` and `brand` as in Goods, but an unknown one is
    below 0 and like no other of its row; `buried`, `tail` and `cold` mark candidates; `share` is
    that of the candidate's category in the customer's mix. `most` (n,) is how many of the
    `places` there are candidates for, `floor` (n,) how many are for the tail at least. `pins`
    (n, places) holds the candidate of each pinned place, -1 elsewhere. `category_part` of
    likeness is for the category, the rest for what `alike` knows.
    """

    control: Control
    item: IntArray
    here: BoolArray
    most: LongArray
    places: int
    category: IntArray | None = None
    brand: IntArray | None = None
    buried: BoolArray | None = None
    tail: BoolArray | None = None
    cold: BoolArray | None = None
    share: FloatArray | None = None
    alike: Alike | None = None
    category_part: float = 0.0
    pins: LongArray | None = None
    floor: LongArray | None = None
    draws: Draws | None = None

    @classmethod
    def of(
        cls,
        shortlist: Shortlist,
        tastes: Tastes,
        *,
        places: int,
        control: Control,
        goods: Goods,
        wishes: Wishes,
    ) -> Board:
        """The candidates with whatever the control asks about them."""
        item, here = shortlist.item, shortlist.item != MISSING
        most = np.minimum(here.sum(axis=1), places)
        part, similar = _likeness(control, goods)
        by_category = part > 0 or control.category_cap is not None or control.calibration > 0
        category = _apart(goods.category[item]) if by_category else None
        return cls(
            control=control,
            item=item,
            here=here,
            most=most,
            places=places,
            category=category,
            brand=None if control.brand_cap is None else _apart(goods.brand[item]),
            buried=None if wishes.buried is None else wishes.buried[item],
            tail=~goods.head[item] if control.long_tail_share else None,
            cold=goods.cold[item] if control.exploration_share else None,
            share=_share(category, tastes.mix) if control.calibration else None,
            alike=None if similar is None else Alike(item, here, similar),
            category_part=part,
            pins=_pins(item, wishes, most=most, places=places),
            floor=_floor(most, share=control.long_tail_share),
            draws=_draws(control, tastes, places=places),
        )


def _likeness(control: Control, goods: Goods) -> tuple[float, sparse.csr_matrix | None]:
    """The category's part in likeness, and what tells the rest; None where it is for nothing."""
    if not control.diversity:
        return 0.0, None
    part = _CATEGORY_PART[control.diversity_by]
    # Who knows of no purchases together has the category to go by.
    return (1.0, None) if part == 1 or goods.similar is None else (part, goods.similar)


def _apart(group: IntArray) -> IntArray:
    """The groups of candidates, of which each unknown one is like no other of its row."""
    nobodys = -1 - np.arange(group.shape[1], dtype=np.int32)
    return np.where(group == MISSING, nobodys, group)


def _share(category: IntArray | None, mix: FloatArray | None) -> FloatArray | None:
    """The share of each candidate's category in the mix, shape (n, w); 0 for an unknown one."""
    if category is None or mix is None or not mix.shape[1]:
        return None
    rows = np.arange(len(category))[:, None]
    return np.where(category < 0, np.float32(0), mix[rows, np.maximum(category, 0)])


def _pins(item: IntArray, wishes: Wishes, *, most: LongArray, places: int) -> LongArray | None:
    """The candidate of each pinned place, shape (n, places), -1 where none is pinned.

    A place that a short list does not reach is not pinned: its item goes by score.
    """
    pins: LongArray | None = None
    for place, position in wishes.pins:
        if place < places:
            pinned = (item == position) & (place < most)[:, None]
            pins = np.full((len(item), places), -1, dtype=np.int64) if pins is None else pins
            pins[:, place] = np.where(pinned.any(axis=1), pinned.argmax(axis=1), -1)
    return pins


def _floor(most: LongArray, *, share: float) -> LongArray | None:
    """How many places of each list are for the tail at least, shape (n,)."""
    if not share:
        return None
    # A hair less, or rounding of the product could ask for one place more.
    floor: LongArray = np.ceil(share * most - 1e-9).astype(np.int64)
    return floor


def _draws(control: Control, tastes: Tastes, *, places: int) -> Draws | None:
    if not control.exploration_share:
        return None
    return draws(
        tastes.customers,
        places=places,
        share=control.exploration_share,
        now_ms=tastes.now_ms,
        seed=control.exploration_seed,
    )
