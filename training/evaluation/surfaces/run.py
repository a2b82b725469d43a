"""All surfaces tried on one field, and the price of control."""

from __future__ import annotations

from collections.abc import Callable

from training.evaluation.judge import PLAIN
from training.evaluation.surfaces import (
    audiences,
    baskets,
    beside,
    control,
    given,
    own,
    selling,
    visits,
)
from training.evaluation.surfaces.field import Field
from training.evaluation.surfaces.results import Surface, Surfaces

# In the order of a reader's interest: one's own lists, those beside an item, those for strangers.
TRIED: tuple[tuple[str, Callable[[Field], Surface | None]], ...] = (
    (own.BUY_AGAIN.name, own.buy_again),
    (own.DISCOVER.name, own.discover),
    (beside.SIMILAR.name, beside.similar_items),
    (beside.TOGETHER.name, beside.together),
    (baskets.KNOWN.name, baskets.baskets),
    (baskets.STRANGER.name, baskets.strangers_baskets),
    (visits.VISIT.name, visits.visits),
    (selling.CATEGORY.name, selling.in_category),
    (selling.FAVOURITE.name, selling.in_favourite),
    (selling.STAGE.name, selling.in_stage),
    (selling.NEWCOMERS.name, selling.newcomers),
    (given.GIVEN.name, given.given_list),
    (audiences.AUDIENCE.name, audiences.audiences),
)


def try_surfaces(field: Field, *, step: Callable[[str], None], made_up: bool = False) -> Surfaces:
    """Every surface on its own cases; one that the shop has no cases for is left out.

    `made_up`: margins are invented where the catalogue knows none, and labelled so.
    """
    found = []
    for name, tried in TRIED:
        step(f"trying '{name}'")
        surface = tried(field)
        if surface is not None:
            found.append(surface)
    step("the price of control")
    price = control.price_of_control(field, made_up=made_up)
    return Surfaces(found, price, PLAIN.confidence)
