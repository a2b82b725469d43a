"""What a shop may ask of its lists, in the table `[control]` and, in part, with a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Annotated, ClassVar, Literal, TypeAlias

import msgspec

Moment: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Likeness: TypeAlias = Literal["category", "co_purchase", "both"]

_SHARE = (0.0, 1.0)
_PLACES = (1, 1_000)


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a wish holds: from `valid_from` on and before `until`; None is without end."""

    valid_from: Moment | None = None
    until: Moment | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the wish holds at a moment."""
        begun = self.valid_from is None or self.valid_from <= now
        return begun and (self.until is None or now < self.until)


class Target(Span, frozen=True, forbid_unknown_fields=True):
    """What a wish is about: exactly one of an item, a category and a brand."""

    item_id: str | None = None
    category: str | None = None
    brand: str | None = None


class Boost(Target, frozen=True, forbid_unknown_fields=True):
    """More, or less, of something: relevance from 0 to 1 becomes `factor` x relevance + `add`."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "factor": (0.0, 100.0),
        "add": (-1.0, 1.0),
    }

    factor: float = 1.0
    add: float = 0.0


class Bury(Target, frozen=True, forbid_unknown_fields=True):
    """Something to be shown only when there is nothing else."""


class Pin(Span, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An item at a fixed place, counted from 1, for every customer to whom it may be shown."""

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {"place": _PLACES}

    item_id: str
    place: int


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lists should be beside relevant; the defaults leave them as they are.

    Shares and weights lie in 0 to 1, 0 is off; a cap of None is off. The head of the assortment
    is the fewest items that make `head_share` of all orders, the rest is the long tail; an item
    of the tail in at most `cold_orders` orders is cold.
    """

    BOUNDS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "diversity": _SHARE,
        "calibration": _SHARE,
        "price_affinity": _SHARE,
        "category_cap": _PLACES,
        "brand_cap": _PLACES,
        "margin_tolerance": _SHARE,
        "long_tail_share": _SHARE,
        "head_share": _SHARE,
        "exploration_share": _SHARE,
        "cold_orders": (0, 1_000_000),
        "exploration_seed": (0, 2**32 - 1),
    }

    diversity: float = 0.0
    diversity_by: Likeness = "both"
    calibration: float = 0.0
    price_affinity: float = 0.0
    category_cap: int | None = None
    brand_cap: int | None = None
    margin_tolerance: float = 0.0
    long_tail_share: float = 0.0
    head_share: float = 0.8
    exploration_share: float = 0.0
    cold_orders: int = 5
    exploration_seed: int = 0
    boosts: tuple[Boost, ...] = ()
    buries: tuple[Bury, ...] = ()
    pins: tuple[Pin, ...] = ()

    @property
    def off(self) -> bool:
        """Whether lists stay as the scores have them."""
        return not (
            self.diversity
            or self.calibration
            or self.price_affinity
            or self.category_cap is not None
            or self.brand_cap is not None
            or self.margin_tolerance
            or self.long_tail_share
            or self.exploration_share
            or self.boosts
            or self.buries
            or self.pins
        )


class ControlPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one request wants otherwise; what is UNSET stays as the shop has it.

    Margin, long tail and exploration, boosts, buries and pins are the shop's and not a page's.
    """

    diversity: float | msgspec.UnsetType = msgspec.UNSET
    diversity_by: Likeness | msgspec.UnsetType = msgspec.UNSET
    calibration: float | msgspec.UnsetType = msgspec.UNSET
    price_affinity: float | msgspec.UnsetType = msgspec.UNSET
    category_cap: int | msgspec.UnsetType | None = msgspec.UNSET
    brand_cap: int | msgspec.UnsetType | None = msgspec.UNSET

    def applied_to(self, control: Control) -> Control:
        """The shop's control with what the request set."""
        asked = {name: getattr(self, name) for name in self.__struct_fields__}
        changed = {name: value for name, value in asked.items() if value is not msgspec.UNSET}
        return msgspec.structs.replace(control, **changed) if changed else control


def problems_of(control: Control) -> list[str]:
    """What cannot be, each in words that begin with the key; nothing when all is well."""
    return [
        *_out_of_bounds(control, Control.BOUNDS, ""),
        *_each(control.boosts, "boosts", Boost.BOUNDS),
        *_each(control.buries, "buries", {}),
        *_each(control.pins, "pins", Pin.BOUNDS),
        *_in_each_others_way(control.pins),
    ]


def _out_of_bounds(
    told: msgspec.Struct, bounds: Mapping[str, tuple[float, float]], where: str
) -> Iterator[str]:
    for name, (low, high) in bounds.items():
        value = getattr(told, name)
        # Not the other way round: NaN is neither below nor above.
        if value is not None and not low <= value <= high:
            yield f"{where}{name} must be from {low:,} to {high:,}, not {value}"


def _each(
    wishes: Sequence[Span], name: str, bounds: Mapping[str, tuple[float, float]]
) -> Iterator[str]:
    for number, wish in enumerate(wishes, start=1):
        where = f"{name} number {number}: "
        yield from _out_of_bounds(wish, bounds, where)
        if isinstance(wish, Target):
            named = [each for each in ("item_id", "category", "brand") if getattr(wish, each)]
            if len(named) != 1:
                yield f"{where}name one of item_id, category and brand, not {len(named)}"
        if wish.valid_from and wish.until and wish.until <= wish.valid_from:
            yield f"{where}until {wish.until} must be after valid_from {wish.valid_from}"


def _in_each_others_way(pins: Sequence[Pin]) -> Iterator[str]:
    for one, other in combinations(pins, 2):
        if one.item_id == other.item_id and _overlap(one, other):
            yield f"pins: {one.item_id} has two places at once; end one before the other begins"
        elif one.place == other.place and _overlap(one, other):
            yield (
                f"pins: {one.item_id} and {other.item_id} share place {one.place}; move one, or "
                "end it before the other begins"
            )


def _overlap(one: Span, other: Span) -> bool:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return (one.valid_from or first) < (other.until or last) and (other.valid_from or first) < (
        one.until or last
    )
