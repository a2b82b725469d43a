"""What stages of the lifecycle are called, what they mean, and their colours."""

from __future__ import annotations

from types import MappingProxyType

from engine.charts.theme import AMBER, BLUE, GREEN, GREY, SKY

FAMILIARITY = "familiarity"
LOYALTY = "loyalty"
SEPARATION = "separation"
MEANING = MappingProxyType(
    {
        "awareness": "known to the shop, no order yet",
        "exploration": "one order so far, or something in the cart",
        "familiarity": "ordered more than once, not yet by habit",
        "loyalty": "orders regularly, by their own rhythm: your regulars",
        "separation": "long overdue by their own rhythm, or very unlikely to order again",
    }
)
COLOURS = MappingProxyType(
    {
        "awareness": GREY,
        "exploration": SKY,
        "familiarity": BLUE,
        "loyalty": GREEN,
        "separation": AMBER,
    }
)


def colour_of(stage: str) -> str:
    """The colour of a stage."""
    return COLOURS.get(stage, GREY)
