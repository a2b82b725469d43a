"""The levers that are tried, what their lists are told by, and where margins come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from engine.domain.assortment import UNKNOWN_MONEY, Assortment
from engine.domain.ids import IdTable
from engine.recommend.control.config import Control
from training.evaluation.beyond import CALIBRATION, COVERAGE, DIVERSITY

NDCG, MARGIN, EARNED = "ndcg", "margin", "earned"
TAIL, RECENT, COLD, COLD_HITS = "tail", "recent", "cold", "cold_hits"


@dataclass(frozen=True)
class Trait:
    """Something told of a setting's lists: how readers call it, and what it means in a line."""

    title: str
    meaning: str
    more: bool = True


TRAITS: Mapping[str, Trait] = MappingProxyType(
    {
        NDCG: Trait("nDCG", "how well the lists hold what customers bought"),
        MARGIN: Trait("Margin shown", "the margins of the items of a list, summed"),
        EARNED: Trait("Margin bought", "the margins of those of a list that were bought, summed"),
        DIVERSITY: Trait("Diversity", "how different the items of one list are"),
        CALIBRATION: Trait(
            "Miscalibration", "how far a list's categories are from the customer's own mix", False
        ),
        COVERAGE: Trait("Coverage", "the share of the catalogue that is in any list"),
        TAIL: Trait("Long tail", "the share of places for items that are no best sellers"),
        RECENT: Trait(
            "New items", "the share of places for items first sold in the four weeks before"
        ),
        COLD: Trait("Cold items", "the share of places for items with hardly an order yet"),
        COLD_HITS: Trait("Cold hits", "the share of cold items' places that were bought"),
    }
)


@dataclass(frozen=True)
class Lever:
    """A lever by its name, how far it is moved, the trait it aims at, and the control itself."""

    name: str
    strength: str
    aim: str
    control: Control


PLAIN = Lever("as scored", "", NDCG, Control())
MARGIN_LEVERS = tuple(
    Lever("margin", f"{x:.0%}", MARGIN, Control(margin_tolerance=x)) for x in (0.02, 0.05, 0.1, 0.2)
)
CATEGORY_LEVERS = tuple(
    Lever("calibration", f"{x:g}", CALIBRATION, Control(calibration=x)) for x in (0.1, 0.3, 0.5)
)
LEVERS = (
    *(Lever("diversity", f"{x:g}", DIVERSITY, Control(diversity=x)) for x in (0.1, 0.3, 0.5)),
    *(Lever("long tail", f"{x:.0%}", TAIL, Control(long_tail_share=x)) for x in (0.1, 0.2, 0.3)),
    *(Lever("exploration", f"{x:.0%}", COLD, Control(exploration_share=x)) for x in (0.05, 0.1)),
)
MADE_UP = (
    "The catalogue knows no costs. Margins here are made up: each item's is 5% to 60% of one "
    "price for all, drawn from its id. They show how the lever trades, and nothing of this shop."
)
FROM_CATALOGUE = "Margins are price less cost, from the catalogue."
NO_MARGINS = (
    "The catalogue knows no costs, so nothing can be said of margins; --made-up-margins shows "
    "how the lever trades on invented ones."
)
_PRICE, _LEAST, _MOST = 1_000, 0.05, 0.6


def knows_margins(assortment: Assortment) -> bool:
    """Whether the margin of any item is known."""
    known = (assortment.price != UNKNOWN_MONEY) & (assortment.cost != UNKNOWN_MONEY)
    return bool(known.any())


def with_made_up_margins(assortment: Assortment, items: IdTable) -> Assortment:
    """The assortment with one price for all items and a cost for each that follows from its id."""
    digests = (hashlib.blake2b(each.encode(), digest_size=8).digest() for each in items.ids)
    lots = np.fromiter((int.from_bytes(each, "little") / 2**64 for each in digests), np.float64)
    margin = np.rint(_PRICE * (_LEAST + (_MOST - _LEAST) * lots)).astype(np.int64)
    return replace(assortment, price=np.full_like(margin, _PRICE), cost=_PRICE - margin)
