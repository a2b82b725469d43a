"""What is asked of the recommender and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from engine.domain.catalog import Item
from engine.models.goals import Goal
from engine.recommend.control.config import ControlPatch

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
DEFAULT_PLACEMENT = "home"
# Placements that say what the list is of; at any other the list is mixed.
DISCOVER = "discover"
BUY_AGAIN = "buy_again"


class ReasonCode(StrEnum):
    """Why an item is in a list."""

    BUY_AGAIN = "buy_again"
    BECAUSE_YOU_BOUGHT = "because_you_bought"
    POPULAR = "popular"
    SIMILAR = "similar"
    BOUGHT_TOGETHER = "bought_together"
    BECAUSE_YOU_VIEWED = "because_you_viewed"
    LIKES_CATEGORY = "likes_category"


class Dropped(StrEnum):
    """Why an item that scored high enough is not in a list."""

    UNAVAILABLE = "unavailable"
    EXCLUDED = "excluded"
    JUST_BOUGHT = "just_bought"
    OTHER_CATEGORY = "other_category"
    ALREADY_BOUGHT = "already_bought"
    IN_BASKET = "in_basket"
    VIEWED = "viewed"


@dataclass(frozen=True, slots=True)
class Request:
    """What a list should hold.

    With `category`, items of that category come first; `strict_filtering` allows no others, not
    even to fill the list. `new_only` keeps out everything the customer has bought before,
    `again_only` everything else. `control` is what this list should be other than the shop's.
    """

    limit: int = DEFAULT_LIMIT
    placement: str = DEFAULT_PLACEMENT
    category: str | None = None
    exclude_item_ids: frozenset[str] = frozenset()
    strict_filtering: bool = False
    new_only: bool = False
    again_only: bool = False
    control: ControlPatch | None = None

    @property
    def goal(self) -> Goal:
        """What the list should find."""
        return Goal.NEW if self.new_only else Goal.ANY

    def of_placement(self) -> Request:
        """The request with what its placement says of it."""
        return replace(
            self,
            new_only=self.placement == DISCOVER,
            again_only=self.placement == BUY_AGAIN,
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item is in a list; `item_id` is the item in hand or bought that speaks most for it."""

    code: ReasonCode
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class RecommendedItem:
    """One place of a list, rank from 1; score unitless.

    Scores never rise down the list but where a `rule` of the shop put the item at its place.
    `propensity` is the chance it had to come there: below 1 where the list explores.
    """

    item_id: str
    rank: int
    score: float
    source: str
    reasons: tuple[Reason, ...]
    rule: str | None = None
    propensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A list for one customer, with how many items each rule kept out of it.

    `missed` are the items it would show were they available; None where nobody counted.
    """

    customer_id: str
    requested: int
    items: tuple[RecommendedItem, ...]
    dropped: Mapping[Dropped, int] = field(default_factory=dict)
    fallback_reason: str | None = None
    missed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class CatalogView:
    """What the rules need to know of the catalogue, as of one revision of it."""

    revision: int = 0
    unavailable: frozenset[str] = frozenset()
    categories: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Iterable[Item], *, revision: int) -> CatalogView:
        """The view of a catalogue's items."""
        return cls().after(items, revision=revision)

    def after(self, changed: Iterable[Item], *, revision: int) -> CatalogView:
        """The view once these items are as given and all others as they were."""
        listed = {item.item_id: item for item in changed}
        gone = frozenset(item_id for item_id, item in listed.items() if not item.available)
        categories = {
            item_id: category
            for item_id, category in self.categories.items()
            if item_id not in listed
        }
        categories |= {each.item_id: each.category for each in listed.values() if each.category}
        return CatalogView(
            revision=revision,
            unavailable=(self.unavailable - listed.keys()) | gone,
            categories=categories,
        )
